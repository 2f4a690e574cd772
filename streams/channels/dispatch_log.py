"""How far each dispatch has come, in Redis: who is at it, whether it may have been sent, what came of it.

The lease keeps others away; it runs out by Redis' clock, which may be set. So each claim has a fence too, and a write
is refused once another has claimed the dispatch: a worker that was overtaken overwrites nothing.
"""

import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import Field, TypeAdapter
from redis.asyncio import Redis

from domain.ids import result_id
from schemas.base import ANY_VERSION, Model
from schemas.casework.cases import Case
from schemas.casework.events import Dispatch
from schemas.casework.inputs import CaseInput
from schemas.levels import Action, Result
from streams.messaging.topics import home
from streams.runtime import metrics
from streams.runtime.settings import Settings
from streams.state.keys import KeyName, key
from streams.state.leader import EXEMPT_RUN, Leader
from streams.state.scripts import script
from streams.state.server_identity import CURRENT_RUN

MARK = CURRENT_RUN + script("mark")
COPIED_MS = 100  # so long a replica is waited for
KNOWN = ("answered", "done", "release")  # effects that say what came of a dispatch

# What a channel itself reports. Found among the applied inputs, it tells of a dispatch that Redis has lost sight of.
REPORTED = (Result.SENT, Result.FAILED, Result.NOT_SENT, Result.IN_DOUBT)


class Progress(StrEnum):
    """`sending`: it may have been sent. `answered`: what came of it is known, and not yet reported for certain."""

    SENDING = "sending"
    ANSWERED = "answered"
    DONE = "done"


class Entry(Model):
    """A dispatch in the book. The action is what a late receipt asks for."""

    state: Progress
    action: Action
    inputs: list[CaseInput] = Field(default_factory=list)


class Held(StrEnum):
    """Why a dispatch cannot be taken."""

    DONE = "done"
    LEASED = "leased"  # another is at it
    LOST = "lost"  # the partition's store is being built anew or caught up: nobody can say whether the step stands


@dataclass(frozen=True, slots=True)
class Taken:
    """A dispatch that is ours until the lease runs out. `fence`: names this claim on it."""

    entry: Entry | None
    case: Case | None
    fence: str

    @property
    def results(self) -> list[CaseInput] | None:
        """What came of it, answered before and perhaps not reported; None while that is not known."""
        return self.entry.inputs if self.entry and self.entry.state is Progress.ANSWERED else None


_entries: TypeAdapter[Entry] = TypeAdapter(Entry)


class DispatchBook:
    """The book of one installation; every key of a script lies in the partition of the resident.

    `kept_seconds`: how long an entry is kept, by the wall's clock.
    """

    def __init__(
        self,
        settings: Settings,
        redis: "Redis",
        token: str,
        lease_seconds: float,
        kept_seconds: float,
        leader: Leader,
    ) -> None:
        self._leader = leader
        self._partitions, self._token, self._lease_ms = settings.partitions, token, round(lease_seconds * 1000)
        self._process = uuid.uuid4().hex  # the token may be an earlier process's too
        self._kept_seconds = max(1, round(kept_seconds))
        self._prompt_seconds = lease_seconds / 4  # what remains of the lease is enough to send
        self._redis: Any = redis
        self._claim = redis.register_script(CURRENT_RUN + script("claim"))
        self._mark = redis.register_script(MARK)

    async def take(self, dispatch: Dispatch) -> Taken | Held:
        """Take the lease on a dispatch, and read what is known of it and of its case."""
        if (run := self._leader.current()) is None:
            return Held.LOST
        partition = self.partition(dispatch.resident)
        names: tuple[KeyName, ...] = ("state", "cases", "applied", "earlier", "unsure", "settling")
        place = self._place(dispatch.resident, dispatch.id)
        keys = [place, self._lease(dispatch), *(key(name, partition) for name in names)]
        arguments: list[str | int] = [self._token, self._lease_ms, self._process, self._kept_seconds]
        arguments += [dispatch.resident, dispatch.case, dispatch.id, run]
        ids = [result_id(dispatch.id, result) for result in REPORTED]
        word, *rest = await self._claim(keys=keys, args=[*arguments, *ids])
        if word != b"taken":
            return Held(word.decode())
        raw, case, unsure, fence = rest
        entry = _entries.validate_json(raw, extra=ANY_VERSION) if raw else _sending(dispatch) if unsure else None
        return Taken(entry, Case.model_validate_json(case, extra=ANY_VERSION) if case else None, fence.decode())

    async def sending(self, dispatch: Dispatch, fence: str) -> float | None:
        """From here on it may have been sent. Returns when the lease began anew, by the monotonic clock.

        None when it must not be sent: it is no longer ours; or this process was stopped, and will not be through before
        the lease ends; or the Redis that answered leads no more.
        """
        run, began = self._leader.current(), time.monotonic()
        ours = await self._effect("sending", dispatch, fence, _sending(dispatch))
        prompt = time.monotonic() - began < self._prompt_seconds
        return began if ours and prompt and self._leader.current() == run else None

    async def ours(self, dispatch: Dispatch, fence: str) -> bool:
        """Whether we still have it. If not, another does, or the store was lost and what it answered says nothing."""
        return await self._effect("ours", dispatch, fence)

    async def answered(self, dispatch: Dispatch, fence: str, inputs: Sequence[CaseInput]) -> bool:
        """What came of it is known; it is not sent again, whatever happens before it is reported.

        False when another has claimed it since: then nothing is written.
        """
        entry = Entry(state=Progress.ANSWERED, action=dispatch.action, inputs=list(inputs))
        return await self._effect("answered", dispatch, fence, entry)

    async def done(self, dispatch: Dispatch, fence: str) -> bool:
        """It is reported. False when another has claimed it since: then it is left to him."""
        return await self._effect("done", dispatch, fence, Entry(state=Progress.DONE, action=dispatch.action))

    async def release(self, dispatch: Dispatch, fence: str) -> None:
        """Give the lease back, unless another has claimed it since."""
        await self._effect("release", dispatch, fence)

    async def forget(self, resident: str, dispatches: Iterable[str]) -> None:
        """Forget what came of a resident's dispatches."""
        if places := [self._place(resident, each) for each in dispatches]:
            await self._redis.delete(*places)

    async def action(self, resident: str, dispatch: str) -> Action | None:
        """What a dispatch did; none for one that the book does not know."""
        raw = await self._redis.get(self._place(resident, dispatch))
        entry = known(raw)
        return entry.action if entry else None

    def partition(self, resident: str) -> int:
        return home(resident, self._partitions)

    async def _effect(self, what: str, dispatch: Dispatch, fence: str, entry: Entry | None = None) -> bool:
        """Write how far the dispatch has come; False when the claim does not stand, or this process must not act."""
        if (run := self._leader.current()) is None:
            if what not in KNOWN:
                return False
            run = EXEMPT_RUN  # what came of it is true wherever it is written
        place, unsure = self._place(dispatch.resident, dispatch.id), key("unsure", self.partition(dispatch.resident))
        arguments: list[str | int] = [fence, what, dispatch.id, self._token, self._lease_ms, self._kept_seconds]
        arguments += [entry.model_dump_json() if entry else "", run]
        keys = [self._lease(dispatch), place, unsure]
        if what == "sending" and self._leader.replicated:
            return await self._marked_on_copies(keys, arguments)
        return bool(await self._mark(keys=keys, args=arguments))

    async def _marked_on_copies(self, keys: Sequence[str], arguments: Sequence[str | int]) -> bool:
        """Mark, and wait a moment for a replica to have the mark. It proves nothing: the replica may be lost too."""
        async with self._redis.pipeline(transaction=False) as pipe:  # one connection: WAIT is about its own writes
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
    """The entry in what Redis keeps of a dispatch (see claim.lua), or None when it was claimed at most."""
    _, _, entry = (raw or b"").partition(b" ")
    return _entries.validate_json(entry, extra=ANY_VERSION) if entry else None


def _sending(dispatch: Dispatch) -> Entry:
    return Entry(state=Progress.SENDING, action=dispatch.action)
