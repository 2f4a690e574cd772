"""`python -m tests.tools.fuzz --inputs 1000000 --seed 1 --report hostile.json`: hostile inputs at every door.

A ninth or so goes over the wire to a real line; the rest to the same functions in a process of its own, meanwhile.
`--only "case inputs/123"` gives one input again, and shows what it does.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from tests.tools.fuzz import rooms
from tests.tools.fuzz.book import Book
from tests.tools.fuzz.line import Line, running
from tests.tools.fuzz.stream import send_records, send_requests

HTTP, KAFKA = 40, 62  # of a thousand inputs


async def over_the_wire(book: Book, seed: int, count: int) -> dict[str, Any]:
    """The line's share, then all of Redis lost, and what is left to say of the line."""
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        async with running(Path(folder)) as line:
            await send_records(line, book, seed, count * KAFKA // 1000)
            await send_requests(line, book, seed, count * HTTP // 1000)
            return await _ended(line, book)


async def _ended(line: Line, book: Book) -> dict[str, Any]:
    for what in ("conservation", "after a lost Redis"):
        began = time.monotonic()
        if trouble := await line.drained():
            book.crashed("line", what, trouble)
        print(f"{what}: {trouble or 'holds'}, after {time.monotonic() - began:.0f} s", flush=True)
        if what == "conservation":
            await line.lose_redis()
    for leak in await line.leaks():
        book.leaks += 1
        book.fault(leak)
    letters = await line.letters()
    return {
        "dead_letters": letters,
        "signals": line.outcomes.total(),
        "tallied": await line.tallied(),
        "peak_mb": line.peaks_mb(),
    }


def report(book: Book, seed: int, line: dict[str, Any], peak: float, seconds: float) -> dict[str, Any]:
    """The figures of a run."""
    worst = max(book.worst.items(), key=lambda item: item[1])
    return {
        "seed": seed,
        "inputs": book.inputs,
        "crashes": book.crashes,
        "hangs": book.hangs,
        "leaks": book.leaks,
        "worst": {"kind": worst[0], "input": worst[1][1], "cpu_seconds": round(worst[1][0], 3)},
        "worst_by_kind": {kind: round(seconds, 4) for kind, (seconds, _) in sorted(book.worst.items())},
        "line": line,
        "peak_mb": round(peak),
        "seconds": round(seconds),
        "by_kind": {kind: dict(counts) for kind, counts in sorted(book.counts.items())},
        "faults": book.faults,
    }


async def run(seed: int, count: int) -> dict[str, Any]:
    """All of it, the doors in another process while the line has its share."""
    began, book = time.monotonic(), Book()
    doors = count - count * HTTP // 1000 - count * KAFKA // 1000
    with ProcessPoolExecutor(1) as other:
        rest = other.submit(rooms.run, seed, doors)
        line = await over_the_wire(book, seed, count)
        found, peak = await asyncio.wrap_future(rest)
    book.add(found)
    return report(book, seed, line, peak, time.monotonic() - began)


def main() -> int:
    """0 when nothing fell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", type=Path)
    parser.add_argument("--only", help="one input of a door: NAME/NUMBER")
    given = parser.parse_args()
    if given.only:
        book, _ = rooms.run(given.seed, given.inputs, given.only)
        print(dict(book.counts), *book.faults, sep="\n")
        return int(bool(book.faults))
    found = asyncio.run(run(given.seed, given.inputs))
    text = json.dumps(found, indent=2, ensure_ascii=False)
    if given.report:
        given.report.write_text(text + "\n")
    print(text)
    return int(found["crashes"] + found["hangs"] + found["leaks"] > 0)


if __name__ == "__main__":
    sys.exit(main())
