"""Journal entries with only the fields that recovery needs, at a tenth of the cost of parsing whole entries.

A store is rebuilt from millions of entries, but only each case's last version is needed whole. Fields have the names of
those in schemas/casework/events.py and cases.py, so that the functions that count events accept both.
"""

from datetime import datetime
from typing import TypeVar

import msgspec
from pydantic import TypeAdapter

from schemas.casework.cases import SETTLED_STATES, CaseState, StepState
from schemas.casework.events import Commit, FactKind
from schemas.casework.inputs import Hold
from schemas.codes.any_code import AnyCode, AnyCodeField
from schemas.levels import Action, Level, OutcomeGround, Result

_CODE: TypeAdapter[AnyCode] = TypeAdapter(AnyCodeField)


class PartialCommit(msgspec.Struct, frozen=True, gc=False):
    """The commit that a journal entry belongs to, with the fields of schemas.casework.events.Commit."""

    first: int
    last: int
    entries: int
    log: int = 0
    code: str = ""
    topic: str = ""


AnyCommit = Commit | PartialCommit


class PartialStep(msgspec.Struct, frozen=True, gc=False):
    """The fields of schemas.casework.cases.Step that counting needs."""

    id: str
    action: Action
    state: StepState
    due: datetime | None = None
    attempt: int = 1


class PartialCase(msgspec.Struct, frozen=True, gc=False):
    """The fields of schemas.casework.cases.Case that counting needs."""

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
        """True if the resident was dissuaded, the alarm was false, the case was handed over, or the case is closed."""
        return self.state in SETTLED_STATES


class PartialFact(msgspec.Struct, frozen=True, gc=False):
    """The fields of schemas.casework.events.Fact that counting needs."""

    kind: FactKind
    action: Action | None = None
    result: Result | None = None
    limit: str | None = None
    code: msgspec.Raw = msgspec.field(name="what", default=msgspec.Raw(b""))

    @property
    def what(self) -> AnyCode:
        """Return the fact's code. The raw JSON is parsed at each access, because the codes of only a few facts are
        needed. Raises ValidationError (a ValueError) if the fact has no code, or an unknown or invalid one.
        """
        found: AnyCode = _CODE.validate_json(bytes(self.code))
        return found


class PartialDispatch(msgspec.Struct, frozen=True, gc=False):
    """A dispatch of which only the id is read."""

    id: str


class PartialCaseEvent(msgspec.Struct, frozen=True, gc=False, tag_field="kind", tag="case"):
    """One applied input of a case, with the fields of schemas.casework.events.CaseEvent that counting needs."""

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
    """The policy and the holds of a partition from this offset on, with fields of schemas.casework.events.RulesEvent.

    `holds`: raw JSON, parsed by `read_holds`; `anew`: the input log was recreated, so earlier offsets belong to another
    log; `moved`: the number of entries after this one that come from other partitions.
    """

    commit: PartialCommit
    input: str
    offset: int
    at: datetime
    policy: str
    holds: msgspec.Raw = msgspec.Raw(b"[]")
    anew: bool = False
    moved: int | None = None


class PartialUnchangedEvent(msgspec.Struct, frozen=True, gc=False, tag_field="kind", tag="unchanged"):
    """The inputs of a commit that changed nothing: the time of each input by its id, as in
    schemas.casework.events.UnchangedEvent.
    """

    commit: PartialCommit
    offset: int
    at: datetime
    inputs: dict[str, datetime] = {}


PartialEntry = PartialCaseEvent | PartialStandingEvent | PartialUnchangedEvent


Decoded = TypeVar("Decoded")


class _CaseAlone(msgspec.Struct, gc=False):
    """A case event of which only the case is read, as raw JSON."""

    case: msgspec.Raw


_decoder = msgspec.json.Decoder(PartialEntry)
_cases = msgspec.json.Decoder(PartialCase)
_alone = msgspec.json.Decoder(_CaseAlone)


def decode(value: bytes) -> PartialEntry:
    """Return the journal entry in the JSON text `value`: a case event, a rules event or an event that changed nothing.

    Raises msgspec.ValidationError if `value` is not a journal entry, msgspec.DecodeError if it is not valid JSON or
    nested too deep, and UnicodeDecodeError if a text in it is not UTF-8 (all three are ValueErrors).
    """
    entry: PartialEntry = _decoded(_decoder, value)
    return entry


def decode_case(value: bytes) -> PartialCase:
    """Return the case in the JSON text `value`, with only the fields that counting needs.

    Raises msgspec.ValidationError if `value` is not a case, msgspec.DecodeError if it is not valid JSON or nested too
    deep, and UnicodeDecodeError if a text in it is not UTF-8 (all three are ValueErrors).
    """
    case: PartialCase = _decoded(_cases, value)
    return case


def case_in(value: bytes) -> bytes:
    """Return the JSON of the case within the JSON of a case event, unparsed: it may be no valid case. Raises
    msgspec.DecodeError if the event is not valid JSON or nested too deep, and its subclass msgspec.ValidationError if
    the event has no case (both are ValueErrors).
    """
    alone: _CaseAlone = _decoded(_alone, value)
    return bytes(alone.case)


def read_holds(entry: PartialStandingEvent) -> list[Hold]:
    """Parse and return the outreach holds of a rules event, in the order of its JSON; empty if it has none. Raises
    ValueError if the JSON or one of the holds is invalid.
    """
    return [Hold.model_validate(each, extra="ignore") for each in msgspec.json.decode(entry.holds)]


def _decoded(decoder: "msgspec.json.Decoder[Decoded]", value: bytes) -> Decoded:
    try:
        return decoder.decode(value)
    except RecursionError:
        raise msgspec.DecodeError("the JSON is nested too deep") from None
