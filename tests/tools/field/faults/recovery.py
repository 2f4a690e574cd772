"""How long a lost store takes to recover, by the size of its journal, and how soon a red resident is warned meanwhile.

python -m tests.tools.field.faults.recovery --entries 100000 --report a.json     on an Apache Kafka and Debian's Redis
python -m tests.tools.field.faults.recovery --entries 100000 --checkpoint        the same, from checkpoints
python -m tests.tools.field.faults.recovery --entries 10000000 --gzip            a journal of 55 GB, compressed

The journal holds red cases from their alert to their end, each of 36 entries, all of them over; their inputs are no
longer kept. Redis is wiped beside two workers that have nothing left to do, and a payment to a confirmed suspect is
accepted at the same moment. With --checkpoint, checkpoints are written before the loss. The journal's records are dated
two days back, as they would be: a rebuild from a checkpoint reads the last day for what was sent.
"""

import argparse
import asyncio
import json
import logging
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import count, islice, repeat
from pathlib import Path
from typing import Any
from unittest.mock import patch

from aiokafka import AIOKafkaProducer
from kafka import TopicPartition
from rich.console import Console

from schemas.administration.checkpoints import CheckpointSlot
from schemas.casework.events import CaseEvent, Commit
from simulators.demo.run import Demo, Plan, Running
from streams.casework.checkpoints.writing import CheckpointWriter
from streams.installation import Installation
from streams.intake.acceptor import Intake
from streams.messaging import topics
from streams.messaging.kafka_client import admin as kafka_admin
from streams.messaging.reader import read_all
from streams.operations.drain import waiting
from streams.runtime.settings import Settings
from tests.domain.builders import RESIDENT
from tests.tools.bench.servers import real
from tests.tools.field.folding import story
from tests.tools.field.stories import Kind, Stories, cast

AGE_SECONDS = 172_800.0  # two days
BATCH_BYTES = 900_000  # of records that are written together, before they are compressed
PEOPLE = 100
LOOK_SECONDS = 0.05
LONGEST_SECONDS = 3_600.0
MARK = b"7777777777"
PAST = (b'"2026-', b'"2024-')  # cases that were over long ago


def whole_story() -> list[CaseEvent]:
    """A red case from its alert until it is closed."""
    line = story()
    for days in (1, 2, 4, 8, 15, 30, 60):
        line.pass_to(timedelta(days=days))
    return line.events


def entries(partition: int) -> Iterator[tuple[bytes, bytes]]:
    """The same story of one resident after the other: key and JSON, each as the commit of one input made it."""
    values = [placed(event) for event in whole_story()]
    for number in count():
        letters = "".join(chr(ord("a") + number // 26**place % 26) for place in range(6))
        name = f"r{'a' * 9}{chr(ord('a') + partition)}{letters}".encode()
        for place, value in enumerate(values):
            offset = str(number * len(values) + place).encode()
            yield name, value.replace(MARK, offset).replace(RESIDENT.encode(), name)


def placed(event: CaseEvent) -> bytes:
    """The entry in the past, with a mark where its offset is to stand."""
    offset = int(MARK)
    moved = event.model_copy(update={"commit": Commit(first=offset, last=offset, entries=1), "offset": offset})
    return moved.model_dump_json().encode().replace(*PAST)


async def filled(settings: Settings, number: int, *, gzip: bool = False) -> None:
    """Write `number` entries, as many to each partition, and an input for each entry; then delete these inputs, as a
    retention does. They are as a producer without a vault writes them, but in whole batches: ten million, one at a
    time, take hours.
    """
    kind = "gzip" if gzip else None
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka, compression_type=kind, max_batch_size=BATCH_BYTES)
    await producer.start()
    each, written = number // settings.partitions, round((time.time() - AGE_SECONDS) * 1000)
    for partition in range(settings.partitions):
        journal = islice(entries(partition), each)
        await in_batches(producer, topics.CASE_EVENTS.name, partition, journal, written)
        await in_batches(producer, topics.CASE_INPUTS.name, partition, repeat((b"r", b"0"), each), written)
    await producer.stop()
    await asyncio.to_thread(drop_inputs, settings, each)


async def in_batches(
    producer: AIOKafkaProducer, topic: str, partition: int, records: Iterable[tuple[bytes, bytes]], written: int
) -> None:
    """Write these records, key and value, to a partition. `written`: the time of each, in ms since 1970."""
    batch = producer.create_batch()
    for key, value in records:
        if batch.append(key=key, value=value, timestamp=written) is None:
            await (await producer.send_batch(batch, topic, partition=partition))
            batch = producer.create_batch()
            batch.append(key=key, value=value, timestamp=written)
    await (await producer.send_batch(batch, topic, partition=partition))


def drop_inputs(settings: Settings, before: int) -> None:
    """Delete all inputs before this offset: workers would have to refuse each, which nobody does in a recovery."""
    admin = kafka_admin(settings)
    try:
        admin.delete_records(
            {TopicPartition(topics.CASE_INPUTS.name, each): before for each in range(settings.partitions)}
        )
    finally:
        admin.close()


async def stands(running: Running) -> bool:
    """Whether all partitions are whole."""
    partitions = range(running.line.settings.partitions)
    return all([await running.line.store.is_whole(partition) for partition in partitions])


async def until_stands(running: Running) -> float:
    began = time.monotonic()
    while not await stands(running):
        if time.monotonic() - began > LONGEST_SECONDS:
            raise TimeoutError(f"the store does not stand {LONGEST_SECONDS:g} s after it was lost")
        await asyncio.sleep(LOOK_SECONDS)
    return time.monotonic() - began


async def until_warned(running: Running, resident: str) -> float:
    began = time.monotonic()
    while not any(contact.dispatch.startswith(resident) for contact in running.providers.carrier.book):
        if time.monotonic() - began > LONGEST_SECONDS:
            raise TimeoutError(f"nobody was warned {LONGEST_SECONDS:g} s after the store was lost")
        await asyncio.sleep(LOOK_SECONDS)
    return time.monotonic() - began


def peak_mib(pid: int) -> int:
    """The most memory that a process had since `forget_peaks`."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def cpu_seconds(running: Running) -> float:
    """The CPU that the workers have used so far: on a machine that others use, the only figure that tells something."""
    ticks = 0
    for pid in running.workers.pids:
        of_process = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(of_process[11]) + int(of_process[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def forget_peaks(running: Running) -> None:
    for pid in running.workers.pids:
        Path(f"/proc/{pid}/clear_refs").write_text("5")


async def written_checkpoints(line: Installation) -> dict[str, Any]:
    """Write a checkpoint of each partition, as a worker does in a process of its own; what that cost."""
    context, sizes = line.casework_context, await sizes_of(line.settings)
    began, cpu = time.monotonic(), time.process_time()
    heads = [
        await CheckpointWriter(context).write(partition, CheckpointSlot.FIRST, lambda: True)
        for partition in range(line.settings.partitions)
    ]
    return {
        "checkpoint_seconds": round(time.monotonic() - began, 1),
        "checkpoint_cpu_seconds": round(time.process_time() - cpu, 2),
        "checkpoint_parts": sum(head.parts for head in heads),
        "checkpoint_bytes": await sizes_of(line.settings) - sizes,
    }


async def sizes_of(settings: Settings) -> int:
    """The bytes of all keys and values on the topic of checkpoints."""
    return sum(
        [
            len(each.key or b"") + len(each.value or b"")
            async for each in read_all(settings, topics.CHECKPOINTS.name, opened=False)
        ]
    )


async def measured(settings: Settings, number: int, *, checkpoint: bool = False, gzip: bool = False) -> dict[str, Any]:
    began = time.monotonic()
    await filled(settings, number, gzip=gzip)
    filled_in = time.monotonic() - began
    plan = Plan(timedelta(hours=1), 1, residents=PEOPLE, workers=2)
    async with Demo(settings, plan, Console(quiet=True), lambda *_: "").running() as running:
        at_start = await until_stands(running)
        line = running.line
        people = cast(running.province.people)
        stories = Stories(Intake(line.producer, line.settings), line.clock, iter(people))
        await stories.confirm()
        who = people[0]
        async for _ in waiting(line):
            pass
        written = await written_checkpoints(line) if checkpoint else {}
        forget_peaks(running)
        before, used = [peak_mib(pid) for pid in running.workers.pids], cpu_seconds(running)
        await line.redis.flushall()
        warned, stood, _ = await asyncio.gather(
            until_warned(running, who.id), until_stands(running), stories.tell(Kind.SUSPECT_PAYEE)
        )
        return {
            "entries": number,
            "fill_seconds": round(filled_in),
            **written,
            "cases": number // len(whole_story()),
            "after_start_seconds": round(at_start, 1),
            "store_stands_seconds": round(stood, 1),
            "first_red_warned_seconds": round(warned, 2),
            "worker_cpu_seconds": round(cpu_seconds(running) - used, 2),
            "load": os.getloadavg()[0],
            "worker_mib_before": max(before),
            "worker_mib_peak": max(peak_mib(pid) for pid in running.workers.pids),
        }


def main() -> int:
    """Measure; 1 when the first red resident was not warned in time at the size that this is promised for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--report", type=Path)
    parser.add_argument("--checkpoint", action="store_true", help="write checkpoints before the loss")
    parser.add_argument("--gzip", action="store_true", help="the journal is compressed")
    given = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    # Workers build the store when they start, too: of a large journal, longer than a demo waits for.
    waits = patch("simulators.demo.run.READY_SECONDS", LONGEST_SECONDS)
    with waits, tempfile.TemporaryDirectory(prefix="quanzu-recovery-") as folder, real(Path(folder)) as settings:
        found = asyncio.run(measured(settings, given.entries, checkpoint=given.checkpoint, gzip=given.gzip))
    print(text := json.dumps(found, indent=2))
    if given.report:
        given.report.write_text(text + "\n")
    return int(given.entries <= 100_000 and found["first_red_warned_seconds"] > 5)


if __name__ == "__main__":
    raise SystemExit(main())
