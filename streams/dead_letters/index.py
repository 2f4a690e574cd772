"""The dead letters there are and what became of each, read from their topic and the audit topic; how many are open."""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from pydantic import ValidationError

from domain.feeds.dead_letters import Act, LetterStatus, Listed, State, Wanted, follow, kind_of_reason, topic_of
from schemas.administration.audit import AuditEntry
from schemas.administration.dead_letters import DeadLetter, letter_adapter
from schemas.base import ANY_VERSION
from schemas.errors import UserError
from streams.messaging import sources
from streams.messaging.reader import Read, beginning_offsets, offset_at, read_on
from streams.messaging.topics import AUDIT, DEAD_LETTERS
from streams.runtime import metrics
from streams.runtime.settings import Settings

MOST = 50_000  # letters that a process keeps in mind; the oldest are left out first
BEFORE_MS = 86_400_000  # an act may lie so long before its letter: one sent again and refused again, clocks that differ


class UnknownLetterError(UserError, LookupError):
    """There is no such letter (any more)."""


@dataclass(slots=True)
class Found:
    """A letter in the index."""

    letter: Listed
    standing: LetterStatus


@dataclass(frozen=True, slots=True)
class Page:
    """Letters, the newest first; over all that fit: how many, and how many of each reason."""

    found: list[Found]
    total: int
    reasons: dict[str, int]
    next: int | None  # `before` of the next page
    left_out: int  # older ones that were not looked at


class Letters:
    """The letters that are kept; of those that `keep` means the newest `most`, so that no flood fills the memory."""

    def __init__(
        self, settings: Settings, most: int = MOST, keep: Callable[[Listed], bool] = lambda letter: True
    ) -> None:
        self._settings, self._most, self._keep = settings, most, keep
        self.left_out = 0  # older ones, past `most`
        self._found: OrderedDict[str, Found] = OrderedDict()
        self._letters_read = 0
        self._oldest: int | None = None  # when the oldest was written, in ms since 1970
        self._acts_read: int | None = None  # none before there is a letter
        self._lock = asyncio.Lock()

    async def refresh(self) -> None:
        """Read what was written since. Letters first: an act is always younger than its letter."""
        async with self._lock:
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

    def page(self, wanted: Wanted, most: int | None = None, before: int | None = None) -> Page:
        """The newest `most` of the letters that are meant, of those that lie before offset `before`."""
        fitting = [each for each in self._found.values() if wanted.fits(each.letter, each.standing.state)]
        fitting.sort(key=lambda each: each.letter.offset, reverse=True)
        left = [each for each in fitting if before is None or each.letter.offset < before]
        shown = left if most is None else left[:most]
        reasons = Counter(kind_of_reason(each.letter.why) for each in fitting)
        following = shown[-1].letter.offset if len(shown) < len(left) and shown else None
        return Page(shown, len(fitting), dict(reasons.most_common()), following, self.left_out)

    def get(self, letter: str) -> Found:
        """A letter by its id. Raises UnknownLetterError."""
        if letter not in self._found:
            raise UnknownLetterError(
                f"there is no dead letter {letter!r}: `quanzu dead list --state all` has the ids; a letter is kept for "
                f"{DEAD_LETTERS.kept.days if DEAD_LETTERS.kept else 0} days"
            )
        return self._found[letter]

    async def read(self, letters: Sequence[Found]) -> dict[str, DeadLetter]:
        """The letters themselves, with their bytes, by id. One that the topic no longer keeps is not among them."""
        wanted = {each.letter.offset: each.letter.id for each in letters}
        found: dict[str, DeadLetter] = {}
        if not wanted:
            return found
        async for record in read_on(self._settings, DEAD_LETTERS.name, 0, min(wanted)):
            if record.offset in wanted:
                found[wanted[record.offset]] = letter_adapter.validate_json(record.value or b"", extra=ANY_VERSION)
            if record.offset >= max(wanted):
                break
        return found

    async def forget_expired(self) -> None:
        """Forget letters that the topic no longer keeps."""
        begin = (await beginning_offsets(self._settings, DEAD_LETTERS.name)).get(0, 0)
        for name in [name for name, each in self._found.items() if each.letter.offset < begin]:
            del self._found[name]

    def open_by_source(self) -> Counter[str]:
        """How many are neither sent again nor dropped."""
        waiting = (State.OPEN, State.SENDING)
        return Counter(each.letter.source for each in self._found.values() if each.standing.state in waiting)

    def _take(self, record: Read) -> None:
        try:
            letter = letter_adapter.validate_json(record.value or b"", extra=ANY_VERSION)
        except ValidationError:
            return  # somebody else wrote on this topic: it is no letter of ours
        listed = _listed(letter, record.offset)
        if not self._keep(listed):
            return
        self._oldest = record.timestamp if self._oldest is None else self._oldest
        if known := self._found.get(letter.id):  # refused again: what was done with it holds
            known.letter = replace(known.letter, offset=record.offset)
            return
        self._found[letter.id] = Found(listed, LetterStatus())
        if len(self._found) > self._most:
            self._found.popitem(last=False)
            self.left_out += 1

    def _act(self, value: bytes) -> None:
        try:
            act = AuditEntry.model_validate_json(value).model_copy(update={"link": None})  # what was said, wherever
        except ValidationError:
            return  # of another version, or somebody else's
        if act.act in set(Act) and (found := self._found.get(act.on)):
            found.standing = follow(found.standing, act)


def _listed(letter: DeadLetter, offset: int) -> Listed:
    return Listed(letter.id, letter.source, topic_of(letter.where), letter.at, letter.why, letter.size, offset)


def ids(found: Iterable[Found]) -> list[str]:
    """The ids, the oldest first: in the order in which they came."""
    return [each.letter.id for each in sorted(found, key=lambda each: each.letter.offset)]


LOOK_SECONDS = 10.0


class OpenLetters:
    """Open letters by source. Of more than index.MOST letters the newest are counted."""

    def __init__(self, settings: Settings) -> None:
        self._letters = Letters(settings)

    async def show(self, *, ours: bool) -> None:
        """Look, and tell, or tell nothing where another worker does."""
        if not ours:
            metrics.DEAD_LETTERS_OPEN.clear()
            return
        await self._letters.refresh()
        await self._letters.forget_expired()
        waiting: Counter[str] = Counter()
        for source, number in self._letters.open_by_source().items():
            waiting[sources.label(source)] += number
        metrics.DEAD_LETTERS_OPEN.clear()
        for label, number in waiting.items():
            metrics.DEAD_LETTERS_OPEN.labels(label).set(number)
