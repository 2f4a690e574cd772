"""A case: one resident's danger, the steps planned and taken against it, and the money."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from schemas.base import Fen, Model, Ref, Text, Token, When
from schemas.casework.books import Books, FormerFreeze
from schemas.casework.call_recordings import MOST_RECORDINGS, CallRecording
from schemas.casework.evidence_files import MOST_FILES, EvidenceFile
from schemas.casework.experiments import Assignments
from schemas.casework.frauds import MOST_FRAUDS, MOST_WARNINGS, GivenWarning, RecordedFraud
from schemas.casework.movements import MOST_MOVEMENTS, MOST_TRACED, StatedMovement
from schemas.casework.objections import MOST_OBJECTIONS, StopObjection
from schemas.casework.orders import StopOrder
from schemas.casework.own_account import MOST_KEPT_HOLDS, OwnHold
from schemas.casework.provinces import MOST_OFFERS, MOST_TAKEN, CaseOffer, TakenCase
from schemas.casework.reported import ReportedPayment
from schemas.casework.searches import MOST_SEARCHES, Search
from schemas.casework.third_parties import MOST_ADMITTED, AdmittedThirdParty
from schemas.codes.any_code import AnyCodeField
from schemas.codes.danger import DangerCodeField
from schemas.codes.replies import MOST_REPLIES
from schemas.levels import (
    Action,
    CallResult,
    Channel,
    EvidenceClass,
    Level,
    Outcome,
    OutcomeGround,
    Result,
    WeekAnswer,
)
from schemas.people.residents import (
    AssumedField,
    BalanceBand,
    DivisionCode,
    Flag,
    Language,
    Occupation,
    ResidentId,
    Sex,
)
from schemas.risk.evidence import PriorLoss, WatchStatus
from schemas.risk.signals import TransferState

MOST_REASONS = 32  # of a danger

CaseId = Annotated[str, StringConstraints(pattern=r"^r[a-z2-7]{16}-[1-9][0-9]{0,8}$")]
"""The resident's id and the case's number: `r…-1`."""


OwnAccounts = Annotated[list[Ref], Field(max_length=64)]
"""The resident's own accounts, as tokens."""

Household = Annotated[str, StringConstraints(pattern=r"^[a-z2-7]{26}$")]
"""The keyed hash of the address at which the resident lives."""


class CaseState(StrEnum):
    """The states of a case. All but `closed` are open; a resident has at most one open case. HANDED_OVER: another
    province handles the resident.
    """

    RAISED = "raised"
    CONTACTING = "contacting"
    IN_CONVERSATION = "in_conversation"
    VISIT_UNDER_WAY = "visit_under_way"
    DISSUADED = "dissuaded"
    NOT_PERSUADED = "not_persuaded"
    ALREADY_DEFRAUDED = "already_defrauded"
    FALSE_ALARM = "false_alarm"
    UNREACHABLE = "unreachable"
    HANDED_OVER = "handed_over"
    CLOSED = "closed"


SETTLED_STATES = frozenset({CaseState.DISSUADED, CaseState.FALSE_ALARM, CaseState.HANDED_OVER, CaseState.CLOSED})
"""The states in which nobody here contacts the resident any more, but for follow-ups and support."""


class Profile(Model):
    """The resident's attributes that the plan needs, without their identity. `contacts`: number of trusted contacts;
    `assumed`: the attributes that nobody has asked about, which are assumptions.
    """

    birth_year: Annotated[int, Field(ge=1800, le=2100)]
    sex: Sex
    occupation: Occupation
    division: DivisionCode
    language: Language
    balance: BalanceBand
    flags: frozenset[Flag] = frozenset()
    contacts: Annotated[int, Field(ge=0, le=8)] = 0
    minor: bool = False
    assumed: frozenset[AssumedField] = frozenset()


class StepState(StrEnum):
    """The states of a step. PENDING: not due yet; HELD: kept back by an outreach hold; PROPOSED: a stop order that
    waits for approval; SENT: waits for its result; WITHDRAWN: no longer needed; SKIPPED: replaced by a later or
    stronger step.

    The time `due` of a pending or held step is when it goes out, of a proposed step the deadline for the decision, and
    of a sent step the deadline for the result.
    """

    PENDING = "pending"
    HELD = "held"  # by a hold
    PROPOSED = "proposed"  # a stop order that waits for the approval of persons
    SENT = "sent"
    DONE = "done"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"  # no longer needed
    SKIPPED = "skipped"  # replaced by a later step


WAITING_STEPS = frozenset({StepState.PENDING, StepState.HELD, StepState.PROPOSED})
"""The states before a step goes out."""
LIVE_STEPS = WAITING_STEPS | {StepState.SENT}
"""The states of a step that has not ended."""


class Step(Model):
    """One step of the plan. `attempt` counts from 1; of a step that has ended, it is the latest attempt that was sent,
    0 if none was. `due`: the time by which the state must change; None: the step has ended.

    `not_after`: no dispatch of the step is carried out after this time. `wanted`: the original due time, if the contact
    budget postponed the step. `transfer`: the payment or traced account of a step for a bank. `contact`: the index of a
    trusted contact. `accepted`: of a visit, the latest attempt that an officer accepted; 0: none.
    """

    id: Token  # unique in the case: "red.operator"
    action: Action
    state: StepState
    due: When | None  # None once the step has ended
    attempt: Annotated[int, Field(ge=0)] = 1
    not_after: When | None = None
    wanted: When | None = None  # if put off by the contact budget: when it was first due
    transfer: str | None = None  # for a stop-payment: the signal's uid
    contact: int | None = None  # for a trusted contact: the index
    accepted: Annotated[int, Field(ge=0)] = 0
    results: list[Result] = Field(default_factory=list)
    because: AnyCodeField | None = None

    @property
    def attempts_sent(self) -> int:
        """The number of attempts that were sent: the present one only if the step does not wait."""
        return self.attempt - (self.state in WAITING_STEPS)


class Contacted(Model):
    """A contact with the resident, made by the step `step` at its attempt `attempt`.

    The contact counts in the contact budget until 24 hours after `at`; for the limits by the hour, until one hour after
    `at`.
    """

    at: When
    channel: Channel
    step: Token
    attempt: int


class DeskCall(Model):
    """The desk's latest call to the resident. `at`: when the call was answered, or ended unanswered; `ended_at`: when
    an answered call ended, None while it goes on.
    """

    result: CallResult
    at: When
    by: Text
    ended_at: When | None = None

    @property
    def answered(self) -> bool:
        """True if the resident answered the call, even if the conversation has ended since."""
        return self.result is CallResult.ANSWERED

    @property
    def goes_on(self) -> bool:
        """True if the conversation is going on."""
        return self.answered and self.ended_at is None


class StopState(StrEnum):
    """The states of a stop-payment. ASKED: requested, no answer yet; IN_FORCE: no money leaves the payee's account;
    REFUSED: by the bank; EXPIRED: its 48 hours are over; RELEASED: lifted by two persons, or the payment was cancelled
    in flight; RETURNED: the bank gave the money back; FROZEN: another authority has frozen the account.

    ASKED and IN_FORCE are open: the stop can be lifted. The others are final for that stop. A bank is asked at most
    twice to stop one account.
    """

    ASKED = "asked"  # requested, without an answer yet
    IN_FORCE = "in_force"  # no money leaves the payee's account before `until`
    REFUSED = "refused"  # the bank refused
    EXPIRED = "expired"  # the 48 hours are over
    RELEASED = "released"  # lifted by two persons, or the payment was cancelled in flight
    RETURNED = "returned"  # the bank returned the money, whether it had stopped the account or not
    FROZEN = "frozen"  # another authority has frozen the account, so it is stopped no more

    @property
    def open(self) -> bool:
        """True if the stop is requested or in force, so that it can be lifted."""
        return self in (StopState.ASKED, StopState.IN_FORCE)


class Stop(Model):
    """The stop on the payee's account of one payment. `times`: number of requests to the bank; 0: the bank stopped
    unasked.

    `until`: when the stop ends; None if it is not in force (a stop stays in force while its extension is requested);
    `there_fen`: how much of the payment was still in the account when the bank confirmed the stop; None if not stated.
    """

    state: StopState
    times: Annotated[int, Field(ge=0, le=2)] = 1
    until: When | None = None
    there_fen: Fen | None = None

    @property
    def in_force(self) -> bool:
        """True if the stop is in force: `until` is set, and no money leaves the account before it. The property does
        not compare `until` with the clock.
        """
        return self.until is not None


class Payment(Model):
    """A payment of the case. The payee is a token; the account number stays in the store of accounts.

    `watched`: the payee's status on the watchlist, as far as the case knows. `institution`: the payee's bank or payment
    institution. `reported`: a person's statement about the payment. `feed`: the uid of the feed's signal, for a
    reported payment that a feed delivered too.

    In `Case.traced`, a Payment is an account beyond the payees' that the resident's money reached by the movement
    `movement`, at `at`. `amount_fen`: the money that was still there when the latest order on the account was proposed.
    `came_fen`: the money that had come in when such an order was last open.
    """

    transfer: Ref  # the signal's uid; of a payment that was reported first, the report's
    payee: Annotated[str, Field(max_length=256)]
    amount_fen: Fen
    at: When
    state: TransferState
    watched: WatchStatus | None = None
    stop: Stop | None = None
    institution: Token | None = None
    reported: ReportedPayment | None = None
    feed: Ref | None = None
    movement: Annotated[str, Field(max_length=256)] | None = None  # its name: the payer's bank and its number there
    came_fen: Fen | None = None


class LossAvoided(Model):
    """Loss avoided by one transfer, in fen, with its evidence class. Each transfer counts once, under
    its best class.
    """

    evidence: EvidenceClass
    amount_fen: Fen


class Loss(Model):
    """A loss of the resident, in fen. `after_warning_days`: days between the latest warning and the loss; None if the
    resident had not been warned.
    """

    id: str
    amount_fen: Fen
    at: When
    after_warning_days: float | None = None


class WeekQuestion(Model):
    """The question to a dissuaded resident, a week later and by another channel, whether they have paid since. A case
    has one. `action`: how it was put (WEEK_CALL or WEEK_SMS), first at `asked_at`.

    `answer`: None while it waits. A later answer replaces NO_ANSWER and better news. `answered_at`: None without an
    answer of the resident.
    """

    asked_at: When
    action: Action
    answer: WeekAnswer | None = None
    answered_at: When | None = None


class Danger(Model):
    """The result of screening: the risk level with its reasons, the gravest first. `probability`: of fraud, 0 to 1.

    `exposure_fen`: an estimate of the possible loss: payments under way plus the usual loss of such a case.
    `call_since`: start of a suspicious call that is still going on, or None.
    """

    level: Level
    probability: Annotated[float, Field(ge=0, le=1)]
    exposure_fen: Fen
    scam_type: Token
    reasons: Annotated[list[DangerCodeField], Field(max_length=MOST_REASONS)]
    campaign: Text | None = None
    call_since: When | None = None  # start of a suspicious call still in progress


class Case(Model):
    """One resident's case in its current state."""

    id: CaseId
    resident: ResidentId
    number: Annotated[int, Field(ge=1)]
    version: Annotated[int, Field(ge=1)]
    policy: str  # digest of the policy under which it was last decided
    state: CaseState
    level: Level
    danger: Danger
    raised_by: str | None = None  # digest of the policy that found this danger; None once a person has confirmed it
    profile: Profile
    accounts: OwnAccounts = Field(default_factory=list)
    household: Household | None = None  # None: not known, or the address names no door
    opened_at: When
    updated_at: When
    steps: list[Step] = Field(default_factory=list)
    payments: list[Payment] = Field(default_factory=list)
    traced: list[Payment] = Field(default_factory=list, max_length=MOST_TRACED)  # accounts that the money reached
    orders: list[StopOrder] = Field(default_factory=list)
    objections: list[StopObjection] = Field(default_factory=list, max_length=MOST_OBJECTIONS)
    own_holds: list[OwnHold] = Field(default_factory=list, max_length=MOST_KEPT_HOLDS)
    movements: list[StatedMovement] = Field(default_factory=list, max_length=MOST_MOVEMENTS)  # of the payments' money
    files: list[EvidenceFile] = Field(default_factory=list, max_length=MOST_FILES)
    call_recordings: list[CallRecording] = Field(default_factory=list, max_length=MOST_RECORDINGS)
    searches: list[Search] = Field(default_factory=list, max_length=MOST_SEARCHES)  # for the resident; the latest last
    offers: list[CaseOffer] = Field(default_factory=list, max_length=MOST_OFFERS)  # to other provinces
    taken: list[TakenCase] = Field(default_factory=list, max_length=MOST_TAKEN)  # from other provinces
    replies: Annotated[int, Field(ge=0, le=MOST_REPLIES + 1)] = 0  # noted in its history
    replied_at: When | None = None  # when the latest reply came of which no operator has taken note
    wrong_number_at: When | None = None  # when a contact showed that the number is wrong, until an operator has seen it
    wants_no_messages: bool = False  # by a reply: no message is sent that no warning needs; also in later cases
    kept: dict[str, LossAvoided] = Field(default_factory=dict)  # by transfer
    frozen: dict[str, Fen] = Field(default_factory=dict)  # by transfer
    returned: dict[str, Fen] = Field(default_factory=dict)  # by transfer: what the bank has given back of it
    unfrozen: dict[str, Fen] = Field(default_factory=dict)  # by transfer: of what is frozen, what is free again
    unfrozen_beyond: dict[str, Fen] = Field(default_factory=dict)  # by transfer of a traced account
    former_freezes: dict[str, FormerFreeze] = Field(default_factory=dict)  # by transfer: before it was frozen anew
    frozen_beyond: dict[str, Fen] = Field(default_factory=dict)  # by transfer of a traced account
    returned_beyond: dict[str, Fen] = Field(default_factory=dict)  # likewise
    losses: list[Loss] = Field(default_factory=list)
    booked: Books = Field(default_factory=dict)  # what the case has changed in the books, by day
    booked_before: list[str] = Field(default_factory=list)  # transfers already booked in the resident's earlier cases
    outcome: Outcome | None = None
    ground: OutcomeGround | None = None  # what "dissuaded" rests on
    desk_call: DeskCall | None = None  # none: nobody has called since the danger, or since the latest outcome
    met_at: When | None = None  # when an officer met the resident without telling an outcome; ends as `desk_call` does
    # Who may join the desk's call that goes on, beside resident and operator.
    third_parties: list[AdmittedThirdParty] = Field(default_factory=list, max_length=MOST_ADMITTED)
    contacted: list[Contacted] = Field(default_factory=list)  # of the last day, of the resident's earlier case too
    warned_at: When | None = None  # the latest contact that reached the resident
    warnings: list[GivenWarning] = Field(
        default_factory=list, max_length=MOST_WARNINGS
    )  # of 120 days, earlier cases' too
    frauds: list[RecordedFraud] = Field(default_factory=list, max_length=MOST_FRAUDS)  # that the police recorded
    danger_at: When | None = None  # when graver danger, another payment or contact was last reported
    claimed_by: Text | None = None
    assigned_by: Text | None = None  # who gave the case to `claimed_by`, until that person has opened it
    offered_at: When | None = None  # since when a call is on the desk that nobody has taken
    script: Token | None = None  # the latest one used
    answers: dict[Token, Token] = Field(default_factory=dict)  # question -> answer
    returned_from: Text | None = None  # the operator whose claim expired last; None once somebody has claimed it again
    officer: Text | None = None
    experiments: Assignments = Field(default_factory=dict)  # its arms of randomised experiments
    settled_at: When | None = None  # when the resident was dissuaded or cleared; None while in danger
    closed_at: When | None = None
    talk_from: CaseState | None = None  # its state before a talk that a call after the plan led to, while open for that
    week: WeekQuestion | None = None  # put a week after the resident was dissuaded; None: not put yet
    prior_loss: PriorLoss | None = None  # the resident's latest loss, in this case or an earlier one

    @model_validator(mode="after")
    def _of_its_resident(self) -> Self:
        """Return the case. Raises ValueError if its id is not made of its resident's id and its number, because the
        case would be stored under another resident.
        """
        if self.id != f"{self.resident}-{self.number}":
            raise ValueError("a case's id is its resident's and its number")
        return self

    @property
    def open(self) -> bool:
        """True if the case is not closed."""
        return self.state is not CaseState.CLOSED

    @property
    def assigned(self) -> bool:
        """True if a supervisor has assigned the case to an operator (`claimed_by`) who has not opened it yet."""
        return self.claimed_by is not None and self.assigned_by is not None

    def same_objects(self, other: "Case", *fields: str) -> bool:
        """Return True if every field named in `fields` is the same object in both cases, and so cannot differ; True
        without fields.

        A decision on an input replaces only the objects that it changes. Raises AttributeError for an unknown field
        name.
        """
        return all(getattr(self, name) is getattr(other, name) for name in fields)

    @property
    def settled(self) -> bool:
        """True if the resident was dissuaded, the alarm was false, the case was handed over, or the case is closed.

        After that, only follow-ups, support calls and releases of stops still go out.
        """
        return self.state in SETTLED_STATES
