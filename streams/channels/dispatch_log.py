"""The progress of each dispatch in Redis: which worker has it, whether it may have been sent, and its result.

A lease excludes other workers, but expires by Redis's clock, which may be wrong. So each claim also has a fence, and
writes are refused after another claim: a worker that was overtaken overwrites nothing.
"""

import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import Field, TypeAdapter
from redis.asyncio import Redis

from domain.ids import result_id
from schemas.base import ANY_VERSION, Model
from schemas.casework.cases import Case
from schemas.casework.events import Dispatch
from schemas.casework.inputs import CaseInput, ContactResult
from schemas.levels import CHANNEL_REPORTS, NEVER_SENT, Action, Result
from streams.messaging.topics import home
from streams.runtime import metrics
from streams.runtime.settings import Settings
from streams.state.keys import KeyName, key
from streams.state.leader import EXEMPT_RUN, Leader
from streams.state.scripts import script
from streams.state.server_identity import CURRENT_RUN

MARK = CURRENT_RUN + script("mark")
COPIED_MS = 100  # longest wait for a replica
KNOWN = ("answered", "refused", "done", "release", "unsent")  # effects that record what is known of a request


class Progress(StrEnum):
    """The progress of a dispatch. SENDING: it may have been sent. ANSWERED: its result is known but perhaps not
    reported to casework. DONE: its result is reported.
    """

    SENDING = "sending"
    ANSWERED = "answered"
    DONE = "done"


class Entry(Model):
    """The stored progress of a dispatch (`state`).

    `action`: a late receipt needs it. `inputs`: to be reported to casework, once `state` is ANSWERED. `bank`: the code
    of the bank that the order went to; "": no bank, or none of the table.
    """

    state: Progress
    action: Action
    bank: str = ""
    inputs: list[CaseInput] = Field(default_factory=list)


class Held(StrEnum):
    """The reason why a dispatch cannot be claimed. DONE: its result is reported; LEASED: another worker has it; LOST:
    its case is unknown, because the partition's store is lost, lacks commits or is not restored yet, or this process
    must not act, because the Redis that leads is not known.
    """

    DONE = "done"
    LEASED = "leased"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A dispatch that this process has claimed, until the lease expires. `fence`: identifies the claim.

    `entry`: the dispatch's stored progress; None: no request is stored. `case`: its case, or else the resident's latest
    case; None: the resident has no case.
    """

    entry: Entry | None
    case: Case | None
    fence: str

    @property
    def results(self) -> list[CaseInput] | None:
        """The inputs to report to casework with the result of an earlier attempt, if that is stored and perhaps not
        reported yet; None if no result is stored.
        """
        return self.entry.inputs if self.entry and self.entry.state is Progress.ANSWERED else None


_entries: TypeAdapter[Entry] = TypeAdapter(Entry)


async def assumed_current(partition: int) -> bool:
    """Return True: what a process without the journal takes for granted of a partition's store."""
    return True


class DispatchLog:
    """The progress of an installation's dispatches in Redis. Each script's keys are in the resident's partition.

    `token`: names the owner of leases; `lease_seconds`: how long a lease lasts; `kept_seconds`: how long progress is
    kept. All seconds are wall-clock. `leader`: knows which Redis leads. `is_current`: whether a partition's store has
    every commit that its journal proves; the default does not check.
    """

    def __init__(
        self,
        settings: Settings,
        redis: "Redis",
        token: str,
        lease_seconds: float,
        kept_seconds: float,
        leader: Leader,
        is_current: Callable[[int], Awaitable[bool]] = assumed_current,
    ) -> None:
        self._leader, self._is_current = leader, is_current
        self._partitions, self._token, self._lease_ms = settings.partitions, token, round(lease_seconds * 1000)
        self._process = uuid.uuid4().hex  # the token may also have been an earlier process's
        self._kept_seconds = max(1, round(kept_seconds))
        self._prompt_seconds = lease_seconds / 4  # what remains of the lease is enough for sending
        self._redis: Any = redis
        self._claim = redis.register_script(CURRENT_RUN + script("lasts") + script("claim"))
        self._mark = redis.register_script(MARK)

    async def claim(self, dispatch: Dispatch, *, late: bool = False) -> Claimed | Held:
        """Take the lease on a dispatch for `lease_seconds`, and return the claim with the dispatch's progress and its
        case.

        `late`: another worker may have carried it out. Then the store must be current: one that was restored from a
        machine's image has lost the mark of that, and nothing in it shows this.

        Returns the reason as a Held if the lease cannot be taken: DONE if its result is reported, LEASED if another
        worker has it, LOST if the partition's store is lost or incomplete, or this process must not act. Errors of
        Redis, and of Kafka if `late`, pass through.
        """
        partition = self.partition(dispatch.resident)
        if (run := self._leader.current()) is None or (late and not await self._is_current(partition)):
            return Held.LOST
        names: tuple[KeyName, ...] = ("state", "cases", "applied", "earlier", "unsure", "settling")
        place = self._place(dispatch.resident, dispatch.id)
        keys = [place, self._lease(dispatch), *(key(name, partition) for name in names)]
        arguments: list[str | int] = [self._token, self._lease_ms, self._process, self._kept_seconds]
        arguments += [dispatch.resident, dispatch.case, dispatch.id, run]
        # If the case has applied one of these, the dispatch is known to be done even if Redis has lost its entry.
        ids = [result_id(dispatch.id, result) for result in CHANNEL_REPORTS]
        word, *rest = await self._claim(keys=keys, args=[*arguments, *ids])
        if word != b"taken":
            return Held(word.decode())
        raw, case, unsure, fence = rest
        entry = _entries.validate_json(raw, extra=ANY_VERSION) if raw else _sending(dispatch) if unsure else None
        return Claimed(entry, Case.model_validate_json(case, extra=ANY_VERSION) if case else None, fence.decode())

    async def mark_sending(
        self, dispatch: Dispatch, fence: str, bank: str = "", *, first: bool = False
    ) -> float | None:
        """Mark in Redis that the dispatch may be sent from now on, and renew the lease. Returns the time before the
        renewal, in monotonic seconds.

        `fence`: that of the claim; `bank`: the code of the bank that the order goes to, "" for none. Returns None if it
        must not be sent: the claim is lost, this process paused too long to finish within the lease, or the Redis that
        answered no longer leads, as far as this process knows. If this is the `first` request, its mark is then removed
        unless the claim is lost: nothing was sent, so there is no doubt. Errors of Redis pass through.
        """
        run, began = self._leader.current(), time.monotonic()
        ours = await self._effect("sending", dispatch, fence, _sending(dispatch, bank))
        prompt = time.monotonic() - began < self._prompt_seconds
        if ours and prompt and self._leader.current() == run:
            return began
        if ours and first:
            await self._effect("unsent", dispatch, fence)
        return None

    async def claim_is_valid(self, dispatch: Dispatch, fence: str) -> bool:
        """Return True if the claim with this `fence` is valid, so that this process may go on with the dispatch.

        Returns False if another worker has claimed the dispatch since, the store was lost and its data is unreliable,
        or this process must not act. Errors of Redis pass through.
        """
        return await self._effect("ours", dispatch, fence)

    async def answered(self, dispatch: Dispatch, fence: str, inputs: Sequence[CaseInput], bank: str = "") -> bool:
        """Store the dispatch's result (`inputs`, to be reported to casework), so that it is not sent again. `bank`: the
        code of the bank that the order went to, "" for none. Returns True if it is stored.

        Returns False, without any effect, if the claim with this `fence` is lost. A store that was lost has no claims.
        It accepts the result of a request all the same, but not a refusal or the result that nothing was sent: another
        worker may have sent the dispatch meanwhile. Errors of Redis pass through.
        """
        entry = Entry(state=Progress.ANSWERED, action=dispatch.action, bank=bank, inputs=list(inputs))
        results = {each.result for each in inputs if isinstance(each, ContactResult)}
        effect = "answered" if results - NEVER_SENT else "refused" if Result.FAILED in results else "not_sent"
        return await self._effect(effect, dispatch, fence, entry)

    async def done(self, dispatch: Dispatch, fence: str, bank: str = "") -> bool:
        """Mark the dispatch as reported to casework. `bank`: the code of the bank that the order went to, "" for none.

        Returns True if it is marked; False, without any effect, if another worker has claimed the dispatch since the
        claim with this `fence`. Errors of Redis pass through.
        """
        entry = Entry(state=Progress.DONE, action=dispatch.action, bank=bank)
        return await self._effect("done", dispatch, fence, entry)

    async def release(self, dispatch: Dispatch, fence: str) -> None:
        """Release the lease on a dispatch, so that another process may claim it.

        No effect if another claim was made after the one with this `fence`. Errors of Redis pass through.
        """
        await self._effect("release", dispatch, fence)

    async def forget(self, resident: str, dispatches: Iterable[str]) -> None:
        """Delete the progress of these dispatches (ids) of a resident from Redis. Unknown ids are ignored. Errors of
        Redis pass through.
        """
        if places := [self._place(resident, each) for each in dispatches]:
            await self._redis.delete(*places)

    async def entry(self, resident: str, dispatch: str) -> Entry | None:
        """Return the stored progress of a dispatch, or None if none is stored (never claimed, only claimed, or
        expired). `resident`, `dispatch`: ids. Raises ValidationError if the stored value is invalid. Errors of Redis
        pass through.
        """
        return known(await self._redis.get(self._place(resident, dispatch)))

    def partition(self, resident: str) -> int:
        """Return the number of a resident's partition, computed from the resident's id."""
        return home(resident, self._partitions)

    async def _effect(self, what: str, dispatch: Dispatch, fence: str, entry: Entry | None = None) -> bool:
        """Write a dispatch's progress. Returns False if the claim is lost or this process must not act."""
        if (run := self._leader.current()) is None:
            if what not in KNOWN:
                return False
            run = EXEMPT_RUN  # what is known is true wherever it is written
        place, unsure = self._place(dispatch.resident, dispatch.id), key("unsure", self.partition(dispatch.resident))
        arguments: list[str | int] = [fence, what, dispatch.id, self._token, self._lease_ms, self._kept_seconds]
        arguments += [entry.model_dump_json() if entry else "", run]
        keys = [self._lease(dispatch), place, unsure]
        if what == "sending" and self._leader.replicated:
            return await self._marked_on_copies(keys, arguments)
        return bool(await self._mark(keys=keys, args=arguments))

    async def _marked_on_copies(self, keys: Sequence[str], arguments: Sequence[str | int]) -> bool:
        """Mark it as `sending`, and wait up to COPIED_MS for a replica. This proves nothing, because the replica may be
        lost too.
        """
        async with self._redis.pipeline(transaction=False) as pipe:  # one connection: WAIT covers its own writes
            pipe.eval(MARK, len(keys), *keys, *arguments)
            pipe.execute_command("WAIT", 1, COPIED_MS)
            ours, copies = await pipe.execute()
        if ours and not copies:
            metrics.MARKS_ALONE.inc()
        return bool(ours)

    def _place(self, resident: str, dispatch: str) -> str:
        return f"{key('dispatch', self.partition(resident))}:{dispatch}"

    def _lease(self, dispatch: Dispatch) -> str:
        return f"{key('lease', self.partition(dispatch.resident))}:{dispatch.id}"


def known(raw: bytes | None) -> Entry | None:
    """Return the entry in the stored value of a dispatch (see claim.lua).

    Returns None if the value is missing or only shows that the dispatch was claimed. Raises ValidationError if it is
    invalid.
    """
    _, _, entry = (raw or b"").partition(b" ")
    return _entries.validate_json(entry, extra=ANY_VERSION) if entry else None


def _sending(dispatch: Dispatch, bank: str = "") -> Entry:
    return Entry(state=Progress.SENDING, action=dispatch.action, bank=bank)
