"""The journal's entries about a case, and the dispatches that follow."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from schemas.base import Fen, Model, Ref, Text, Token, When
from schemas.casework.cases import Case, CaseId, Payment
from schemas.casework.inputs import Hold
from schemas.casework.own_account import OwnHold
from schemas.codes.any_code import AnyCodeField
from schemas.levels import Action, Channel, EvidenceClass, Level, Result
from schemas.people.residents import Language, ResidentId

Offset = Annotated[int, Field(ge=-1, lt=2**53)]
"""An offset in a partition; -1: before the first record. Redis's scripts are exact up to 2^53."""


class Dispatch(Model):
    """A command to a channel. `id` consists of case, step, attempt and channel: the channel carries
    out each id once.
    """

    id: Ref
    case: CaseId
    resident: ResidentId
    step: Token
    attempt: int
    action: Action
    level: Level
    at: When
    due: When  # when the step was due: `at` minus `due` is its delay
    not_after: When | None = None
    language: Language
    scam_type: Token
    campaign: Text | None = None
    contact: int | None = None
    payment: Payment | None = None
    own_hold: OwnHold | None = None  # of a hold on the resident's own account
    division: str
    because: AnyCodeField
    signal_at: When | None = None  # arrival of the signal whose alert it answers at once, for latency metrics

    @property
    def channel(self) -> Channel:
        """The channel that carries out the dispatch."""
        return self.action.channel


class FactKind(StrEnum):
    """The kinds of facts about a case."""

    OPENED = "opened"
    REOPENED = "reopened"
    EVIDENCE = "evidence"
    LEVEL_RAISED = "level_raised"
    LEVEL_LOWERED = "level_lowered"
    STATE = "state"
    DISPATCHED = "dispatched"
    HELD = "held"
    RELEASED = "released"
    PUT_OFF = "put_off"  # by the contact budget
    DROPPED = "dropped"
    SKIPPED = "skipped"
    WITHDRAWN = "withdrawn"
    RESULT = "result"
    STEP_DONE = "step_done"
    STEP_FAILED = "step_failed"
    VISIT = "visit"
    STOP = "stop"
    STOP_REMINDER = "stop_reminder"
    OBJECTION = "objection"  # to a stop order, and its review
    OWN_ACCOUNT = "own_account"  # a hold on the resident's own account
    KEPT = "kept"
    FROZEN = "frozen"
    LOST = "lost"
    CLAIMED = "claimed"
    UNCLAIMED = "unclaimed"
    NOTE = "note"
    REFUSED = "refused"  # an input that the case does not allow, with the reason
    CLOSED = "closed"
    FORGOTTEN = "forgotten"  # the personal data was deleted


class Fact(Model):
    """One thing that happened to a case, as a code (schemas/codes)."""

    kind: FactKind
    what: AnyCodeField
    step: Token | None = None
    action: Action | None = None
    result: Result | None = None
    evidence: EvidenceClass | None = None
    amount_fen: Fen | None = None
    limit: Token | None = None  # of the contact budget, such as "phone_hour"
    by: Text | None = None


class Commit(Model):
    """The commit that a journal entry belongs to: proof of which inputs were applied.

    `first`, `last`: offsets of the commit's first and last input. `entries`: number of its journal entries; a reader
    that has read fewer does not have the whole commit. `log`: how often the input log was lost before. `code`: hash of
    the code that made the decisions.
    """

    first: Offset
    last: Offset
    entries: Annotated[int, Field(ge=1)]
    log: Annotated[int, Field(ge=0)] = 0
    code: str = ""


class CaseEvent(Model):
    """One applied input: the facts, the whole case after the input, and the dispatches that it causes."""

    kind: Literal["case"] = "case"
    commit: Commit
    id: str
    input: str
    input_kind: Token
    partition: int
    offset: Offset
    at: When
    case: Case
    facts: list[Fact]
    dispatches: list[Dispatch] = Field(default_factory=list)


class RulesEvent(Model):
    """The rules of a partition from this offset on: the policy in force (its digest) and the holds."""

    kind: Literal["standing"] = "standing"
    commit: Commit
    input: str
    partition: int
    offset: Offset
    at: When
    policy: str
    holds: list[Hold] = Field(default_factory=list)
    anew: bool = False  # the input log was recreated: offsets of earlier entries belong to another log


class UnchangedEvent(Model):
    """The inputs of a commit that changed nothing: input id -> time of the input. `offset`: of the
    commit's last input.
    """

    kind: Literal["unchanged"] = "unchanged"
    commit: Commit
    partition: int
    offset: Offset
    at: When
    inputs: dict[str, When]


JournalEntry = Annotated[CaseEvent | RulesEvent | UnchangedEvent, Field(discriminator="kind")]

journal_adapter: TypeAdapter[CaseEvent | RulesEvent | UnchangedEvent] = TypeAdapter(JournalEntry)
