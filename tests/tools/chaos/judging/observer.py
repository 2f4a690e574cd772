"""The observer: a process of its own that writes down every record of every topic, and when it arrived.

python -m tests.tools.chaos.judging.observer BROKERS FILE TOPIC ...     until it is stopped

A line a record: topic, partition, offset, seconds since 1970, value (as text; what is none is written as it can be,
and what is encrypted as a whole in base64 after the byte by which that is known).
It is no part of the product and uses nothing of it: a consumer without a group that is assigned everything.
"""

import asyncio
import base64
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

FETCH_WAIT_MS = 50
WHOLE = b"\x03"  # begins what is encrypted as a whole


class Gaps:
    """Offsets that a fetch left out: the embedded broker's did once. They are asked for once more; those of a compacted
    topic stay away.
    """

    def __init__(self) -> None:
        self.next: dict[TopicPartition, int] = {}
        self._asked: set[tuple[TopicPartition, int]] = set()

    def before(self, place: TopicPartition, offsets: Sequence[int]) -> int:
        """Return how many of the records with these offsets can be written down: all up to a new gap."""
        for number, offset in enumerate(offsets):
            awaited = self.next.get(place, offset)
            if offset > awaited and (place, awaited) not in self._asked:
                self._asked.add((place, awaited))
                return number
            self.next[place] = offset + 1
        return len(offsets)


async def observe(brokers: str, file: Path, names: list[str]) -> None:
    """Write until cancelled."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=brokers.split(","),
        client_id="observer",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=FETCH_WAIT_MS,
        metadata_max_age_ms=2000,
        retry_backoff_ms=50,
    )
    await consumer.start()
    try:
        await _follow(consumer, names, file)
    finally:
        await consumer.stop()


async def _follow(consumer: AIOKafkaConsumer, names: list[str], file: Path) -> None:
    places = []
    for name in names:
        await consumer._client._wait_on_metadata(name)  # an unsubscribed consumer keeps none until it is asked for
        places += [TopicPartition(name, p) for p in sorted(consumer.partitions_for_topic(name) or ())]
    consumer.assign(places)
    gaps = Gaps()
    with file.open("wb", buffering=0) as book:
        while True:
            fetched = await consumer.getmany(timeout_ms=200)
            now = time.time()
            lines = []
            for place, records in fetched.items():
                whole = gaps.before(place, [record.offset for record in records])
                lines += [
                    orjson.dumps([place.topic, place.partition, record.offset, now, _text(record.value)])
                    for record in records[:whole]
                ]
                if whole < len(records):
                    consumer.seek(place, gaps.next[place])
            if lines:
                book.write(b"\n".join(lines) + b"\n")


def _text(value: bytes | None) -> str | None:
    if value is not None and value[:1] == WHOLE:  # encrypted as a whole: no text
        return WHOLE.decode() + base64.b64encode(value).decode()
    return None if value is None else value.decode("utf-8", "replace")


async def main() -> None:
    """Observe until told to stop."""
    brokers, file, *names = sys.argv[1:]
    watching = asyncio.ensure_future(observe(brokers, Path(file), names))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, watching.cancel)
    await asyncio.wait([watching])
    if not watching.cancelled():
        watching.result()


if __name__ == "__main__":
    asyncio.run(main())
