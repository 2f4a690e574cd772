"""The product made worse on purpose, one promise at a time, at named seams. One that is gone raises OutdatedError."""

import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import agents.casework
import agents.sms
import streams.casework
import streams.channels.book
import streams.channels.channel
import streams.journal
import streams.scripts
import streams.store
from streams.change import Change, entry_name
from streams.journal import Entry, Folded
from streams.store import CaseStore

FENCE = "if stored ~= ARGV[1] then return stored end\n"
LEASED = "if holder and holder ~= ARGV[1] then return {'leased'} end\n"
OURS = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end\n"


class OutdatedError(RuntimeError):
    """What a mutation changes has changed itself."""


Mutation = Callable[[ExitStack], None]


def fence_removed(stack: ExitStack) -> None:
    """A commit no longer asks at which offset the store stands."""
    _require(FENCE in streams.store.COMMIT, "the offset's check in commit.lua")
    _put(stack, streams.store, "COMMIT", streams.store.COMMIT.replace(FENCE, ""))


def outbox_skipped(stack: ExitStack) -> None:
    """What was decided is not kept until it is published."""
    _require("HSET" in inspect.getsource(Change.entry), "the outbox in Change.entry")

    def entry(self: Change, entry: Entry) -> None:
        self.outbox[entry_name(entry)] = entry.model_dump_json().encode()

    _put(stack, Change, "entry", entry)


def fold_drops_input(stack: ExitStack) -> None:
    """Folding the journal leaves out an entry: the last that each case has."""
    _require(callable(getattr(Folded, "add", None)), "Folded.add")
    add = Folded.add

    def dropping(self: Folded, entry: Entry) -> None:
        case = getattr(entry, "case", None)
        if case is None or case.version % 3:
            add(self, entry)

    _put(stack, Folded, "add", dropping)


def lease_removed(stack: ExitStack) -> None:
    """Several may carry a dispatch out at once."""
    script = streams.scripts.script
    _require(hasattr(streams.channels.book, "script"), "script in streams/channels/book.py")
    claim, mark = script("claim"), script("mark")
    _require(LEASED in claim, "the lease's check in claim.lua")
    _require(OURS in mark, "the holder's check in mark.lua")
    without = {"claim": claim.replace(LEASED, ""), "mark": mark.replace(OURS, "")}
    _put(stack, streams.channels.book, "script", lambda name: without.get(name) or script(name))


def ack_before_work(stack: ExitStack) -> None:
    """Records count as done when they are taken."""
    for module in (agents.casework, streams.channels.channel):
        _require(callable(getattr(module, "records", None)), f"records in {module.__name__}")
        _put(stack, module, "records", _acked_first(module.records))


def _acked_first(records: Any) -> Any:  # noqa: ANN401 - streams.app.records
    async def acked(*arguments: Any, **options: Any) -> AsyncIterator[list[Any]]:  # noqa: ANN401 - as it takes them
        async for batch in records(*arguments, **options):
            for event in batch:
                event.ack()
            yield batch

    return acked


def all_applied(stack: ExitStack) -> None:
    """The fold takes every input up to where the journal stands as applied, whatever is known of it."""
    _require(hasattr(streams.journal, "without_effect"), "journal.without_effect")
    raise OutdatedError("it is today's code: write it when the fold asks for proof")


def older_taken_for_whole(stack: ExitStack) -> None:
    """Nobody notices that Redis is another than before."""
    _require(isinstance(streams.store.Stand.older, property), "Stand.older")
    _put(stack, streams.store.Stand, "older", property(lambda self: False))
    _put(stack, streams.store, "run_of", lambda info: "the one Redis")
    _require("run_of(info)" in inspect.getsource(CaseStore.load), "the run in CaseStore.load")


MUTATIONS: dict[str, Mutation] = {
    mutation.__name__: mutation
    for mutation in (fence_removed, outbox_skipped, fold_drops_input, lease_removed, ack_before_work)
}


@contextmanager
def mutated(name: str | None) -> Iterator[None]:
    """The product with this mutation; None: as it is."""
    with ExitStack() as stack:
        if name is not None:
            MUTATIONS[name](stack)
        yield


def _put(stack: ExitStack, where: object, name: str, instead: object) -> None:
    stack.enter_context(patch.object(where, name, instead))


def _require(there: bool, what: str) -> None:
    if not there:
        raise OutdatedError(f"{what} is gone: mend the mutation in tests/simulation/mutations.py")
