"""Sends dead letters again, or drops them. Each act is written to the audit topic before it takes effect:

    begun (`letter-sending`, with these bytes) -> is it ours, by the topic's order? -> written again -> `letter-sent`

After an interruption the letter is sent once more: readers recognize it by its id and ignore the second copy. So it is
neither lost nor counted twice.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from domain.feeds.dead_letters import Act, State, may_send
from domain.feeds.repair import MappingError, RepairMapping
from domain.identity.identifiers import BEIJING
from schemas.administration.audit import AuditEntry
from schemas.errors import UserError
from streams.dead_letters.index import DeadLetterIndex, Found
from streams.dead_letters.repaired import CannotSendError, Repair
from streams.dead_letters.taking import Ready, ready
from streams.dead_letters.unsealed import Opened, unsealed
from streams.intake.acceptor import ACCEPTED
from streams.messaging import sources
from streams.messaging.dead_letter_writer import reason
from streams.messaging.producer import Producer
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.security import audit

CHUNK = 200  # letters handled between two checks of `stop`

Progress = Callable[[int, int], None]


class ActError(UserError, ValueError):
    """The author of an act or its reason is missing or invalid. The text states what to write."""


@dataclass(slots=True)
class Outcome:
    """The result of an act on dead letters, by their ids.

    `done`: the ids of the signals or inputs that were sent (empty for a drop); `before`: those left unchanged because
    of an earlier act, described in words; `refused`: why one cannot be sent in this form; `accepted`: number of rows of
    files that count as accepted now, by source; `left`: number of dead letters not handled because `stop` was set.
    """

    done: dict[str, list[str]] = field(default_factory=dict)
    before: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    accepted: Counter[str] = field(default_factory=Counter)
    left: int = 0

    def add(self, other: "Outcome") -> None:
        """Add the results of `other`, of further dead letters, to this object, except `left`. Changes this object."""
        self.done |= other.done
        self.before |= other.before
        self.refused |= other.refused
        self.accepted.update(other.accepted)


@dataclass(frozen=True, slots=True)
class Who:
    """The author of an act (`by`) and the reason. The audit keeps both."""

    by: str
    reason: str


class Sending:
    """Carries out people's decisions on dead letters, 200 at a time.

    `stop`: an event; once it is set, the current 200 are finished and no more are begun. `letters`: the index.
    """

    def __init__(self, settings: Settings, letters: DeadLetterIndex, producer: Producer, clock: Clock) -> None:
        self._settings, self._partitions, self._rights = settings, settings.partitions, settings.rights()
        self.letters, self._producer, self._clock = letters, producer, clock
        self.stop = asyncio.Event()  # once set, the current chunk is finished and no other is begun

    async def send_again(
        self, names: Sequence[str], mended: Repair, who: Who, progress: Progress = lambda done, of: None
    ) -> Outcome:
        """Send dead letters (ids) again, all repaired in the same way, and write each act to the audit topic. Returns
        the result for each id.

        `progress` is called with the number handled and their total. A dead letter that cannot be sent is in the
        result. Raises, before anything is done, UnknownLetterError if an id is unknown, and ActError if the author or
        reason is missing or invalid; later SendError (MayNotError: this process may not write to the topic) or
        CodecError. Errors of Kafka reads and of the vault's Redis pass through.
        """
        self._entry(Act.SENDING, "nothing", who)
        return await self._chunks(names, lambda chunk: self._send(chunk, mended, who), progress)

    async def drop(self, names: Sequence[str], who: Who, progress: Progress = lambda done, of: None) -> Outcome:
        """Mark dead letters (ids) as dropped, permanently, by acts on the audit topic. Returns the result for each id.

        `progress` is called with the number handled and their total. Raises, before anything is done,
        UnknownLetterError if an id is unknown, and ActError if the author or reason is missing or invalid; later
        SendError, or CodecError if the topic cannot be decrypted. Errors of Kafka reads and of the vault's Redis pass
        through.
        """
        self._entry(Act.DROPPED, "nothing", who)
        return await self._chunks(names, lambda chunk: self._drop(chunk, who), progress)

    async def try_out(
        self, names: Sequence[str], mended: Repair, progress: Progress = lambda done, of: None
    ) -> Outcome:
        """Return the result that `send_again` would have for these ids, without sending or writing anything.

        `progress` is called with the number handled and their total. Raises UnknownLetterError if an id is unknown, and
        CodecError if the topic cannot be decrypted. Errors of Kafka reads and of the vault's Redis pass through.
        """

        async def chunk(found: Sequence[Found]) -> Outcome:
            outcome = Outcome()
            for name, each in (await self._ready(found, mended, outcome)).items():
                outcome.done[name] = each.ids
            return outcome

        return await self._chunks(names, chunk, progress)

    async def _chunks(
        self, names: Sequence[str], act: Callable[[Sequence[Found]], Awaitable[Outcome]], told: Progress
    ) -> Outcome:
        await self.letters.refresh()
        found = [self.letters.get(name) for name in dict.fromkeys(names)]
        outcome = Outcome()
        for start in range(0, len(found), CHUNK):
            if self.stop.is_set():
                outcome.left = len(found) - start
                break
            outcome.add(await act(found[start : start + CHUNK]))
            told(min(start + CHUNK, len(found)), len(found))
        return outcome

    async def _send(self, found: Sequence[Found], mended: Repair, who: Who) -> Outcome:
        outcome = Outcome()
        prepared = await self._ready(found, mended, outcome)
        begun = {name: self._entry(Act.SENDING, name, who, what(mended)) for name in prepared}
        await self._write(list(begun.values()))
        ours = {name: each for name, each in prepared.items() if self._begun(name, begun[name], outcome)}
        await self._producer.send_all([each.record for each in ours.values()])
        await self._write([self._entry(Act.SENT, name, who, begun[name].detail) for name in ours])
        for name, each in ours.items():
            outcome.done[name] = each.ids
            for signal in each.signals:
                outcome.accepted[signal.source] += 1
                ACCEPTED.labels(sources.label(signal.source)).inc()
        return outcome

    async def _drop(self, found: Sequence[Found], who: Who) -> Outcome:
        outcome = Outcome()
        waiting = [each.letter.id for each in found if each.standing.state is State.OPEN]
        acts = {name: self._entry(Act.DROPPED, name, who) for name in waiting}
        await self._write(list(acts.values()))
        for each in found:
            if each.standing.act is not None and each.standing.act == acts.get(each.letter.id):
                outcome.done[each.letter.id] = []
            else:
                outcome.before[each.letter.id] = status_text(each)
        return outcome

    async def _ready(self, found: Sequence[Found], mended: Repair, outcome: Outcome) -> dict[str, Ready]:
        """Return the records to send by letter id; letters that cannot be sent go to the outcome."""
        waiting = [each for each in found if each.standing.state in (State.OPEN, State.SENDING)]
        outcome.before |= {each.letter.id: status_text(each) for each in found if each not in waiting}
        letters = await unsealed(self._settings, await self.letters.read(waiting))
        prepared: dict[str, Ready] = {}
        for each in waiting:
            name = each.letter.id
            try:
                made = self._made(letters.get(name), mended)
            except (CannotSendError, MappingError) as error:
                outcome.refused[name] = str(error)
                continue
            if may_send(each.standing, what(mended), self._clock.now()):
                prepared[name] = made
            else:
                outcome.before[name] = status_text(each)
        return prepared

    def _made(self, letter: Opened | None, mended: Repair) -> Ready:
        if letter is None:
            raise CannotSendError("the topic no longer keeps it")
        if isinstance(letter, CannotSendError):
            raise letter
        return ready(letter, mended, self._partitions, self._clock.now(), self._rights)

    def _begun(self, name: str, act: AuditEntry, outcome: Outcome) -> bool:
        """Return whether the topic's order shows that this process sends the letter, and no other was first."""
        found = self.letters.get(name)
        standing = found.standing
        if standing.state is State.SENDING and standing.act is not None and standing.act.detail == act.detail:
            return True
        outcome.before[name] = status_text(found)
        return False

    async def _write(self, acts: Sequence[AuditEntry]) -> None:
        await audit.write(self._producer, acts)
        await self.letters.refresh()

    def _entry(self, act: Act, name: str, who: Who, detail: str = "") -> AuditEntry:
        if len(who.reason.strip()) < 2:
            raise ActError("say why (--reason): it is kept with the letter")
        try:
            return AuditEntry(at=self._clock.now(), by=who.by, act=act, on=name, reason=who.reason, detail=detail)
        except ValidationError as error:
            raise ActError(f"who does it (--by) and why (--reason): {reason(error)}") from None


def status_text(found: Found) -> str:
    """Return a dead letter's state in English words: "open", or what was done, by whom, when (Beijing time) and the
    reason.
    """
    act = found.standing.act
    if act is None:
        return "open"
    done = {
        State.SENDING: "is being sent (broken off? send it again)",
        State.SENT: "was sent again",
        State.DROPPED: "was dropped",
    }
    at = act.at.astimezone(BEIJING)
    return f"{done[found.standing.state]} by {act.by} at {at:%Y-%m-%d %H:%M:%S}: {act.reason}"


def what(mended: Repair) -> str:
    """Return in English words how a dead letter is repaired, for the audit: "as it came", "by the mapping " and its
    hash, or "by hand: " and the first 16 hex digits of the new bytes' SHA-256.

    Two people who send the same repair do not block each other.
    """
    if mended is None:
        return "as it came"
    if isinstance(mended, RepairMapping):
        return f"by the mapping {mended.hash}"
    return f"by hand: {hashlib.sha256(mended).hexdigest()[:16]}"
