"""How far each dispatch has come, in Redis: who is at it, whether it may have been sent, what came of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from time import monotonic
from typing import Any

from pydantic import Field, TypeAdapter
from redis.asyncio import Redis

from schemas.base import ANY_VERSION, Model
from schemas.cases import Case
from schemas.events import Dispatch
from schemas.inputs import CaseInput
from schemas.levels import Action, Result
from streams import metrics
from streams.epoch import Leader
from streams.keys import key
from streams.run import CURRENT_RUN
from streams.scripts import script
from streams.settings import Settings
from streams.topics import home

MARK = CURRENT_RUN + script("mark")
COPIED_MS = 100  # so long a replica is waited for

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
    """A dispatch that is ours until the lease runs out."""

    entry: Entry | None
    case: Case | None


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
        self._kept_seconds = max(1, round(kept_seconds))
        self._prompt_seconds = lease_seconds / 4  # what remains of the lease is enough to send
        self._redis: Any = redis
        self._claim = redis.register_script(CURRENT_RUN + script("claim"))
        self._mark = redis.register_script(MARK)
        self._release = redis.register_script(script("release"))

    async def take(self, dispatch: Dispatch) -> Taken | Held:
        """Take the lease on a dispatch, and read what is known of it and of its case."""
        if (run := self._leader.current()) is None:
            return Held.LOST
        partition = self.partition(dispatch.resident)
        names = ("state", "cases", "applied", "earlier", "unsure", "settling")
        place = self._place(dispatch.resident, dispatch.id)
        keys = [place, self._lease(dispatch), *(key(name, partition) for name in names)]
        ids = [f"{dispatch.id}:{result.value}" for result in REPORTED]
        about = (dispatch.resident, dispatch.case, dispatch.id)
        arguments: list[str | int] = [self._token, self._lease_ms, *about, run, *ids]
        word, *rest = await self._claim(keys=keys, args=arguments)
        if word != b"taken":
            return Held(word.decode())
        raw, case, unsure = rest
        entry = _entries.validate_json(raw, extra=ANY_VERSION) if raw else _sending(dispatch) if unsure else None
        return Taken(entry, Case.model_validate_json(case, extra=ANY_VERSION) if case else None)

    async def sending(self, dispatch: Dispatch) -> bool:
        """From here on it may have been sent, and the lease begins anew. False when it must not be sent.

        Then it is no longer ours; or this process was stopped, and will not be through before the lease ends; or the
        Redis that answered leads no more.
        """
        if (run := self._leader.current()) is None:
            return False
        entry, began = _sending(dispatch).model_dump_json(), monotonic()
        arguments: list[str | int] = [self._token, run, entry, self._kept_seconds, self._lease_ms]
        ours = await self._marked_on_copies(self._marked(dispatch), arguments)
        return ours and monotonic() - began < self._prompt_seconds and self._leader.current() == run

    async def ours(self, dispatch: Dispatch) -> bool:
        """Whether we still have it. If not, another does, or the store was lost and what it answered says nothing."""
        run = self._leader.current()
        return run is not None and bool(await self._mark(keys=self._marked(dispatch), args=[self._token, run]))

    async def answered(self, dispatch: Dispatch, inputs: Sequence[CaseInput]) -> None:
        """What came of it is known; it is not sent again, whatever happens before it is reported."""
        await self._set(dispatch, Entry(state=Progress.ANSWERED, action=dispatch.action, inputs=list(inputs)))

    async def done(self, dispatch: Dispatch) -> None:
        await self._set(dispatch, Entry(state=Progress.DONE, action=dispatch.action))
        await self._redis.srem(key("unsure", self.partition(dispatch.resident)), dispatch.id)

    async def release(self, dispatch: Dispatch) -> None:
        await self._release(keys=[self._lease(dispatch)], args=[self._token])

    async def forget(self, resident: str, dispatches: Iterable[str]) -> None:
        """Forget what came of a resident's dispatches."""
        if places := [self._place(resident, each) for each in dispatches]:
            await self._redis.delete(*places)

    async def action(self, resident: str, dispatch: str) -> Action | None:
        """What a dispatch did; none for one that the book does not know."""
        raw = await self._redis.get(self._place(resident, dispatch))
        return _entries.validate_json(raw, extra=ANY_VERSION).action if raw else None

    def partition(self, resident: str) -> int:
        return home(resident, self._partitions)

    async def _marked_on_copies(self, keys: Sequence[str], arguments: Sequence[str | int]) -> bool:
        """Mark, and wait a moment for a replica to have the mark. It proves nothing: the replica may be lost too."""
        if not self._leader.replicated:
            return bool(await self._mark(keys=keys, args=arguments))
        async with self._redis.pipeline(transaction=False) as pipe:  # one connection: WAIT is about its own writes
            pipe.eval(MARK, len(keys), *keys, *arguments)
            pipe.execute_command("WAIT", 1, COPIED_MS)
            ours, copies = await pipe.execute()
        if ours and not copies:
            metrics.MARKS_ALONE.inc()
        return bool(ours)

    async def _set(self, dispatch: Dispatch, entry: Entry) -> None:
        await self._redis.set(
            self._place(dispatch.resident, dispatch.id), entry.model_dump_json(), ex=self._kept_seconds
        )

    def _marked(self, dispatch: Dispatch) -> list[str]:
        return [self._lease(dispatch), self._place(dispatch.resident, dispatch.id)]

    def _place(self, resident: str, dispatch: str) -> str:
        return f"{key('dispatch', self.partition(resident))}:{dispatch}"

    def _lease(self, dispatch: Dispatch) -> str:
        return f"{key('lease', self.partition(dispatch.resident))}:{dispatch.id}"


def _sending(dispatch: Dispatch) -> Entry:
    return Entry(state=Progress.SENDING, action=dispatch.action)
