"""What happened to a case: the journal, and the commands that follow from it."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from schemas.base import Fen, Model, Ref, Text, Token, When
from schemas.casework.cases import Case, CaseId, Payment
from schemas.casework.inputs import Hold
from schemas.codes.any_code import AnyCodeField
from schemas.levels import Action, Channel, EvidenceClass, Level, Result
from schemas.people.residents import Language, ResidentId

Offset = Annotated[int, Field(ge=-1, lt=2**53)]
"""A place on a partition, -1 before its first record. Redis' scripts count exactly up to 2^53."""


class Dispatch(Model):
    """A command to a channel. `id` is of case, step, attempt and channel: the same is never carried out twice."""

    id: Ref
    case: CaseId
    resident: ResidentId
    step: Token
    attempt: int
    action: Action
    level: Level
    at: When
    due: When  # when the step fell due: `at` minus `due` is the deadline's error
    not_after: When | None = None
    language: Language
    scam_type: Token
    campaign: Text | None = None
    contact: int | None = None
    payment: Payment | None = None
    division: str
    because: AnyCodeField
    signal_at: When | None = None  # of the alert it answers at once: the latency's start

    @property
    def channel(self) -> Channel:
        """The topic it goes to."""
        return self.action.channel


class FactKind(StrEnum):
    """One word for each thing that can happen."""

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
    KEPT = "kept"
    FROZEN = "frozen"
    LOST = "lost"
    CLAIMED = "claimed"
    UNCLAIMED = "unclaimed"
    NOTE = "note"
    REFUSED = "refused"  # an input that the case no longer allows, with the reason
    CLOSED = "closed"
    FORGOTTEN = "forgotten"  # the personal part of the case is gone


class Fact(Model):
    """One thing that happened, as a code (schemas/codes)."""

    kind: FactKind
    what: AnyCodeField
    step: Token | None = None
    action: Action | None = None
    result: Result | None = None
    evidence: EvidenceClass | None = None
    amount_fen: Fen | None = None
    limit: Token | None = None  # of the contact budget: "phone_hour"
    by: Text | None = None


class Commit(Model):
    """The commit that a journal entry belongs to: it proves which inputs were applied.

    `first`, `last`: the offsets of the first and the last input that the commit covered. `entries`: how many journal
    entries it made; a reader that has found fewer does not have the whole commit. `log`: how many logs of inputs were
    lost before this one. `code`: the hash of the code that decided.
    """

    first: Offset
    last: Offset
    entries: Annotated[int, Field(ge=1)]
    log: Annotated[int, Field(ge=0)] = 0
    code: str = ""


class CaseEvent(Model):
    """One input applied: the facts, the whole case after it, and the dispatches that follow."""

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
    """A partition's rules as they stand from here on: the policy in force and the holds."""

    kind: Literal["standing"] = "standing"
    commit: Commit
    input: str
    partition: int
    offset: Offset
    at: When
    policy: str
    holds: list[Hold] = Field(default_factory=list)
    anew: bool = False  # the log of inputs was made anew: offsets of entries before this one are of another log


class UnchangedEvent(Model):
    """The inputs of a commit that changed nothing, with the time of each, by id. `offset`: the commit's last input."""

    kind: Literal["unchanged"] = "unchanged"
    commit: Commit
    partition: int
    offset: Offset
    at: When
    inputs: dict[str, When]


JournalEntry = Annotated[CaseEvent | RulesEvent | UnchangedEvent, Field(discriminator="kind")]

journal_adapter: TypeAdapter[CaseEvent | RulesEvent | UnchangedEvent] = TypeAdapter(JournalEntry)
