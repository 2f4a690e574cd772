"""What it costs to seal and to open what tells of a person: `python -m tests.tools.bench.measured.sealing`.

CPU of this process in µs a record, medians of five, by a vault that is a real Redis; batches as casework takes them.
`keys`: what it costs to look up an owner's key, here and in the vault's server: by one EVAL_RO for a batch, as it is
done, and by a pipeline of HGET.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from schemas.casework.events import CaseEvent
from streams.casework.batch import Batch
from streams.casework.steps import BATCH
from streams.messaging.producer import Record
from streams.runtime.settings import Settings
from streams.security.record_encryption import RecordEncryption
from streams.security.vault import IDENTITY, IDENTITY_FIELD, Vault, _place
from streams.state.partition_state import Loaded
from streams.state.store_update import PartitionRules
from tests.tools.bench import cases
from tests.tools.bench.measured import core
from tests.tools.installation_keys import KEYS
from tests.tools.servers.redis import RedisServer

T = TypeVar("T")
CASES, ROUNDS, SEED, RUNS = 300, 4, 7, 5
Work = Callable[[Sequence[T]], Awaitable[object]]


def records() -> dict[str, list[Record]]:
    """Case inputs, and the journal's events that come of them."""
    inputs = cases.told(CASES, ROUNDS, cases.morning(), core.policy(), SEED).inputs
    batch = Batch(0, Loaded(PartitionRules(-1, core.policy().hash), {}, set()), core.policy(), 0, 0)
    for offset, given in enumerate(inputs):
        batch.take(offset, given)
    events = [entry for entry in batch.entries if isinstance(entry, CaseEvent)]
    return {
        "case-inputs": [_lain("case-inputs", each.resident, each.model_dump_json()) for each in inputs],
        "case-events": [_lain("case-events", each.case.resident, each.model_dump_json()) for each in events],
    }


async def measured(encryption: RecordEncryption, told: Sequence[Record]) -> dict[str, float]:
    """By what is done: µs a record, and how many times its bytes it has then."""
    await encryption.encode(told)  # the keys are made once, and that is not what is measured
    shut = [
        Record(each.topic, each.key, value) for each, value in zip(told, await encryption.encode(told), strict=True)
    ]
    sizes = [sum(len(each.value or b"") for each in records) for records in (told, shut)]
    return {
        "seal_us": await _us(encryption.encode, told),
        "open_us": await _us(encryption.decode, shut),
        "bytes_ratio": round(sizes[1] / sizes[0], 3),
    }


async def _us(work: Work[T], told: Sequence[T]) -> float:
    took = []
    for _ in range(RUNS):
        before = time.process_time()
        for start in range(0, len(told), BATCH):
            await work(told[start : start + BATCH])
        took.append((time.process_time() - before) / len(told) * 1e6)
    return round(statistics.median(took), 1)


async def looked_up(vault: Vault, owners: Sequence[str]) -> dict[str, float]:
    """By the way of asking: µs of CPU for each owner, of this process and of the vault's server."""
    found: dict[str, float] = {}
    for name, ask in (("eval_ro", vault.known), ("pipeline", partial(_piped, vault._redis))):
        before = await _server_seconds(vault._redis)
        here = await _us(ask, owners)
        there = (await _server_seconds(vault._redis) - before) / (RUNS * len(owners)) * 1e6
        found |= {f"{name}_us": here, f"{name}_server_us": round(there, 1)}
    return found


async def _piped(redis: Any, owners: Sequence[str]) -> None:  # noqa: ANN401 - redis-py's is sync or async
    async with redis.pipeline(transaction=False) as pipe:
        for owner in dict.fromkeys(owners):
            pipe.hget(_place(owner), owner)
        pipe.hget(IDENTITY, IDENTITY_FIELD)
        await pipe.execute()


async def _server_seconds(redis: Any) -> float:  # noqa: ANN401 - as above
    used = await redis.info("cpu")
    return float(used["used_cpu_user"] + used["used_cpu_sys"])


def _lain(topic: str, resident: str, value: str) -> Record:
    return Record(topic, resident.encode(), value.encode())


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder, RedisServer(Path(folder) / "vault") as vault:
        where = {"kafka": "127.0.0.1:1", "redis": "redis://127.0.0.1:1/0", "vault": vault.url}
        keys = Vault(Settings.model_validate(where | {"secret": "the key of a bench", "keys": KEYS}))
        encryption, told = RecordEncryption(keys), records()
        found = {name: await measured(encryption, each) for name, each in told.items()}
        found["keys"] = await looked_up(keys, [(each.key or b"").decode() for each in told["case-inputs"]])
        await encryption.aclose()
    sys.stdout.write(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
