"""What encryption with a public key costs: `python -m tests.tools.bench.measured.intake_encryption`.

CPU of this process in µs a signal, of requests with 500 signals and with one. `work`: what intake does with a request,
from its body to its records, without HTTP and Kafka, so that the share is an upper bound; without encryption, with a
key for each request, and as it is done, with a key for each second. `added`: medians of pairs measured in turn.
`open`: what it costs a worker to decrypt these records, in batches as it fetches them.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Sequence

from pydantic import SecretStr

from streams.intake.acceptor import examine, records_of
from streams.intake.parsing import items_of_lines
from streams.messaging.producer import Record
from streams.runtime.settings import Settings
from streams.security.intake_encryption import (
    IntakeEncryption,
    intake_keys,
    opened_values,
    sealed_values,
)
from tests.tools.bench.figures import Figure, figure
from tests.tools.bench.measured import intake
from tests.tools.field.load.load import AT
from tests.tools.installation_keys import KEYS

PAIRS = 15
REQUESTS = {"ndjson_500": 12, "single": 2_000}
FETCHED = 200  # records in one batch of a worker
SETTINGS = Settings(
    kafka="127.0.0.1:1", redis="redis://127.0.0.1:1/0", secret=SecretStr("bench" * 8), keys=SecretStr(KEYS)
)
RIGHTS = SETTINGS.rights()


async def measured(pairs: int) -> dict[str, dict[str, str]]:
    """By the form of request: the figures."""
    return {form: await _of(form, list(intake._bodies(form, count)), pairs) for form, count in REQUESTS.items()}


async def _of(form: str, bodies: Sequence[bytes], pairs: int) -> dict[str, str]:
    signals = len(bodies) * intake._size(form)
    codec, keys = IntakeEncryption(intake_keys(SETTINGS).public), intake_keys(SETTINGS)
    ways: dict[str, Callable[[list[Record]], object]] = {
        "plain": lambda records: None,
        "key_of_request": lambda records: sealed_values(records, keys.sealer),
        "key_of_second": lambda records: sealed_values(records, codec._sealer),
    }
    used: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(pairs + 1):
        for way, seal in ways.items():
            began = time.process_time()
            for body in bodies:
                seal(_records(body))
            used[way].append((time.process_time() - began) / signals * 1e6)
            await asyncio.sleep(0)
    runs = {way: each[1:] for way, each in used.items()}  # the first one warms up
    found = {f"work_{way}": figure(each, "µs") for way, each in runs.items()}
    for way in ("key_of_request", "key_of_second"):
        added = [after - before for before, after in zip(runs["plain"], runs[way], strict=True)]
        share = [extra / before * 100 for before, extra in zip(runs["plain"], added, strict=True)]
        found |= {f"added_{way}": figure(added, "µs"), f"share_{way}": figure(share, "%")}
    found |= {f"open_{way}": _opened(bodies, ways[way], signals, pairs) for way in ("key_of_request", "key_of_second")}
    return {name: str(each) for name, each in found.items()}


def _records(body: bytes) -> list[Record]:
    return records_of(examine(items_of_lines(body), AT, RIGHTS).signals, SETTINGS.partitions)


def _opened(bodies: Sequence[bytes], seal: Callable[[list[Record]], object], signals: int, runs: int) -> Figure:
    took = []
    for _ in range(max(3, runs // 5)):
        shut: list[Record] = []
        for body in bodies:
            records = _records(body)
            values = seal(records)
            assert isinstance(values, list)
            shut += [Record(each.topic, each.key, value) for each, value in zip(records, values, strict=True)]
        began = time.process_time()
        for start in range(0, len(shut), FETCHED):
            opened_values(shut[start : start + FETCHED], intake_keys(SETTINGS).private)
        took.append((time.process_time() - began) / signals * 1e6)
    return figure(took, "µs")


def main() -> None:
    """Measure, and print the figures as JSON. Argument: the number of pairs."""
    found = asyncio.run(measured(int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS))
    sys.stdout.write(json.dumps(found, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
