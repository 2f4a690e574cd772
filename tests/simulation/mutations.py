"""The product made worse on purpose, one promise at a time, at named seams. One that is gone raises OutdatedError."""

import inspect
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import agents.board
import agents.casework
import agents.provinces
import agents.screening
import domain.casework.orders.records
import domain.casework.results
import domain.casework.stops
import domain.timekeeping
import streams.casework.replay
import streams.channels.dispatch_log
import streams.channels.flow
import streams.channels.provider
import streams.installation
import streams.runtime.clock
import streams.state.case_store
import streams.state.leader
import streams.state.scripts
from agents.casework import Casework
from agents.screening import Screening
from domain.consistency.commits import CommitChain
from schemas.administration.checkpoints import CheckpointHead
from schemas.casework.cases import LIVE_STEPS
from schemas.casework.cases import Step as CaseStep
from schemas.casework.events import Dispatch
from schemas.channels.handovers import CaseHandover
from streams.casework.checkpoints.writing import CheckpointWriter
from streams.casework.journal import Read
from streams.casework.recovery import Recovery
from streams.casework.replay import Replay
from streams.casework.upkeep import Upkeep
from streams.messaging.producer import Producer
from streams.messaging.record import Raw
from streams.screening.store import EvidenceStore
from streams.state.case_store import CaseStore, RebuildSteps
from streams.state.partition_state import Loaded
from streams.state.store_update import StoreUpdate, entry_name

FENCE = "if stored ~= ARGV[1] then return stored end\n"
UNPUBLISHED = "if moves and stands[1] and redis.call('EXISTS', KEYS[8]) == 1 then return 'unpublished' end\n"
OLDER = "if moves and stands[1] and stands[2] ~= run then return 'older' end\n"
LEASED = "if holder and holder ~= token then return {'leased'} end\n"
CLAIMED = "if latest ~= fence and (latest or not sent) then return 0 end\n"


class OutdatedError(RuntimeError):
    """What a mutation changes has changed itself."""


Mutation = Callable[[ExitStack], None]


def fence_removed(stack: ExitStack) -> None:
    """A commit no longer asks at which offset the store stands."""
    _require(FENCE in streams.state.case_store.COMMIT, "the offset's check in commit.lua")
    _put(stack, streams.state.case_store, "COMMIT", streams.state.case_store.COMMIT.replace(FENCE, ""))


def past_the_outbox(stack: ExitStack) -> None:
    """A commit passes an outbox that a dead worker left, who covers does not look at it, and a fold passes the gap.

    It is hole 1 as it was. A fold that stops at the gap makes good what the commit did, and the other way round.
    """
    _require(callable(getattr(CommitChain, "_next", None)), "CommitChain._next")
    _require(UNPUBLISHED in streams.state.case_store.COMMIT, "the outbox's check in commit.lua")
    _require("unpublished" in Loaded.__dataclass_fields__, "Loaded.unpublished")
    _require("_publish_outbox" in inspect.getsource(Upkeep.cover), "the outbox in Upkeep.cover")
    load, cover, publish = CaseStore.load, Upkeep.cover, Casework.publish_outbox
    covering: ContextVar[bool] = ContextVar("covering", default=False)

    async def loaded(self: CaseStore, *arguments: Any) -> Loaded | None:  # noqa: ANN401 - as it takes them
        found = await load(self, *arguments)
        return found and replace(found, unpublished=False)

    async def covered(self: Upkeep, partition: int) -> Any:  # noqa: ANN401 - as above
        token = covering.set(True)
        try:
            return await cover(self, partition)
        finally:
            covering.reset(token)

    async def published(self: Casework, partition: int) -> Any:  # noqa: ANN401 - as above
        return [] if covering.get() else await publish(self, partition)

    _put(stack, streams.state.case_store, "COMMIT", streams.state.case_store.COMMIT.replace(UNPUBLISHED, ""))
    _put(stack, CommitChain, "_next", _past_the_gap)
    _put(stack, CaseStore, "load", loaded)
    _put(stack, Upkeep, "cover", covered)
    _put(stack, Casework, "publish_outbox", published)


def _past_the_gap(chain: CommitChain[Any]) -> Any:  # noqa: ANN401 - a commit, or None
    whole = [commit for commit, entries in chain._waiting.items() if len(entries) == commit.entries]
    return min(whole, key=lambda commit: int(commit.first), default=None)


def outbox_skipped(stack: ExitStack) -> None:
    """What was decided is not kept until it is published."""
    _require("HSET" in inspect.getsource(StoreUpdate.entry), "the outbox in Change.entry")

    def entry(self: StoreUpdate, entry: Any) -> None:  # noqa: ANN401 - any entry of the journal
        self.outbox[entry_name(entry)] = entry.model_dump_json().encode()

    _put(stack, StoreUpdate, "entry", entry)


def fold_drops_input(stack: ExitStack) -> None:
    """Of the entries that the journal proves, the last is left out of the store."""
    _require(callable(getattr(Replay, "change", None)), "Replay.change")
    change = Replay.change

    def dropping(self: Replay, entries: Sequence[Read], stored: Mapping[str, bytes]) -> StoreUpdate:
        return change(self, entries[:-1], stored)

    _put(stack, Replay, "change", dropping)


def all_applied(stack: ExitStack) -> None:
    """A store built anew takes every input that is on its topic as applied, whatever the journal proves."""
    _require(callable(getattr(RebuildSteps, "finish", None)), "RebuildSteps.finish")
    finish = RebuildSteps.finish

    async def finished(self: RebuildSteps, offset: int, end: int) -> bool:
        return await finish(self, max(offset, end - 1), end)

    _put(stack, RebuildSteps, "finish", finished)


def lease_removed(stack: ExitStack) -> None:
    """Several may carry a dispatch out at once."""
    script = streams.state.scripts.script
    _require(hasattr(streams.channels.dispatch_log, "script"), "script in streams/channels/dispatch_log.py")
    claim, mark = script("claim"), script("mark")
    _require(LEASED in claim, "the lease's check in claim.lua")
    _require(CLAIMED in mark, "the fence of a claim in mark.lua")
    without = {"claim": claim.replace(LEASED, ""), "mark": mark.replace(CLAIMED, "")}
    _put(stack, streams.channels.dispatch_log, "script", lambda name: without.get(name) or script(name))


def ack_before_work(stack: ExitStack) -> None:
    """Records count as done when they are taken."""
    for module in (agents.casework, streams.channels.flow):
        _require(callable(getattr(module, "records", None)), f"records in {module.__name__}")
        _put(stack, module, "records", _acked_first(module.records))


def _acked_first(records: Any) -> Any:  # noqa: ANN401 - streams.messaging.app.records
    async def acked(*arguments: Any, **options: Any) -> AsyncIterator[list[Any]]:  # noqa: ANN401 - as it takes them
        async for batch in records(*arguments, **options):
            for event in batch:
                event.ack()
            yield batch

    return acked


def taken_as_delivered(stack: ExitStack) -> None:
    """A batch is applied as Faust handed it over, also when a record is in it twice."""
    for module in (agents.casework, agents.screening, agents.board):
        _require(callable(getattr(module, "runs_of", None)), f"runs_of in {module.__name__}")
        _put(stack, module, "runs_of", _as_delivered)


def _as_delivered(batch: Iterable[Any]) -> Any:  # noqa: ANN401 - streams.messaging.record.runs_of
    found: dict[int, list[Raw]] = {}
    for event in batch:
        found.setdefault(event.message.partition, []).append(Raw(event.message.offset, event.message.value or b""))
    return list(found.items())


def older_taken_for_whole(stack: ExitStack) -> None:
    """Nobody notices that Redis is another than before."""
    _require("run_of(info)" in inspect.getsource(CaseStore.load), "the run in CaseStore.load")
    _require(OLDER in streams.state.case_store.COMMIT, "the run's check in commit.lua")
    _put(stack, streams.state.case_store, "COMMIT", streams.state.case_store.COMMIT.replace(OLDER, ""))
    _put(stack, streams.state.case_store, "run_of", lambda info: "the one Redis")


def epoch_ignored(stack: ExitStack) -> None:
    """Nobody asks which Redis the epoch names: hole 2 as it was."""
    _require(hasattr(streams.installation, "made_for"), "made_for in streams/installation.py")
    _put(stack, streams.installation, "made_for", lambda *_: streams.state.leader.EXEMPT)


def evidence_lost(stack: ExitStack) -> None:
    """Evidence that Redis lost is not put back from its topic: hole 3 as it was."""
    _require(callable(getattr(EvidenceStore, "put_back", None)), "EvidenceStore.put_back")

    async def nothing(*_: object, **__: object) -> None:
        """Nothing is put back."""

    _put(stack, EvidenceStore, "put_back", nothing)


def failure_taken_for_not_done(stack: ExitStack) -> None:
    """A provider that answers 500 has done nothing, it is thought: hole 4 as it was."""
    _require(hasattr(streams.channels.provider, "certainly_not_done"), "certainly_not_done in channels/provider.py")
    in_between = (502, 504)
    _put(stack, streams.channels.provider, "certainly_not_done", lambda status, _: status not in in_between)


def clock_followed(stack: ExitStack) -> None:
    """Every step of the shared clock is followed: hole 7 as it was."""
    _require(hasattr(streams.runtime.clock, "adjusted"), "heard in streams/runtime/clock.py")
    _put(stack, streams.runtime.clock, "adjusted", lambda _, answer, machine: domain.timekeeping.Reckoning(answer))


def orders_unapproved(stack: ExitStack) -> None:
    """A stop that falls due goes to the bank, whoever has approved it or not: as it was before orders."""
    _require(
        callable(getattr(domain.casework.orders.records, "must_wait", None)),
        "must_wait in domain/casework/orders/records.py",
    )
    _put(stack, domain.casework.orders.records, "must_wait", lambda *_: False)


def older_written_last(stack: ExitStack) -> None:
    """A worker that stood still leaves its older state as the last on the topics of the watchlist and the evidence."""
    _require(callable(getattr(Screening, "publish_newer", None)), "Screening.publish_newer")

    async def nothing(*_: object, **__: object) -> None:
        """Nobody looks what others have changed meanwhile."""

    _put(stack, Screening, "publish_newer", nothing)


def late_records_left(stack: ExitStack) -> None:
    """Nobody looks after the record of a writer that gave up: it comes late, and is the last on its topic."""
    _require(callable(getattr(Producer, "_corrected", None)), "Producer._corrected")

    async def nothing(*_: object) -> None:
        """The late record stays."""

    _put(stack, Producer, "_corrected", nothing)


def unsent_orders_answered(stack: ExitStack) -> None:
    """A bank's answer to an order that was never sent is booked: as it was before BankNotAsked."""
    _require(hasattr(domain.casework.stops, "answers_unsent"), "answers_unsent in domain/casework/stops.py")
    _put(stack, domain.casework.stops, "answers_unsent", lambda *_: False)


def withdrawn_taken_for_sent(stack: ExitStack) -> None:
    """A receipt of a call or message that was withdrawn before it was sent is booked: as it was while the first attempt
    of an ended step counted as made.
    """
    _require(hasattr(domain.casework.results, "_went_out"), "_went_out in domain/casework/results.py")
    went_out: Callable[[CaseStep, int], bool] = vars(domain.casework.results)["_went_out"]

    def taken(step: CaseStep, attempt: int) -> bool:
        return went_out(step, attempt) or (attempt == 1 and step.state not in LIVE_STEPS)

    _put(stack, domain.casework.results, "_went_out", taken)


def receipt_taken_for_report(stack: ExitStack) -> None:
    """After a loss, a dispatch with a provider's receipt is taken as one that its channel has finished."""
    _require(hasattr(streams.casework.replay, "reported_dispatch"), "reported_dispatch in streams/casework/replay.py")
    _put(stack, streams.casework.replay, "reported_dispatch", lambda name: name.rpartition(":")[0])


def checkpoint_one_too_far(stack: ExitStack) -> None:
    """A checkpoint is taken for that of the input after its own."""
    _require(callable(getattr(Recovery, "_from_checkpoint", None)), "Recovery._from_checkpoint")
    rebuilt = Recovery._from_checkpoint

    async def from_next(self: Recovery, head: CheckpointHead, kept: int, end: int) -> None:
        return await rebuilt(self, head.model_copy(update={"offset": min(head.offset + 1, end - 1)}), kept, end)

    _put(stack, Recovery, "_from_checkpoint", from_next)


def checkpoint_without_changes(stack: ExitStack) -> None:
    """What changes while a checkpoint is written is not written once more: its pages are of different inputs."""
    _require(callable(getattr(CheckpointWriter, "_changed", None)), "CheckpointWriter._changed")

    async def nothing(*_: object) -> AsyncIterator[list[Any]]:
        """Nothing has changed, it is thought."""
        yield []

    _put(stack, CheckpointWriter, "_changed", nothing)


def offer_named_anew(stack: ExitStack) -> None:
    """Each attempt at a hand-over has another name, so the other province takes a repeated one for a new case."""
    _require(hasattr(agents.provinces, "handover_of"), "handover_of in agents/provinces.py")
    made: Callable[..., CaseHandover] = vars(agents.provinces)["handover_of"]

    def anew(dispatch: Dispatch, *arguments: Any) -> CaseHandover:  # noqa: ANN401 - as it takes them
        told = made(dispatch, *arguments)
        return told.model_copy(update={"offer": f"{told.offer}:{dispatch.attempt}"})

    _put(stack, agents.provinces, "handover_of", anew)


MUTATIONS: dict[str, Mutation] = {
    mutation.__name__: mutation
    for mutation in (
        *(fence_removed, past_the_outbox, outbox_skipped, fold_drops_input, all_applied, lease_removed),
        *(ack_before_work, older_taken_for_whole, epoch_ignored, evidence_lost),
        *(failure_taken_for_not_done, clock_followed, orders_unapproved, taken_as_delivered),
        *(receipt_taken_for_report, offer_named_anew, unsent_orders_answered, withdrawn_taken_for_sent),
        *(older_written_last, late_records_left),
        *(checkpoint_one_too_far, checkpoint_without_changes),
    )
}

THEME_OF: Mapping[str, str] = {
    "older_written_last": "compaction",
    "late_records_left": "late_records",
    "lease_removed": "moved_partitions",
    "receipt_taken_for_report": "unreported",
    "withdrawn_taken_for_sent": "unasked",
    "checkpoint_one_too_far": "checkpoints",
    "checkpoint_without_changes": "checkpoints",
}
"""Mutation -> the theme that its schedules are drawn from, where too few of all schedules can show it within the time.
Each of these needs one kind of story: a worker that stands still before a compaction, a record that comes late, two
workers that have one dispatch at once, a worker that stands still after its request, or an answer to what was not sent.
"""


@contextmanager
def mutated(name: str | None) -> Iterator[None]:
    """The product with this mutation; None: as it is."""
    with ExitStack() as stack:
        if name is not None:
            MUTATIONS[name](stack)
        yield


def _put(stack: ExitStack, where: object, name: str, instead: object) -> None:
    before = getattr(where, name)
    if callable(before) and callable(instead):
        _require(_takes_what(before, instead), f"{name} as the mutation replaces it (its arguments have changed)")
    stack.enter_context(patch.object(where, name, instead))


def _takes_what(before: Callable[..., object], instead: Callable[..., object]) -> bool:
    """Whether what replaces a function can be called as the function is: a TypeError would be found for nothing."""
    kinds = inspect.Parameter
    takes = [each for each in inspect.signature(before).parameters.values() if each.kind is not kinds.VAR_KEYWORD]
    by_name = {each.name: None for each in takes if each.kind is kinds.KEYWORD_ONLY}
    try:
        inspect.signature(instead).bind(*(None for each in takes if each.name not in by_name), **by_name)
    except TypeError:
        return False
    return True


def _require(there: bool, what: str) -> None:
    if not there:
        raise OutdatedError(f"{what} is gone: mend the mutation in tests/simulation/mutations.py")
