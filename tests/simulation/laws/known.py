"""What is known of a schedule once its logs are read and the models have run: read once, and shared by all laws."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Generic, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from domain.dispatches.ids import DispatchId, parse
from schemas.administration.dead_letters import letter_adapter
from schemas.base import ANY_VERSION
from schemas.casework.events import CaseEvent, Dispatch, RulesEvent, journal_adapter
from schemas.casework.inputs import Alert, CaseInput, ContactResult, Deadline
from schemas.levels import NEVER_SENT, Channel, Level, Result
from tests.simulation.laws.model import CASE_INPUTS, Fold, Given, fold, milliseconds
from tests.simulation.laws.observed import Contact, Observed, Request
from tests.simulation.laws.signals import Signals

CASE_EVENTS = "case-events"
DEAD_LETTERS = "dead-letters"
DISPATCHES = ("dispatches.red", *(f"dispatches.{channel.value}" for channel in Channel))
FROM_CHANNELS = frozenset({Result.SENT, Result.FAILED, Result.NOT_SENT, Result.IN_DOUBT})
ANSWERED_THERE = frozenset({Result.DELIVERED, Result.REFUSED})  # of a hand-over, instead of SENT

What = TypeVar("What")


@dataclass(frozen=True, slots=True)
class Violation:
    """A law that does not hold, and why: a sentence that an operator understands."""

    law: str
    words: str


@dataclass(frozen=True, slots=True)
class Arrived(Generic[What]):
    """A record as it was read. `at`: when Kafka appended it."""

    what: What
    topic: str
    partition: int
    offset: int
    at: float

    @property
    def place(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


@dataclass(frozen=True, slots=True)
class Expected:
    """A dispatch that the model decided on, and the event that says so."""

    dispatch: Dispatch
    event: CaseEvent

    @property
    def topic(self) -> str:
        """Red has a topic of its own."""
        return topic_of(self.dispatch)

    @property
    def words(self) -> str:
        """Which dispatch, of which case, and which input it follows from."""
        event, dispatch = self.event, self.dispatch
        from_input = f"{CASE_INPUTS}/{event.partition}/{event.offset}"
        return f"dispatch {dispatch.id} of case {event.case.id} (decided in version {event.case.version}, {from_input})"


def topic_of(dispatch: Dispatch) -> str:
    return "dispatches.red" if dispatch.level is Level.RED else f"dispatches.{dispatch.channel.value}"


@lru_cache(maxsize=2)
def known(observed: Observed) -> "Known":
    """All that follows from it; the same object again while it is the latest that was asked for."""
    return Known(observed)


class Known:
    """The logs read, the models run. Each part is made when it is asked for first."""

    def __init__(self, observed: Observed) -> None:
        self.observed = observed

    def time(self, at: float) -> str:
        """A moment in words: seconds since the schedule began."""
        return f"{at - self.observed.began_at:.3f} s"

    @cached_property
    def folds(self) -> list[Fold]:
        """The model of casework, by partition."""
        return [fold(self.observed, partition) for partition in range(self.observed.partitions)]

    @cached_property
    def signals(self) -> Signals:
        """The model of screening."""
        return Signals.of(self.observed)

    @cached_property
    def events(self) -> dict[str, CaseEvent]:
        """The events that there must be, by id."""
        return {name: event for each in self.folds for name, event in each.events.items()}

    @cached_property
    def standing(self) -> dict[tuple[int, str], RulesEvent]:
        """The entries on the rules that there must be, by partition and input."""
        return {(each.partition, name): entry for each in self.folds for name, entry in each.standing.items()}

    @cached_property
    def expected(self) -> dict[str, Expected]:
        """The dispatches that there must be, by id."""
        found = (pair for each in self.folds for pair in each.dispatches)
        return {dispatch.id: Expected(dispatch, event) for dispatch, event in found}

    def decided_at(self, dispatch: str) -> float:
        """When the input that leads to a dispatch was appended; time 0 for a dispatch that no input leads to."""
        if (expected := self.expected.get(dispatch)) is None:
            return self.observed.began_at
        return self.observed.records(CASE_INPUTS, expected.event.partition)[expected.event.offset].at

    @cached_property
    def given(self) -> list[Given]:
        """Every valid input, repeated ones too."""
        return [given for each in self.folds for given in each.given]

    @cached_property
    def inputs(self) -> dict[tuple[int, int], CaseInput]:
        """Every valid input, by partition and offset."""
        return {(given.partition, given.offset): given.what for given in self.given}

    @cached_property
    def alerts(self) -> list[tuple[Given, Alert]]:
        """Every alert, repeated ones too."""
        return [(given, given.what) for given in self.given if isinstance(given.what, Alert)]

    @cached_property
    def fired(self) -> dict[tuple[str, str, float], float]:
        """Case, step and due (milliseconds) of each deadline whose input there is -> when it was appended first."""
        found: dict[tuple[str, str, float], float] = {}
        for given in self.given:
            if isinstance(given.what, Deadline):
                name = (given.what.case, given.what.step, milliseconds(given.what.due))
                found[name] = min(given.at, found.get(name, given.at))
        return found

    @cached_property
    def results(self) -> dict[str, set[Result]]:
        """All that was told of a dispatch: by its channel, and by its provider's receipts."""
        found: defaultdict[str, set[Result]] = defaultdict(set)
        for given in self.given:
            if isinstance(given.what, ContactResult):
                found[given.what.dispatch].add(given.what.result)
        return dict(found)

    def reported(self, dispatch: str) -> set[Result]:
        """What its channel reported."""
        hands_over = dispatch.endswith(f":{Channel.PROVINCE.value}")
        return self.results.get(dispatch, set()) & (FROM_CHANNELS | (ANSWERED_THERE if hands_over else set()))

    def in_doubt(self, dispatch: str) -> bool:
        """Whether it was counted that it may have been sent, or not."""
        return Result.IN_DOUBT in self.results.get(dispatch, ())

    @cached_property
    def doubts(self) -> dict[str, float]:
        """When each dispatch that is in doubt was reported so for the first time."""
        found: dict[str, float] = {}
        for given in self.given:
            if isinstance(given.what, ContactResult) and given.what.result is Result.IN_DOUBT:
                found[given.what.dispatch] = min(given.at, found.get(given.what.dispatch, given.at))
        return found

    def denied(self, dispatch: str) -> bool:
        """Whether its channel reported nothing but that it was not sent. A receipt does not make such a report true."""
        told = self.reported(dispatch)
        return bool(told) and told <= NEVER_SENT

    @cached_property
    def journal(self) -> list[Arrived[CaseEvent | RulesEvent]]:
        """The journal's entries as they lie there, repeated ones too."""
        by_input = {(entry.partition, entry.input): entry for entry in self.standing.values()}
        told: dict[object, tuple[bytes, BaseModel]] = {
            **{name: (event.model_dump_json().encode(), event) for name, event in self.events.items()},
            **{name: (entry.model_dump_json().encode(), entry) for name, entry in by_input.items()},
        }
        found: list[Arrived[CaseEvent | RulesEvent]] = []
        for partition, record in self.observed.topic(CASE_EVENTS):
            value, same = told.get(_name(partition, record.value or b""), (None, None))
            entry = same if value == record.value else _entry(record.value or b"")
            if isinstance(entry, CaseEvent | RulesEvent):
                found.append(Arrived(entry, CASE_EVENTS, partition, record.offset, record.at))
        return found

    @cached_property
    def published(self) -> list[Arrived[CaseEvent]]:
        """The journal's case events."""
        return [
            Arrived(each.what, each.topic, each.partition, each.offset, each.at)
            for each in self.journal
            if isinstance(each.what, CaseEvent)
        ]

    @cached_property
    def stories(self) -> dict[str, list[Arrived[CaseEvent]]]:
        """By case its events, each where it was published first, by version."""
        first: dict[tuple[str, str], Arrived[CaseEvent]] = {}
        for each in self.published:
            name = (each.what.case.id, each.what.id)
            if name not in first or each.at < first[name].at:
                first[name] = each
        stories: defaultdict[str, list[Arrived[CaseEvent]]] = defaultdict(list)
        for (case, _), each in first.items():
            stories[case].append(each)
        return {case: sorted(story, key=_version) for case, story in stories.items()}

    @cached_property
    def dispatched(self) -> dict[str, list[Arrived[Dispatch]]]:
        """The commands on the channels' topics, by id."""
        found: defaultdict[str, list[Arrived[Dispatch]]] = defaultdict(list)
        for topic in DISPATCHES:
            for partition, record in self.observed.topic(topic):
                dispatch = self._dispatch(record.value or b"")
                if dispatch is not None:
                    found[dispatch.id].append(Arrived(dispatch, topic, partition, record.offset, record.at))
        return dict(found)

    def _dispatch(self, value: bytes) -> Dispatch | None:
        try:
            expected = self.expected.get(orjson.loads(value).get("id"))
        except (ValueError, AttributeError):
            return None
        if expected is not None and expected.dispatch.model_dump_json().encode() == value:
            return expected.dispatch
        return _valid(partial(Dispatch.model_validate_json, value, extra=ANY_VERSION))

    @cached_property
    def letters(self) -> set[str]:
        """The places of all dead letters."""
        read = (
            _valid(partial(letter_adapter.validate_json, record.value or b"", extra=ANY_VERSION))
            for _, record in self.observed.topic(DEAD_LETTERS)
        )
        return {letter.id for letter in read if letter is not None}

    @cached_property
    def requests(self) -> dict[str, list[Contact]]:
        """What reached the providers, by dispatch, in order."""
        found: defaultdict[str, list[Contact]] = defaultdict(list)
        for contact in sorted(self.observed.contacts, key=lambda contact: contact.at):
            found[contact.dispatch].append(contact)
        return dict(found)

    @cached_property
    def sent(self) -> dict[str, list[Request]]:
        """The requests to send as they left the workers, by dispatch, in order."""
        found: defaultdict[str, list[Request]] = defaultdict(list)
        for request in sorted(self.observed.requests, key=lambda request: request.at):
            found[request.dispatch].append(request)
        return dict(found)

    @cached_property
    def acted(self) -> dict[str, list[Contact]]:
        """Of these, the ones by which somebody was contacted."""
        contacted = {name: [each for each in asked if each.acted] for name, asked in self.requests.items()}
        return {name: contacts for name, contacts in contacted.items() if contacts}

    def attempts(self) -> Iterator[tuple[tuple[str, str], list[DispatchId]]]:
        """By case and step the dispatches by which somebody was contacted, by attempt."""
        by_step: defaultdict[tuple[str, str], list[DispatchId]] = defaultdict(list)
        for name in self.acted:
            if parsed := _valid(partial(parse, name)):
                by_step[parsed.case, parsed.step].append(parsed)
        for step, made in sorted(by_step.items()):
            yield step, sorted(made, key=lambda each: (each.attempt, each.text))

    def times(self, contacts: Sequence[Contact]) -> str:
        """When they were, in words."""
        return " and ".join(self.time(contact.at) for contact in contacts)


def _version(each: Arrived[CaseEvent]) -> tuple[int, float]:
    return each.what.case.version, each.at


def _name(partition: int, value: bytes) -> object:
    """An event's id; of an entry on the rules its partition and input; None for anything else."""
    try:
        content = orjson.loads(value)
        return content["id"] if content["kind"] == "case" else (partition, content["input"])
    except (ValueError, TypeError, LookupError):
        return None


def _entry(value: bytes) -> CaseEvent | RulesEvent | None:
    entry = _valid(partial(journal_adapter.validate_json, value, extra=ANY_VERSION))
    return entry if isinstance(entry, CaseEvent | RulesEvent) else None


def _valid(read: "partial[What]") -> What | None:
    try:
        return read()
    except (ValidationError, ValueError):
        return None
