"""The product made worse on purpose, one promise at a time. A mutation that no longer fits the product raises."""

import asyncio
import inspect
from collections.abc import Callable, Sequence
from typing import Any
from unittest.mock import patch

import faust

import streams.messaging.app
import streams.state.case_store
from streams.casework.batch import Entry
from streams.casework.partition import Casework
from streams.messaging.record import Raw
from streams.runtime.tracing import Spans
from streams.state.case_store import Loaded
from streams.state.store_update import entry_name

FENCE = "if stored ~= ARGV[1] then return stored end\n"
DECIDING_SECONDS = 0.3  # so long another may commit between what a worker read and what it writes
UNPUBLISHED_SECONDS = 1.0


class OutdatedError(RuntimeError):
    """What a mutation changes has changed itself."""


def no_fence() -> None:
    """A commit no longer asks at which offset the store stands; and deciding takes a while."""
    _require(FENCE in streams.state.case_store.COMMIT, "the offset's check in commit.lua")
    _put(streams.state.case_store, "COMMIT", streams.state.case_store.COMMIT.replace(FENCE, ""))
    decide = Casework._decide

    async def slowly(
        self: Casework, partition: int, loaded: Loaded, inputs: Sequence[tuple[Raw, Any]], last: int
    ) -> Any:  # noqa: ANN401
        decided = await decide(self, partition, loaded, inputs, last)
        await asyncio.sleep(DECIDING_SECONDS)
        return decided

    _put(Casework, "_decide", slowly)


def ack_before_publish() -> None:
    """Entries count as published, and inputs as done, before Kafka has what follows from them."""
    source = inspect.getsource(Casework._commit)
    _require("await self._publish(partition, " in source, "Casework._publish")
    publish = Casework._publish
    running: set[asyncio.Task[None]] = set()

    async def later(self: Casework, partition: int, written: Sequence[tuple[Entry, bytes]], spans: Spans) -> None:
        await asyncio.sleep(UNPUBLISHED_SECONDS)
        await publish(self, partition, written, spans)

    async def first(self: Casework, partition: int, written: Sequence[tuple[Entry, bytes]], spans: Spans) -> None:
        await self._store.published(partition, [entry_name(entry) for entry, _ in written])
        task = asyncio.create_task(later(self, partition, written, spans))
        running.add(task)
        task.add_done_callback(running.discard)

    _put(Casework, "_publish", first)


def own_acks() -> None:
    """Faust acks an event as it is taken, whatever becomes of it."""
    _require(".noack()" in inspect.getsource(streams.messaging.app.records), "noack in streams/messaging/app.py")
    _put(faust.Stream, "noack", lambda stream: stream)


def _put(where: object, name: str, instead: object) -> None:
    patch.object(where, name, instead).start()  # for the process's life; raises AttributeError when it is gone


def _require(there: bool, what: str) -> None:
    if not there:
        raise OutdatedError(f"{what} is gone: mend the mutation in tests/tools/chaos/mutations.py")


MUTATIONS: dict[str, Callable[[], None]] = {
    "no_fence": no_fence,
    "ack_before_publish": ack_before_publish,
    "own_acks": own_acks,
}
