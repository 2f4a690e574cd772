"""What the observer has seen: the story of a round, from its file.

The observer has no keys: of a sealed record it sees what is left of it. Signals are opened here, to be counted.
"""

import base64
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import orjson
from pydantic import ValidationError

from domain.access.key_rings import KeyPurpose, read_rings
from domain.access.public_encryption import SEALED_BYTE, open_sealed
from domain.identity.personal import parted
from schemas.administration.dead_letters import DeadLetter, RecordPlace
from schemas.base import ANY_VERSION
from schemas.casework.events import CaseEvent, Dispatch, RulesEvent, UnchangedEvent, journal_adapter
from schemas.casework.inputs import CaseInput, Deadline, HoldChange, PolicyChange, input_adapter
from schemas.levels import CHANNEL_REPORTS, Result
from streams.messaging import topics
from streams.messaging.codec import LOST, OF_RESIDENT
from tests.tools.installation_keys import KEYS

POISON = b"\x00\xff{poison"
WORD = frozenset(CHANNEL_REPORTS)
INTAKE = read_rings(KEYS)[KeyPurpose.INTAKE]
SHUT = "shut"  # a record that nothing here reads
LANES = {topic.name for topic in topics.LANES}
CHANNELS = {topic.name for topic in topics.DISPATCHES}

What = TypeVar("What")
Place = tuple[str, int, int]
"""Of a record: topic, partition and offset."""


@dataclass(frozen=True, slots=True)
class Arrived(Generic[What]):
    """A record, where it lies, and when the observer had it: seconds since 1970."""

    what: What
    at: float
    partition: int
    offset: int


@dataclass(slots=True)
class Seen:
    """By topic, each partition in its order. `unreadable`: how many records of a topic nobody can read.

    `sealed`: whether records are sealed in this round; `bare`: how many of a topic tell of a person all the same.
    """

    file: Path
    sealed: bool = False
    signals: Counter[str] = field(default_factory=Counter)  # by source
    batches: list[tuple[str, int, int, Counter[str]]] = field(default_factory=list)  # each record: where, and sources
    inputs: list[Arrived[CaseInput]] = field(default_factory=list)
    journal: list[Arrived[CaseEvent | RulesEvent | UnchangedEvent]] = field(default_factory=list)
    dispatches: list[Arrived[Dispatch]] = field(default_factory=list)
    unreadable: Counter[str] = field(default_factory=Counter)
    bare: Counter[str] = field(default_factory=Counter)
    reached: dict[tuple[str, int], int] = field(default_factory=dict)  # the last offset of a topic's partition
    residents: dict[Place, tuple[str, str]] = field(default_factory=dict)  # whose an input or dispatch is, with its id
    put_aside: set[Place] = field(default_factory=set)  # refused since their key is lost
    reports: dict[str, set[Result]] = field(default_factory=dict)  # of a dispatch: what its channel reported
    _read: int = 0  # bytes

    def look(self) -> None:
        """Take in what the file has more than last time."""
        for topic, partition, offset, at, value in self._lines():
            self.reached[topic, partition] = max(offset, self.reached.get((topic, partition), -1))
            try:
                self._take(topic, partition, offset, at, _opened(topic, value or ""))
            except (ValidationError, orjson.JSONDecodeError):
                self.unreadable[topic] += 1
                if topic in LANES:
                    self.batches.append((topic, partition, offset, Counter(unknown=1)))

    def dropped(self, kept: Mapping[tuple[str, int], int]) -> Counter[str]:
        """By source: the signals of the records before the first that each partition has kept."""
        found: Counter[str] = Counter()
        for topic, partition, offset, sources in self.batches:
            if offset < kept.get((topic, partition), 0):
                found.update(sources)
        return found

    @property
    def aside(self) -> dict[str, str]:
        """The inputs and dispatches that were put aside since their key is lost: each one's resident, by its id."""
        return dict(self.residents[place] for place in self.put_aside)

    @property
    def events(self) -> list[Arrived[CaseEvent]]:
        """The journal's case events, however often each was published."""
        return [Arrived(a.what, a.at, a.partition, a.offset) for a in self.journal if isinstance(a.what, CaseEvent)]

    @property
    def deadlines(self) -> Iterator[Arrived[Deadline]]:
        """The deadlines that fired, however often each was written."""
        return (Arrived(a.what, a.at, a.partition, a.offset) for a in self.inputs if isinstance(a.what, Deadline))

    def _lines(self) -> Iterator[tuple[str, int, int, float, str | None]]:
        if not self.file.exists():
            return
        with self.file.open("rb") as book:
            book.seek(self._read)
            new = book.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            yield orjson.loads(line)

    def _take(self, topic: str, partition: int, offset: int, at: float, value: str) -> None:
        if value == SHUT:
            return
        if self.sealed and value and topic in OF_RESIDENT and parted(orjson.loads(value)) is not None:
            self.bare[topic] += 1
        if topic in LANES:
            sources = Counter(signal["source"] for signal in orjson.loads(value))
            self.signals.update(sources)
            self.batches.append((topic, partition, offset, sources))
        elif topic == topics.CASE_INPUTS.name:
            self._input(Arrived(input_adapter.validate_json(value, extra=ANY_VERSION), at, partition, offset))
        elif topic == topics.CASE_EVENTS.name:
            self.journal.append(Arrived(journal_adapter.validate_json(value, extra=ANY_VERSION), at, partition, offset))
        elif topic == topics.DEAD_LETTERS.name:
            self._letter(value)
        elif topic in CHANNELS:
            dispatch = Dispatch.model_validate_json(value, extra=ANY_VERSION)
            self.residents[topic, partition, offset] = dispatch.id, dispatch.resident
            self.dispatches.append(Arrived(dispatch, at, partition, offset))

    def _letter(self, value: str) -> None:
        letter = DeadLetter.model_validate_json(value, extra=ANY_VERSION)
        if letter.why == LOST and isinstance(letter.where, RecordPlace):
            self.put_aside.add((letter.where.topic, letter.where.partition, letter.where.offset))

    def _input(self, arrived: Arrived[CaseInput]) -> None:
        self.inputs.append(arrived)
        if not isinstance(arrived.what, PolicyChange | HoldChange):
            place = topics.CASE_INPUTS.name, arrived.partition, arrived.offset
            self.residents[place] = arrived.what.id, arrived.what.resident
        if arrived.what.kind == "contact_result" and arrived.what.result in WORD:
            self.reports.setdefault(arrived.what.dispatch, set()).add(arrived.what.result)


def _opened(topic: str, value: str) -> str:
    """The signals of a record that was encrypted with a public key; SHUT for any other such record."""
    if not value.startswith(SEALED_BYTE.decode()):
        return value
    if topic not in LANES:
        return SHUT
    found = open_sealed(INTAKE.keys, base64.b64decode(value[1:]), topic.encode())
    return "" if found is None else found.decode("utf-8", "replace")
