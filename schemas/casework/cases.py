"""A case: one resident's danger, what is planned and done against it, and the money in it."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from schemas.base import Fen, Model, Ref, Text, Token, When
from schemas.codes.any_code import AnyCodeField
from schemas.codes.danger import DangerCodeField
from schemas.levels import Action, CallResult, Channel, EvidenceClass, Level, Outcome, OutcomeGround, Result
from schemas.people.residents import BalanceBand, DivisionCode, Flag, Language, Occupation, ResidentId, Sex
from schemas.risk.signals import TransferState

CaseId = Annotated[str, StringConstraints(pattern=r"^r[a-z2-7]{16}-[1-9][0-9]{0,8}$")]
"""The resident's id and the opening number: `r…-1`."""


class CaseState(StrEnum):
    """The life of a case. All but `closed` are open; a resident has one open case at most."""

    RAISED = "raised"
    CONTACTING = "contacting"
    IN_CONVERSATION = "in_conversation"
    VISIT_UNDER_WAY = "visit_under_way"
    DISSUADED = "dissuaded"
    NOT_PERSUADED = "not_persuaded"
    ALREADY_DEFRAUDED = "already_defrauded"
    FALSE_ALARM = "false_alarm"
    UNREACHABLE = "unreachable"
    CLOSED = "closed"


class Profile(Model):
    """What the plan must know of the resident, without saying who it is. `contacts`: how many trusted ones."""

    birth_year: Annotated[int, Field(ge=1800, le=2100)]
    sex: Sex
    occupation: Occupation
    division: DivisionCode
    language: Language
    balance: BalanceBand
    flags: frozenset[Flag] = frozenset()
    contacts: Annotated[int, Field(ge=0, le=8)] = 0
    minor: bool = False


class StepState(StrEnum):
    """Pending and held steps have a time at which they fall due, sent ones one by which a result is owed."""

    PENDING = "pending"
    HELD = "held"  # by a mute or the stop for all outgoing contact
    SENT = "sent"
    DONE = "done"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"  # the case no longer needs it
    SKIPPED = "skipped"  # overtaken by a later step


class Step(Model):
    """One step of the plan. `attempt` counts from 1; `due` is when the state must change at the latest."""

    id: Token  # unique in the case: "red.operator"
    action: Action
    state: StepState
    due: When | None  # none once the step has ended
    attempt: Annotated[int, Field(ge=1)] = 1
    not_after: When | None = None
    wanted: When | None = None  # of one that the contact budget has put off: when it fell due first
    transfer: str | None = None  # of a stop-payment: the signal's uid
    contact: int | None = None  # of a trusted contact: which
    results: list[Result] = Field(default_factory=list)
    because: AnyCodeField | None = None


class Contacted(Model):
    """A contact with the resident that went out: it counts in the contact budget for a day."""

    at: When
    channel: Channel
    step: Token
    attempt: int


class DeskCall(Model):
    """The desk's latest call to the resident. `at`: when it was answered, or was not; `ended_at`: of one answered."""

    result: CallResult
    at: When
    by: Text
    ended_at: When | None = None

    @property
    def answered(self) -> bool:
        """Whether the resident has talked, or talks still."""
        return self.result is CallResult.ANSWERED

    @property
    def goes_on(self) -> bool:
        """Whether the two talk now."""
        return self.answered and self.ended_at is None


class StopState(StrEnum):
    """A stop-payment's life: 48 hours each, at most twice for an account. It follows the bank's last word.

    `asked` and `in_force` are open: there is something to wait for, and to lift. The others are ends, though an
    account may be asked for once more after each.
    """

    ASKED = "asked"  # the bank has been asked, and has not said yet what it does
    IN_FORCE = "in_force"  # nothing leaves the payee's account until `until`
    REFUSED = "refused"  # the bank does not stop it
    EXPIRED = "expired"  # its 48 hours are over
    RELEASED = "released"  # lifted by two persons, or the payment was cancelled in flight
    RETURNED = "returned"  # the bank has given the money back, whether it had stopped the account before or not


class Stop(Model):
    """The stop on one payment's payee account."""

    state: StopState
    times: Annotated[int, Field(ge=1, le=2)] = 1
    until: When | None = None


class Payment(Model):
    """A payment the case is about. The payee is a token; the number itself stays in the store of accounts."""

    transfer: Ref  # the signal's uid
    payee: Annotated[str, Field(max_length=256)]
    amount_fen: Fen
    at: When
    state: TransferState
    stop: Stop | None = None


class Kept(Model):
    """Money that stayed with the resident: of each transfer each fen once, under its best evidence."""

    evidence: EvidenceClass
    amount_fen: Fen


class Loss(Model):
    """What the resident was defrauded of. `after_warning_days`: days since the latest warning, if there was one."""

    id: str
    amount_fen: Fen
    at: When
    after_warning_days: float | None = None


class Danger(Model):
    """What screening found: the measured risk and its reasons, gravest first."""

    level: Level
    probability: Annotated[float, Field(ge=0, le=1)]
    exposure_fen: Fen
    scam_type: Token
    reasons: Annotated[list[DangerCodeField], Field(max_length=32)]
    campaign: Text | None = None
    call_since: When | None = None  # a suspicious call that still goes on: the countdown


class Case(Model):
    """One case as it stands."""

    id: CaseId
    resident: ResidentId
    number: Annotated[int, Field(ge=1)]
    version: Annotated[int, Field(ge=1)]
    policy: str  # the content's hash of the policy under which it was last decided
    state: CaseState
    level: Level
    danger: Danger
    raised_by: str | None = None  # the hash of the policy that found the danger at this level; none once confirmed
    profile: Profile
    opened_at: When
    updated_at: When
    steps: list[Step] = Field(default_factory=list)
    payments: list[Payment] = Field(default_factory=list)
    kept: dict[str, Kept] = Field(default_factory=dict)  # by transfer
    frozen: dict[str, Fen] = Field(default_factory=dict)  # by transfer
    losses: list[Loss] = Field(default_factory=list)
    booked_before: list[str] = Field(default_factory=list)  # transfers in the books of this resident's earlier cases
    outcome: Outcome | None = None
    ground: OutcomeGround | None = None  # what "dissuaded" rests on
    desk_call: DeskCall | None = None  # none: nobody has called since the danger, or since the latest outcome
    met_at: When | None = None  # when an officer met the resident without telling an outcome; ends as `desk_call` does
    contacted: list[Contacted] = Field(default_factory=list)  # of the last day, of the resident's earlier case too
    warned_at: When | None = None  # the latest contact that reached the resident
    danger_at: When | None = None  # when graver danger, or more money moving, was told last
    claimed_by: Text | None = None
    offered_at: When | None = None  # since when a call is on the desk that nobody took
    script: Token | None = None  # by which the resident was asked last
    answers: dict[Token, Token] = Field(default_factory=dict)  # to its questions
    returned_from: Text | None = None  # whose claim ran out last; none once somebody has the case again
    officer: Text | None = None
    settled_at: When | None = None  # when the resident was dissuaded or cleared, none while in danger
    closed_at: When | None = None

    @model_validator(mode="after")
    def _of_its_resident(self) -> Self:
        """A case under another's id would be stored, and its deadlines fire, where nobody looks for it."""
        if self.id != f"{self.resident}-{self.number}":
            raise ValueError("a case's id is its resident's and its number")
        return self

    @property
    def open(self) -> bool:
        """Whether anything may still be done."""
        return self.state is not CaseState.CLOSED

    def shares(self, other: "Case", *fields: str) -> bool:
        """Whether these fields are the very same objects in both: a decision replaces what it changes, and no more."""
        return all(getattr(self, name) is getattr(other, name) for name in fields)

    @property
    def settled(self) -> bool:
        """Whether the resident was dissuaded or cleared: nothing more of the plan goes out, follow-ups apart."""
        return self.state in (CaseState.DISSUADED, CaseState.FALSE_ALARM, CaseState.CLOSED)
