"""How long the auditor takes for a walk through many open cases, and to find a deadline removed by hand. Prints JSON.

python -m tests.tools.field.faults.auditor --cases 100000
"""

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from agents.worker import Stages
from domain.casework import Rules, decide
from domain.identity.identifiers import new_resident_id
from schemas.levels import Level
from streams.casework.auditor.auditor import PAUSE_SECONDS, Auditor
from streams.casework.auditor.heartbeat import Beats
from streams.channels.settings import load as load_channels
from streams.installation import Installation
from streams.messaging import topics
from streams.runtime.clock import Clock
from streams.runtime.embedded import Embedded
from streams.runtime.settings import Settings
from streams.state.keys import key
from streams.state.store_update import PartitionRules, StoreUpdate
from tests.domain.builders import NOON, alert

CHUNK = 500


async def run(cases: int) -> dict[str, Any]:
    """Fill a store with open cases, walk it, remove a deadline, and walk again."""
    with tempfile.TemporaryDirectory(prefix="quanzu-auditor-") as folder, Embedded(Path(folder)) as servers:
        settings = servers.settings(Settings(http_port=0, metrics_port=0))
        topics.create(settings)
        line = Installation(settings, load_channels(), Clock.starting(1, NOON))
        await line.open()
        try:
            await fill(line, cases)
            return {"cases": cases, "partitions": settings.partitions, **await measured(line)}
        finally:
            await line.close()


async def fill(line: Installation, cases: int) -> None:
    """Open cases of all levels, as casework stores them."""
    policy = await line.policies.default()
    given = [decide(None, alert(level), Rules(policy), NOON).case for level in Level]
    for partition in range(line.settings.partitions):
        standing = StoreUpdate()
        standing.standing(PartitionRules(0, policy.hash))
        await line.store.commit(partition, None, 0, standing)
    for start in range(0, cases, CHUNK):
        change = StoreUpdate()
        for number in range(start, min(start + CHUNK, cases)):
            case = given[number % len(given)]
            assert case is not None
            resident = new_resident_id(number.to_bytes(10))
            change.case(None, case.model_copy(update={"resident": resident, "id": f"{resident}-1"}))
        await line.store.commit(start // CHUNK % line.settings.partitions, 0, None, change)


async def measured(line: Installation) -> dict[str, Any]:
    """One whole walk of all partitions by one worker, then the time to a deadline's being back."""
    began, cpu = time.monotonic(), time.process_time()
    partitions, auditor = range(line.settings.partitions), Stages(line.worker).auditor
    while any(beat.walked is None for beat in await Beats(line.redis).read(partitions)):
        await further(auditor, len(partitions))
    walked, used = time.monotonic() - began, time.process_time() - cpu
    beats = await Beats(line.redis).read(partitions)
    member = (await line.redis.zrange(key("deadlines", 0), -1, -1))[0]
    await line.redis.zrem(key("deadlines", 0), member)
    removed = time.monotonic()
    while await line.redis.zscore(key("deadlines", 0), member) is None:
        await further(auditor, len(partitions))
    return {
        "walk_seconds": round(walked, 1),
        "cpu_seconds": round(used, 1),
        "walked": sum(beat.cases for beat in beats),
        "findings_that_stay": sum(beat.open_findings for beat in beats),
        "removed_deadline_back_seconds": round(time.monotonic() - removed, 1),
    }


async def further(auditor: Auditor, partitions: int) -> None:
    """As the agent does it."""
    await auditor.walk(range(partitions))
    await asyncio.sleep(PAUSE_SECONDS)


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    print(json.dumps(asyncio.run(run(parser.parse_args().cases)), indent=2))


if __name__ == "__main__":
    main()
