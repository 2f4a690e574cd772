"""Journal entries as recovery reads them: only the fields that it needs, at a tenth of the cost of a whole entry.

A store is built from millions of entries, and only the last version of each case is needed whole. The names are those
of schemas/casework/events.py and schemas/casework/cases.py, so that the functions that count events take these as well.
"""

from datetime import datetime

import msgspec

from schemas.casework.cases import CaseState, StepState
from schemas.casework.events import Commit, FactKind
from schemas.casework.inputs import Hold
from schemas.levels import Action, Level, OutcomeGround, Result


class PartialCommit(msgspec.Struct, frozen=True, gc=False):
    """See schemas.casework.events.Commit."""

    first: int
    last: int
    entries: int
    log: int = 0
    code: str = ""


AnyCommit = Commit | PartialCommit


class PartialStep(msgspec.Struct, frozen=True, gc=False):
    """What counting needs of schemas.casework.cases.Step."""

    id: str
    action: Action
    state: StepState
    due: datetime | None = None
    attempt: int = 1


class PartialCase(msgspec.Struct, frozen=True, gc=False):
    """What counting needs of schemas.casework.cases.Case."""

    id: str
    resident: str
    number: int
    version: int
    policy: str
    state: CaseState
    level: Level
    updated_at: datetime
    steps: list[PartialStep] = []
    raised_by: str | None = None
    officer: str | None = None
    ground: OutcomeGround | None = None
    settled_at: datetime | None = None

    @property
    def settled(self) -> bool:
        return self.state in (CaseState.DISSUADED, CaseState.FALSE_ALARM, CaseState.CLOSED)


class PartialFact(msgspec.Struct, frozen=True, gc=False):
    """What counting needs of schemas.casework.events.Fact."""

    kind: FactKind
    action: Action | None = None
    result: Result | None = None
    limit: str | None = None


class PartialDispatch(msgspec.Struct, frozen=True, gc=False):
    """The id of a dispatch."""

    id: str


class PartialCaseEvent(msgspec.Struct, frozen=True, gc=False, tag_field="kind", tag="case"):
    """See schemas.casework.events.CaseEvent."""

    commit: PartialCommit
    id: str
    input: str
    input_kind: str
    offset: int
    at: datetime
    case: PartialCase
    facts: list[PartialFact] = []
    dispatches: list[PartialDispatch] = []


class PartialStandingEvent(msgspec.Struct, frozen=True, gc=False, tag_field="kind", tag="standing"):
    """See schemas.casework.events.StandingEvent. The holds are read whole by `whole_holds`."""

    commit: PartialCommit
    input: str
    offset: int
    at: datetime
    policy: str
    holds: msgspec.Raw = msgspec.Raw(b"[]")
    anew: bool = False


class PartialUnchangedEvent(msgspec.Struct, frozen=True, gc=False, tag_field="kind", tag="unchanged"):
    """See schemas.casework.events.UnchangedEvent."""

    commit: PartialCommit
    offset: int
    at: datetime
    inputs: dict[str, datetime] = {}


PartialEntry = PartialCaseEvent | PartialStandingEvent | PartialUnchangedEvent


class _CaseAlone(msgspec.Struct, gc=False):
    """A case event of which only the case is asked for, as it is written there."""

    case: msgspec.Raw


_decoder = msgspec.json.Decoder(PartialEntry)
_cases = msgspec.json.Decoder(PartialCase)
_alone = msgspec.json.Decoder(_CaseAlone)


def decode(value: bytes) -> PartialEntry:
    """Read an entry. Raises ValueError (msgspec.ValidationError or DecodeError) for what is no journal entry."""
    entry: PartialEntry = _decoder.decode(value)
    return entry


def decode_case(value: bytes) -> PartialCase:
    """Read a case. Raises ValueError for what is no case."""
    case: PartialCase = _cases.decode(value)
    return case


def case_in(value: bytes) -> bytes:
    """Return the case's JSON in the JSON of a case event. Raises ValueError for what is no such event."""
    alone: _CaseAlone = _alone.decode(value)
    return bytes(alone.case)


def whole_holds(entry: PartialStandingEvent) -> list[Hold]:
    """The holds that a standing event states. Raises ValueError for what is no hold."""
    return [Hold.model_validate(each, extra="ignore") for each in msgspec.json.decode(entry.holds)]
