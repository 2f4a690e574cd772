"""How many questions the public check answers in a second on one core, and how long an answer takes.

python -m tests.tools.public_check --listed 20000 --seconds 10

A console answers over HTTP, with all its middleware and a Redis that counts the limits; the list is put into its memory
directly. The asker is a process of its own. Every twentieth answer is opened and compared with what is listed.
"""

import argparse
import asyncio
import base64
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from urllib.parse import urlsplit

import limits as rates

from console.web.kit import limits
from domain.public_check.buckets import CheckStatus, bucket_of, status_in
from domain.public_check.listing import asked_text, listing_of, prefix_of
from domain.public_check.oprf import evaluated, hash_to_group, random_scalar, unblinded
from schemas.risk.evidence import WatchEntry, WatchStatus
from tests.console.harness.stage import stage

AT_ONCE = 8  # questions under way
PREPARED = 200  # different questions
OPENED = 20  # one in so many answers is opened
NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
BAR = 250  # answers in a second of one core: 500 on two
FAST = "1000000000/minute"  # no limit, but counted as always


@dataclass(frozen=True, slots=True)
class Prepared:
    """A question, and what its answer must be."""

    body: bytes
    blind: bytes
    status: CheckStatus | None


def phone(number: int) -> str:
    """An invented telephone number."""
    return f"+86198{number:08}"


def prepared(bits: int, listed: int) -> list[Prepared]:
    """Questions, every second one about a listed number."""
    made = []
    for number in range(PREPARED):
        known = number % 2 == 0
        text, blind = asked_text("phone", phone(number if known else listed + number)), random_scalar()
        element = base64.urlsafe_b64encode(evaluated(blind, hash_to_group(text))).decode().rstrip("=")
        told = {"bits": bits, "buckets": [bucket_of(prefix_of(text), bits)], "elements": [element]}
        made.append(Prepared(json.dumps(told).encode(), blind, CheckStatus.CONFIRMED if known else None))
    return made


def raw_of(text: str) -> bytes:
    """The bytes of a text in base 64 for URLs."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def opened_answer(raw: bytes, question: Prepared) -> CheckStatus | None:
    """The status in an answer."""
    [found] = json.loads(raw)["answers"]
    element, nonce, entries = (raw_of(found[name]) for name in ("element", "nonce", "entries"))
    return status_in(entries, nonce, unblinded(question.blind, element))


async def asking(url: str, bits: int, listed: int, seconds: float) -> dict[str, float]:
    """Ask for so long; return the number of answers, and milliseconds at the 50th and 99th percentile."""
    questions, took = cycle(prepared(bits, listed)), list[float]()
    until = time.monotonic() + seconds

    async def one() -> None:
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        while time.monotonic() < until:
            question = next(questions)
            head = f"POST /v1/check HTTP/1.1\r\nhost: {parts.netloc}\r\ncontent-length: {len(question.body)}\r\n\r\n"
            began = time.perf_counter()
            writer.write(head.encode() + question.body)
            answer = (await reader.readuntil(b"\r\n\r\n")).lower()
            if not answer.startswith(b"http/1.1 200"):
                raise RuntimeError(answer.splitlines()[0].decode())
            length = int(answer.split(b"content-length: ")[1].split(b"\r\n")[0])
            raw = await reader.readexactly(length)
            took.append((time.perf_counter() - began) * 1000)
            if len(took) % OPENED == 0 and opened_answer(raw, question) is not question.status:
                raise RuntimeError("an answer is wrong")
        writer.close()

    await asyncio.gather(*(one() for _ in range(AT_ONCE)))
    took.sort()
    return {"answers": len(took), "p50": took[len(took) // 2], "p99": took[len(took) * 99 // 100]}


async def measured(listed: int, seconds: float) -> dict[str, float]:
    """Start a console with so many listed numbers, let another process ask, and return the figures."""
    limits.CHECKS = limits.ALL_CHECKS = rates.parse(FAST)
    with tempfile.TemporaryDirectory() as folder:
        async with stage(Path(folder), public_check=True, rate_address=FAST) as console:
            known = console.services.check_list
            assert known is not None
            while known.bits is None:  # noqa: ASYNC110 - the list has no event
                await asyncio.sleep(0.1)
            secret, began = console.house.settings.key(), time.process_time()
            for number in range(listed):
                check = listing_of(secret, "phone", phone(number))
                subject = f"phone:p{number:032x}"
                known.add_entry(WatchEntry(subject=subject, standing=WatchStatus.CONFIRMED, at=NOW, check=check))
            loaded = time.process_time() - began
            told = [console.address, str(known.bits), str(listed), str(seconds)]
            began = time.process_time()
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.tools.public_check", "--ask", *told, stdout=asyncio.subprocess.PIPE
            )
            out, _ = await process.communicate()
            used = time.process_time() - began
            found: dict[str, float] = json.loads(out)
            per_core = found["answers"] / used
            return found | {"per_core": per_core, "bits": known.bits, "size": known.size, "loaded": loaded}


def main() -> int:
    """Measure and print the figures; 1 if a core answers under 250 questions in a second."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listed", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--ask", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.ask:
        url, bits, listed, seconds = given.ask
        sys.stdout.write(json.dumps(asyncio.run(asking(url, int(bits), int(listed), float(seconds)))))
        return 0
    found = asyncio.run(measured(given.listed, given.seconds))
    sys.stdout.write(
        f"{given.listed} listed, buckets of {found['bits']} bits and {found['size']} entries, "
        f"loaded in {found['loaded']:.1f} s of a core\n"
        f"{found['answers']} answers in {given.seconds:.0f} s; {found['per_core']:.0f} a second of the console's core\n"
        f"p50 {found['p50']:.1f} ms, p99 {found['p99']:.1f} ms with {AT_ONCE} under way; "
        f"load of the machine {os.getloadavg()[0]:.1f}\n"
    )
    return 0 if found["per_core"] >= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
