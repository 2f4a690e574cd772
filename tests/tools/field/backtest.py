"""Two policies over AMLSim's transfers and the call records of nine subscribers: what differs, and how long it takes.

python -m tests.tools.field.backtest FOLDER --report out.json      FOLDER holds amlsim/ and cdr/

AMLSim's accounts have no register, so each that pays is a person of his own; a seeded half of the planted accounts is
confirmed on the day of its fraud (tests/tools/field/amlsim). The nine subscribers are made-up residents who hold the
numbers. The candidate looks back a week for payments to a suspect instead of 72 hours, and takes less for a long call.
"""

import argparse
import asyncio
import json
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

from domain.policy import load
from simulators.backtest.report import report
from simulators.backtest.run import Answer, Policies, from_files
from streams.intake.formats import Options
from streams.runtime.settings import POLICY
from tests.tools.field import amlsim, cdr
from tests.tools.field.line import resident

CHANGES = (('window = "72h"', 'window = "7d"'), ("long_bits = 7.0", "long_bits = 4.0"))


def policies() -> Policies:
    """Jilin's, and the candidate made of it."""
    text = POLICY.read_text("utf-8")
    changed = text
    for before, after in CHANGES:
        changed = changed.replace(before, after)
    return Policies(load(changed), load(text))


def transfers(folder: Path, made: Path) -> Answer:
    """AMLSim's, with the watchlist beside them."""
    confirmed = amlsim.confirmations(amlsim.read(folder))
    (made / "watch.jsonl").write_bytes(b"\n".join(amlsim.watch(node, day) for node, day in confirmed.items()))
    files = [("amlsim", folder / "transactions.csv.gz"), ("jsonl", made / "watch.jsonl")]
    return asyncio.run(from_files(policies(), files, Options(start=amlsim.FIRST), None))


def calls(folder: Path, made: Path) -> Answer:
    """The nine subscribers'."""
    paths = sorted(folder.glob("*.csv.gz"))
    people = [resident(number, phone=cdr.read(path)[0]) for number, path in enumerate(paths)]
    (made / "residents.jsonl").write_text("\n".join(one.model_dump_json() for one in people), "utf-8")
    files = [("cdr", path) for path in paths]
    return asyncio.run(from_files(policies(), files, Options(), made / "residents.jsonl"))


def run(folder: Path) -> dict[str, Any]:
    """Both, with the seconds that each took and the most memory at the end of it, in megabytes."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="quanzu-backtest-") as made:
        for name, judged in (("cdr", calls), ("amlsim", transfers)):
            began = time.monotonic()
            answer = judged(folder / name, Path(made))
            seconds, memory = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            found[name] = {"seconds": round(seconds, 1), "megabytes": round(memory), **report(answer)}
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--report", type=Path)
    given = parser.parse_args()
    text = json.dumps(run(given.folder), indent=2, ensure_ascii=False)
    print(text)
    if given.report:
        given.report.write_text(text + "\n", encoding="utf-8")
