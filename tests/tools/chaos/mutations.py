"""The product made worse on purpose, one promise at a time. A mutation that no longer fits the product raises."""

import asyncio
import inspect
import time
from collections.abc import Callable, Sequence
from unittest.mock import patch

import faust

import streams.messaging.app
import streams.state.case_store
from agents.casework import Casework
from streams.casework.batch import Entry
from streams.casework.steps import Decided
from streams.messaging import topics
from streams.messaging.codec import MARK, TopicRecord, Unreadable
from streams.runtime.tracing import Spans
from streams.security.record_encryption import RecordEncryption
from streams.state.case_store import CaseStore
from streams.state.store_update import StoreUpdate, entry_name

FENCE = "if stored ~= ARGV[1] then return stored end\n"
COMMITTING_SECONDS = 1.5  # so long that a worker is mostly frozen in between, and another commits meanwhile
UNPUBLISHED_SECONDS = 1.0
STRUCK_SECONDS = 1.0
STRUCK = {topics.CASE_INPUTS.name, *(topic.name for topic in topics.DISPATCHES)}


class OutdatedError(RuntimeError):
    """What a mutation changes has changed itself."""


def no_fence() -> None:
    """A commit no longer asks at which offset the store stands, and comes a while after the look at the journal."""
    _require(FENCE in streams.state.case_store.COMMIT, "the offset's check in commit.lua")
    _put(streams.state.case_store, "COMMIT", streams.state.case_store.COMMIT.replace(FENCE, ""))
    commit = CaseStore.commit

    async def slowly(
        self: CaseStore, partition: int, expected: int | str | None, offset: int | None, change: StoreUpdate
    ) -> bool:
        await asyncio.sleep(COMMITTING_SECONDS)
        return await commit(self, partition, expected, offset, change)

    _put(CaseStore, "commit", slowly)


def ack_before_publish() -> None:
    """Entries count as published, and inputs as done, before Kafka has what follows from them."""
    source = inspect.getsource(Casework.process)
    _require("await self.publish(partition, " in source, "Casework.publish")
    publish = Casework.publish
    running: set[asyncio.Task[None]] = set()

    async def later(self: Casework, partition: int, decided: Decided, spans: Spans) -> None:
        await asyncio.sleep(UNPUBLISHED_SECONDS)
        await publish(self, partition, decided, spans)

    async def first(self: Casework, partition: int, decided: Decided, spans: Spans) -> list[Entry]:
        await self._store.published(partition, [entry_name(entry) for entry in decided.entries])
        task = asyncio.create_task(later(self, partition, decided, spans))
        running.add(task)
        task.add_done_callback(running.discard)
        return decided.entries

    _put(Casework, "publish", first)


def own_acks() -> None:
    """Faust acks an event as it is taken, whatever becomes of it."""
    _require(".noack()" in inspect.getsource(streams.messaging.app.records), "noack in streams/messaging/app.py")
    _put(faust.Stream, "noack", lambda stream: stream)


def one_key_for_all() -> None:
    """After a record that does not decrypt, all encrypted inputs and dispatches pass for unreadable for a while.

    Residents whose keys are there lose a warning: nobody decides on what is put aside.
    """
    _require(callable(getattr(RecordEncryption, "decode", None)), "RecordEncryption.decode")
    decode, struck = RecordEncryption.decode, [float("-inf")]

    async def together(self: RecordEncryption, records: Sequence[TopicRecord]) -> list[bytes | None]:
        values = await decode(self, records)
        if any(isinstance(value, Unreadable) for value in values):
            struck[0] = time.monotonic()
        if time.monotonic() - struck[0] > STRUCK_SECONDS:
            return values
        return [
            Unreadable(record.value) if record.topic in STRUCK and record.value and MARK in record.value else value
            for record, value in zip(records, values, strict=True)
        ]

    _put(RecordEncryption, "decode", together)


def _put(where: object, name: str, instead: object) -> None:
    patch.object(where, name, instead).start()  # for the process's life; raises AttributeError when it is gone


def _require(there: bool, what: str) -> None:
    if not there:
        raise OutdatedError(f"{what} is gone: mend the mutation in tests/tools/chaos/mutations.py")


MUTATIONS: dict[str, Callable[[], None]] = {
    "no_fence": no_fence,
    "ack_before_publish": ack_before_publish,
    "own_acks": own_acks,
    "one_key_for_all": one_key_for_all,
}
