"""The index of dead letters and their states, read from their topic and from the audit topic; and the metric of open
ones.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from pydantic import ValidationError

from domain.feeds.dead_letters import (
    Act,
    DeadLetterFilter,
    DeadLetterStatus,
    DeadLetterSummary,
    State,
    follow,
    kind_of_reason,
    topic_of,
)
from schemas.administration.audit import AuditEntry
from schemas.administration.dead_letters import DeadLetter, letter_adapter
from schemas.base import ANY_VERSION
from schemas.errors import UserError
from streams.messaging import sources
from streams.messaging.offsets import beginning_offsets, offset_at
from streams.messaging.reader import Read, read_on
from streams.messaging.topics import AUDIT, DEAD_LETTERS
from streams.runtime import metrics
from streams.runtime.settings import Settings
from streams.security.encrypted_kafka import reading

MOST = 50_000  # letters that a process keeps in memory; the oldest are left out
BEFORE_MS = 86_400_000  # an act may be this much older than its letter (sent again and refused again, clock errors)


class UnknownLetterError(UserError, LookupError):
    """No dead letter has this id, or its topic no longer has it."""


@dataclass(slots=True)
class Found:
    """A dead letter in the index, without its bytes (`letter`), and its state with the act that led to the state
    (`standing`).
    """

    letter: DeadLetterSummary
    standing: DeadLetterStatus


@dataclass(frozen=True, slots=True)
class Page:
    """A page of dead letters (`found`), the newest first.

    `total`: number of all matching dead letters; `reasons`: their numbers by kind of reason. `next`: the argument
    `before` for the next page, None if this is the last page. `left_out`: number of older dead letters that are not in
    the index.
    """

    found: list[Found]
    total: int
    reasons: dict[str, int]
    next: int | None
    left_out: int


class DeadLetterIndex:
    """The index in memory of the newest `most` dead letters for which `keep` returns True.

    The limit bounds the memory in a flood of dead letters.

    `left_out`: number of older dead letters beyond `most`.
    """

    def __init__(
        self, settings: Settings, most: int = MOST, keep: Callable[[DeadLetterSummary], bool] = lambda letter: True
    ) -> None:
        self._settings, self._most, self._keep = settings, most, keep
        self.left_out = 0  # number of older letters beyond `most`
        self._found: OrderedDict[str, Found] = OrderedDict()
        self._letters_read = 0
        self._oldest: int | None = None  # when the oldest was written, in ms since 1970
        self._acts_read: int | None = None  # the next offset of the audit to read; None before the first letter
        self._lock = asyncio.Lock()

    async def refresh(self) -> None:
        """Read the dead letters and the acts on them that were written since the last call, into this index. Invalid
        records are skipped.

        Dead letters are read first, because an act follows its dead letter. Errors of Kafka and of the vault's Redis
        pass through; raises CodecError if a topic cannot be decrypted.
        """
        async with self._lock:
            async with reading(self._settings):
                async for record in read_on(self._settings, DEAD_LETTERS.name, 0, self._letters_read):
                    self._letters_read = record.offset + 1
                    self._take(record)
            if self._oldest is None:
                return
            if self._acts_read is None:
                self._acts_read = await offset_at(self._settings, AUDIT.name, 0, self._oldest - BEFORE_MS)
            async for record in read_on(self._settings, AUDIT.name, 0, self._acts_read):
                self._acts_read = record.offset + 1
                self._act(record.value or b"")

    def page(self, wanted: DeadLetterFilter, most: int | None = None, before: int | None = None) -> Page:
        """Return a page: the newest `most` (None: all) matching dead letters with offsets below `before` (None: all).
        Its counts are of all matching ones.

        Reads nothing from Kafka: call `refresh` first.
        """
        fitting = [each for each in self._found.values() if wanted.fits(each.letter, each.standing.state)]
        fitting.sort(key=lambda each: each.letter.offset, reverse=True)
        left = [each for each in fitting if before is None or each.letter.offset < before]
        shown = left if most is None else left[:most]
        reasons = Counter(kind_of_reason(each.letter.why) for each in fitting)
        following = shown[-1].letter.offset if len(shown) < len(left) and shown else None
        return Page(shown, len(fitting), dict(reasons.most_common()), following, self.left_out)

    def get(self, letter: str) -> Found:
        """Return the dead letter with this id, as of the last `refresh`. Raises UnknownLetterError if the index does
        not have it.
        """
        if letter not in self._found:
            raise UnknownLetterError(
                f"there is no dead letter {letter!r}: `quanzu dead list --state all` has the ids; a letter is kept for "
                f"{DEAD_LETTERS.kept.days if DEAD_LETTERS.kept else 0} days"
            )
        return self._found[letter]

    async def read(self, letters: Sequence[Found]) -> dict[str, DeadLetter]:
        """Read the dead letters from their topic, with their bytes, and return them by id.

        Those that the topic no longer has are left out. Errors of Kafka and of the vault's Redis pass through; raises
        CodecError if the topic cannot be decrypted, and ValidationError if a record is invalid.
        """
        wanted = {each.letter.offset: each.letter.id for each in letters}
        found: dict[str, DeadLetter] = {}
        if not wanted:
            return found
        async with reading(self._settings):
            async for record in read_on(self._settings, DEAD_LETTERS.name, 0, min(wanted)):
                if record.offset in wanted:
                    found[wanted[record.offset]] = letter_adapter.validate_json(record.value or b"", extra=ANY_VERSION)
                if record.offset >= max(wanted):
                    break
        return found

    async def drop_expired(self) -> None:
        """Remove from the index the dead letters that their topic no longer has. Raises KafkaError if Kafka cannot be
        reached.
        """
        begin = (await beginning_offsets(self._settings, DEAD_LETTERS.name)).get(0, 0)
        for name in [name for name, each in self._found.items() if each.letter.offset < begin]:
            del self._found[name]

    def open_by_source(self) -> Counter[str]:
        """Return the number of open dead letters in the index (neither sent again nor dropped), by source. Sources
        without any are left out.
        """
        waiting = (State.OPEN, State.SENDING)
        return Counter(each.letter.source for each in self._found.values() if each.standing.state in waiting)

    def _take(self, record: Read) -> None:
        try:
            letter = letter_adapter.validate_json(record.value or b"", extra=ANY_VERSION)
        except ValidationError:
            return  # a foreign record on this topic
        listed = _listed(letter, record.offset)
        if not self._keep(listed):
            return
        self._oldest = record.timestamp if self._oldest is None else self._oldest
        if known := self._found.get(letter.id):  # refused again: its state stays
            known.letter = replace(known.letter, offset=record.offset)
            return
        self._found[letter.id] = Found(listed, DeadLetterStatus())
        if len(self._found) > self._most:
            self._found.popitem(last=False)
            self.left_out += 1

    def _act(self, value: bytes) -> None:
        try:
            act = AuditEntry.model_validate_json(value).model_copy(update={"link": None})  # comparable with a new one
        except ValidationError:
            return  # of another version, or a foreign record
        if act.act in set(Act) and (found := self._found.get(act.on)):
            found.standing = follow(found.standing, act)


def _listed(letter: DeadLetter, offset: int) -> DeadLetterSummary:
    return DeadLetterSummary(
        letter.id, letter.source, topic_of(letter.where), letter.at, letter.why, letter.size, offset
    )


def ids(found: Iterable[Found]) -> list[str]:
    """Return the dead letters' ids, the oldest first."""
    return [each.letter.id for each in sorted(found, key=lambda each: each.letter.offset)]


LOOK_SECONDS = 10.0


class OpenLetters:
    """The metric of open dead letters by source; counts at most the newest 50,000."""

    def __init__(self, settings: Settings) -> None:
        self._letters = DeadLetterIndex(settings)

    async def show(self, *, ours: bool) -> None:
        """Set the metric to the present numbers, read from Kafka, or clear it if another worker shows it (`ours` is
        False). Raises the errors of DeadLetterIndex.refresh.
        """
        if not ours:
            metrics.DEAD_LETTERS_OPEN.clear()
            return
        await self._letters.refresh()
        await self._letters.drop_expired()
        waiting: Counter[str] = Counter()
        for source, number in self._letters.open_by_source().items():
            waiting[sources.label(source)] += number
        metrics.DEAD_LETTERS_OPEN.clear()
        for label, number in waiting.items():
            metrics.DEAD_LETTERS_OPEN.labels(label).set(number)
