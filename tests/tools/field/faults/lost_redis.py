"""A Redis that was lost: how long until an urgent signal is screened, and until all retained signals are again.

python -m tests.tools.field.faults.lost_redis --residents 20000 100000 --signals 100000 --report lost.json
                                              on an Apache Kafka and Debian's Redis; with --vault the evidence is sealed

One worker does all of it here. Each part grows with what it reads, so a million residents are told by multiplication:
register, evidence, and retained signals each by their own rate; `--per-resident` says how many of the latter two
there are. Casework's part grows with the journal, which is empty here: rebuild.py measures that.
"""

import argparse
import asyncio
import json
import logging
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from agents.worker import Stages
from schemas.people.residents import Holding, Resident
from schemas.risk import wire
from schemas.risk.evidence import Evidence, EvidenceKind
from schemas.risk.signals import Call, NumberClass, Signal
from streams.channels.settings import ChannelSettings
from streams.installation import Installation
from streams.messaging import topics
from streams.messaging.kafka_client import access
from streams.messaging.producer import Record
from streams.messaging.reader import read_all
from streams.messaging.record import Raw
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.screening.evidence_log import evidence_records
from streams.screening.store import Known
from streams.state.keys import key
from tests.tools.field import lives
from tests.tools.installation_keys import KEYS
from tests.tools.servers.kafka import Kafka
from tests.tools.servers.redis import RedisServer

AT_ONCE = 2_000  # residents entered, records written together
SIGNALS = 500  # of a record
SUSPICIOUS = 0.1  # of the retained signals are evidence
LANES = [TopicPartition(lane.name, partition) for lane in topics.LANES for partition in range(4)]
URGENT = TopicPartition(topics.SIGNALS_URGENT.name, 0)
MILLION = 1_000_000


def people(count: int, chance: Random) -> list[Resident]:
    made = (lives.resident(chance) for _ in range(count))
    return [
        each.model_copy(update={"phones": [Holding(value=f"+8619{number:09d}")]}) for number, each in enumerate(made)
    ]


def older_evidence(whom: Sequence[Resident], each: float, now: datetime, chance: Random) -> Iterator[Evidence]:
    """Members of the last sixty days, whose signals are long gone."""
    for number in range(round(len(whom) * each)):
        kind = chance.choice([EvidenceKind.CALL_OVERSEAS, EvidenceKind.APP_LOAN, EvidenceKind.SCAM_SMS])
        at = now - timedelta(days=chance.uniform(8, 60))
        yield Evidence(id=f"carrier:old{number}~{kind}", kind=kind, at=at, partition=0, offset=0)


def retained(whom: Sequence[Resident], count: int, now: datetime, chance: Random) -> Iterator[Call]:
    """Calls of the last seven days: ordinary life, and some that are evidence."""
    for number in range(count):
        suspicious = chance.random() < SUSPICIOUS
        yield call(
            chance.choice(whom), f"c{number}", now - timedelta(days=chance.uniform(0.1, 7)), suspicious=suspicious
        )


def call(who: Resident, name: str, at: datetime, *, suspicious: bool) -> Call:
    number_class = NumberClass.OVERSEAS if suspicious else NumberClass.ORDINARY
    parties = {"caller": "+85290000000", "called": who.phones[0].value}
    return Call(source="carrier", id=name, at=at, arrived=at, number_class=number_class, seconds=60, **parties)


async def fill(line: Installation, whom: Sequence[Resident], signals: int, evidence: float, chance: Random) -> None:
    """Enter the residents, write their older evidence, and screen the retained signals."""
    now, rules = datetime.now(UTC), (await line.policies.live()).risk
    for start in range(0, len(whom), AT_ONCE):
        await line.residents.put(whom[start : start + AT_ONCE])
    records: list[Record] = []
    for number, member in enumerate(older_evidence(whom, evidence, now, chance)):
        one = whom[number % len(whom)].id
        records += evidence_records({one: [member]}, {one: Known()}, rules, now, line.settings.partitions)
        if len(records) == AT_ONCE:
            await line.producer.send_all(records)
            records = []
    await line.producer.send_all(records)
    offsets, lanes = dict.fromkeys(LANES, 0), Stages(line.worker).screening.lanes
    batch: list[Signal] = []
    for number, each in enumerate(retained(whom, signals, now, chance), 1):
        batch.append(each)
        if len(batch) == SIGNALS or number == signals:
            tp = TopicPartition(topics.SIGNALS.name, number // SIGNALS % line.settings.partitions)
            value, batch = wire.record(batch), []
            await line.producer.send_all([Record(tp.topic, b"", value, tp.partition)])
            await lanes.screen(tp, [Raw(offsets[tp], value)])
            offsets[tp] += 1
    await acked(line.settings, offsets)


async def acked(settings: Settings, offsets: dict[TopicPartition, int]) -> None:
    """As a worker commits what it has screened."""
    consumer = AIOKafkaConsumer(**access(settings), group_id=settings.app_id, enable_auto_commit=False)
    await consumer.start()
    consumer.assign(list(offsets))
    await consumer.commit(offsets)
    await consumer.stop()


async def measured(settings: Settings, whom: Sequence[Resident]) -> dict[str, float]:
    """Open a line on the empty Redis, as a worker that starts, and take the times."""
    began, used = time.monotonic(), time.process_time()
    line = Installation(settings, ChannelSettings(), Clock())
    await line.open()
    opened = time.monotonic()
    stages = Stages(line.worker)
    watching = asyncio.create_task(watch(stages, settings.partitions))
    now = datetime.now(UTC)
    value = wire.record([call(whom[0], "urgent", now, suspicious=True)])
    await line.producer.send_all([Record(URGENT.topic, b"", value, URGENT.partition)])
    await stages.screening.lanes.screen(URGENT, [Raw(0, value)])
    accepted = time.monotonic()
    await stages.screening.lanes.catch_up(LANES)
    before = time.process_time()
    while await stages.screening.rescreening.screen_owed(LANES):
        pass
    done, cpu = time.monotonic(), time.process_time() - before
    watching.cancel()
    tally = await line.screening.tallies()
    sets = sum([await keys_of(line, partition) for partition in range(settings.partitions)])
    await line.close()
    return {
        "shared_seconds": round(opened - began, 2),
        "urgent_accepted_seconds": round(accepted - began, 2),
        "urgent_accepted_cpu_seconds": round(before - used, 2),
        "all_screened_again_seconds": round(done - began, 2),
        "owed_seconds": round(done - accepted, 2),
        "owed_cpu_seconds": round(cpu, 2),
        "counted": sum(sum(each.values()) for each in tally.values()),
        "residents_with_evidence": sets,
    }


async def watch(stages: Stages, partitions: int) -> None:
    while True:
        await stages.failover.watch(range(partitions))
        await asyncio.sleep(0.2)


async def keys_of(line: Installation, partition: int) -> int:
    return len([name async for name in line.redis.scan_iter(f"{key('evidence', partition)}:*", count=10_000)])


async def parts(settings: Settings) -> dict[str, float]:
    """How long the register and the evidence take by themselves, into a Redis that has them already."""
    line = Installation(settings, ChannelSettings(), Clock())
    await line.open()
    began, began_cpu = time.monotonic(), time.process_time()
    await line.residents.restore()
    register, register_cpu = time.monotonic(), time.process_time()
    await line.screening.restore()
    evidence, evidence_cpu = time.monotonic(), time.process_time()
    count = 0
    async for _ in read_all(settings, topics.EVIDENCE.name, opened=False):
        count += 1
    await line.close()
    return {
        "register_seconds": round(register - began, 2),
        "evidence_seconds": round(evidence - register, 2),
        "register_cpu_seconds": round(register_cpu - began_cpu, 2),
        "evidence_cpu_seconds": round(evidence_cpu - register_cpu, 2),
        "evidence_records": count,
    }


async def lived(
    settings: Settings, server: RedisServer, count: int, signals: int, evidence: float, seed: int
) -> dict[str, Any]:
    """Fill a province, lose its Redis, and measure."""
    chance = Random(seed)
    whom = people(count, chance)
    line = Installation(settings, ChannelSettings(), Clock())
    await line.open()
    await Stages(line.worker).failover.watch(range(settings.partitions))
    await fill(line, whom, signals, evidence, chance)
    await line.close()
    server.wipe()
    server.start()
    found: dict[str, Any] = {"residents": count, "signals": signals}
    return found | await measured(settings, whom) | await parts(settings)


def per_million(found: Sequence[dict[str, Any]], evidence: float, signals: float) -> dict[str, float]:
    """The last, largest run told per million residents, with so many of the others for each resident.

    Linear, without what does not grow. The worker's own processor time beside the time that passed: on a machine that
    does other things too the latter says little.
    """
    last = found[-1]
    told: dict[str, float] = {}
    for kind in ("seconds", "cpu_seconds"):
        register = last[f"register_{kind}"] / last["residents"] * MILLION
        members = last[f"evidence_{kind}"] / last["evidence_records"] * MILLION * evidence
        owed = last[f"owed_{kind}"] / last["signals"] * MILLION * signals
        told |= {
            f"register_{kind}": round(register, 1),
            f"evidence_{kind}": round(members, 1),
            f"urgent_accepted_{kind}": round(register + members, 1),
            f"all_screened_again_{kind}": round(register + members + owed, 1),
        }
    return told


def run(count: int, signals: int, evidence: float, seed: int, *, vault: bool) -> dict[str, Any]:
    """One size, on servers of its own."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="quanzu-lost-")))
        kafka, server = stack.enter_context(Kafka(folder)), stack.enter_context(RedisServer(folder / "redis"))
        sealing = stack.enter_context(RedisServer(folder / "vault")).url if vault else None
        settings = Settings(
            kafka=kafka.address,
            redis=server.url,
            vault=sealing,
            replication=1,
            secret="field" * 8,
            keys=KEYS,
            data=folder / "data",
        )
        topics.create(settings)
        while topics.check(settings):  # each broker learns of a topic in its own time
            time.sleep(0.5)
        return asyncio.run(lived(settings, server, count, signals, evidence, seed))


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--residents", type=int, nargs="+", default=[20_000, 100_000])
    parser.add_argument("--signals", type=int, default=100_000, help="retained on their topics")
    parser.add_argument("--per-resident", type=float, nargs=2, default=[1.0, 3.0], metavar=("EVIDENCE", "SIGNALS"))
    parser.add_argument("--vault", action="store_true")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--report", type=Path)
    given = parser.parse_args(arguments and list(arguments))
    logging.basicConfig(level=logging.WARNING)
    evidence, signals = given.per_resident
    found = [run(count, given.signals, evidence, given.seed, vault=given.vault) for count in given.residents]
    text = json.dumps({"runs": found, "per_million_residents": per_million(found, evidence, signals)}, indent=2)
    print(text)
    if given.report:
        given.report.write_text(text + "\n")


if __name__ == "__main__":
    main()
