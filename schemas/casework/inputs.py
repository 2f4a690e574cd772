"""The case inputs, on the topic case-inputs. Their order there is authoritative; `at` is the time at which an input
happened.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from schemas.base import Fen, Model, Note, Reason, Ref, Text, Token, When
from schemas.casework.cases import CaseId, Danger, OwnAccounts, Payment, Profile
from schemas.casework.evidence_files import MOST_AT_ONCE, EvidenceFile
from schemas.casework.movements import MOST_STATED, OnwardMovement
from schemas.casework.objections import DecideObjectionAct, ObjectionGround, Objector
from schemas.casework.orders import ApproveStopAct, DeclineStopAct, HandOverStopAct
from schemas.casework.own_account import (
    ApproveHoldAct,
    DeclineHoldAct,
    LiftHoldAct,
    OwnHoldAnswerState,
    ProposeHoldAct,
)
from schemas.codes.channels import ChannelCodeField
from schemas.levels import Action, Channel, EvidenceClass, Level, Outcome, OutcomeGround, Result
from schemas.people.calls import CallerRequest
from schemas.people.residents import DivisionCode, InterpreterLanguage, ResidentId
from schemas.people.staff import StaffRole

MOST_PAYMENTS = 512  # of one alert: a policy's `bound` is at most this
MOST_CLAIMS = 64  # in one conversation
MOST_ANSWERS = 64  # in one conversation: more than a script has


PolicyHash = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
"""A policy's digest: 16 hexadecimal digits."""


class _Input(Model):
    id: Ref  # deterministic: an id is applied once
    at: When


class _ForResident(_Input):
    resident: ResidentId


class _ForCase(_ForResident):
    case: CaseId


class Alert(_ForResident):
    """An alert: screening found a resident in danger, in graver danger, or with more payments.

    `accounts`: the resident's own accounts, as tokens; no bank is asked to stop one of them.
    """

    kind: Literal["alert"] = "alert"
    danger: Danger
    payments: list[Payment] = Field(default_factory=list, max_length=MOST_PAYMENTS)
    profile: Profile
    accounts: OwnAccounts = Field(default_factory=list)
    policy: PolicyHash | None = None  # the policy that found it
    signal_at: When  # arrival of the signal that raised it, for latency metrics


class ContactResult(_ForCase):
    """A result of a dispatch. One dispatch may have several results, such as sent, then delivered."""

    kind: Literal["contact_result"] = "contact_result"
    dispatch: Ref
    step: Token
    attempt: int
    action: Action
    result: Result
    why: ChannelCodeField | None = None


class LossAvoidedClaim(Model):
    """A person's report of loss avoided: for which transfer, of which evidence class, how many fen."""

    transfer: Ref
    evidence: EvidenceClass
    amount_fen: Fen


class OutcomeAct(Model):
    """A conversation ended with an outcome. `lost_fen`: money already lost; `complaint`: the complaint that led to it.

    `ground`: a person's ground for "dissuaded", needed if the case knows of no conversation and no visit. `recall`:
    True calls back an officer who is on the way to the resident; False lets the visit go on.
    """

    do: Literal["outcome"] = "outcome"
    outcome: Outcome
    ground: OutcomeGround | None = None
    recall: bool = False
    kept: list[LossAvoidedClaim] = Field(default_factory=list, max_length=MOST_CLAIMS)
    lost_fen: Fen = 0
    note: Note = ""
    complaint: Token | None = None


class LowerAct(Model):
    """Lower the case's level, with a reason."""

    do: Literal["lower"] = "lower"
    level: Level
    reason: Reason


class CallAgainAct(Model):
    """The resident asked to be called again at the time `when`."""

    do: Literal["call_again"] = "call_again"
    when: When


class SendOfficerAct(Model):
    """Send an officer to the resident."""

    do: Literal["send_officer"] = "send_officer"
    reason: Note


class AskStopAct(Model):
    """Ask the bank to stop a payment of the case. The asking person counts as an approver if the policy lets their role
    approve.
    """

    do: Literal["ask_stop"] = "ask_stop"
    transfer: Ref


class ReleaseStopAct(Model):
    """Lift a stop, for hardship or because the stop was wrong. `asked_by`: who requested the release; another person,
    the `by` of the report, approved it.

    The case refuses the act if `asked_by` is missing or the same person. A form or program only writes a request
    (schemas/channels/releases.py); this act is written when the request is approved. `request`: the request's id.
    """

    do: Literal["release_stop"] = "release_stop"
    transfer: Ref
    reason: Reason
    asked_by: Text | None = None
    request: Token | None = None


class NotifyContactAct(Model):
    """Notify a trusted contact of the resident now. `contact`: the contact's index in the register, from 0."""

    do: Literal["tell_contact"] = "tell_contact"
    contact: Annotated[int, Field(ge=0, le=7)]


class ClaimAct(Model):
    """An operator claims the case ("claim"), or no longer has it ("unclaim"): it was given back, or
    the claim expired.
    """

    do: Literal["claim", "unclaim"]
    ran_out: bool = False  # the claim expired


class AssignAct(Model):
    """A supervisor gives the case to an operator.

    `holder`: who had the case on the supervisor's screen (None: nobody); the act is refused if that has changed.
    `reason`: why the case is taken from its holder; None is allowed only for an unclaimed case.
    """

    do: Literal["assign"] = "assign"
    to: Annotated[Text, Field(min_length=1)]
    holder: Text | None = None
    reason: Reason | None = None


class NoteAct(Model):
    """A note on the case. `what`: its kind; the first four kinds state how the desk's call to the resident stands.

    `note`: a person's own words, or the link of a recording.
    """

    do: Literal["note"] = "note"
    what: Literal[
        "conversation",
        "conversation_ended",
        "busy",
        "no_answer",
        "code_confirmed",
        "three_way_call",
        "interpreter",
        "recording",
        "note",
    ]
    note: Note = ""
    language: InterpreterLanguage | None = None  # for which an interpreter is needed
    caller: CallerRequest | None = None  # for a caller's remark: what the caller of 96110 wanted
    complaint: Token | None = None  # the complaint that asks to lift a stop


class AnswersAct(Model):
    """The resident's answers to a script: question -> answer. `withdrawn`: the questions whose earlier answer no longer
    holds.
    """

    do: Literal["answers"] = "answers"
    script: Token
    answers: dict[Token, Token] = Field(default_factory=dict, max_length=MOST_ANSWERS)
    withdrawn: list[Token] = Field(default_factory=list, max_length=MOST_ANSWERS)


class ConfirmAct(Model):
    """A person confirms that the danger is real. Steps held back because of the policy that found the danger are
    released.
    """

    do: Literal["confirm"] = "confirm"
    reason: Reason


class CloseAct(Model):
    """Close the case. Remaining steps are withdrawn, except releases of stops. `hold`: the id of the hold whose
    dropping closes the case; None if a person closes it.
    """

    do: Literal["close"] = "close"
    reason: Reason
    hold: Token | None = None


Act = Annotated[
    OutcomeAct
    | LowerAct
    | CallAgainAct
    | SendOfficerAct
    | AskStopAct
    | ApproveStopAct
    | DeclineStopAct
    | HandOverStopAct
    | DecideObjectionAct
    | ProposeHoldAct
    | ApproveHoldAct
    | DeclineHoldAct
    | LiftHoldAct
    | ReleaseStopAct
    | NotifyContactAct
    | ClaimAct
    | AssignAct
    | NoteAct
    | AnswersAct
    | CloseAct
    | ConfirmAct,
    Field(discriminator="do"),
]


class OperatorReport(_ForCase):
    """An operator's act. `seen`: the version of the case on the operator's screen; `role`: the operator's, None for a
    program.

    An act on an outdated version is refused, which becomes a fact. Notes, answers, claims and decisions on a stop order
    are accepted on any version.
    """

    kind: Literal["operator_report"] = "operator_report"
    by: Text
    role: StaffRole | None = None
    seen: int
    act: Act


class VisitStage(StrEnum):
    """The stages of a visit. `refused`, `handed_over` and `not_accepted` cause another officer to be sent.

    NOTIFIED and NOT_ACCEPTED are told by the system, not by an officer (domain/visits/escalation).
    """

    ASSIGNED = "assigned"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    HANDED_OVER = "handed_over"  # the shift ends: to a colleague, or back to the desk
    ON_THE_WAY = "on_the_way"
    ARRIVED = "arrived"
    NOT_AT_HOME = "not_at_home"
    DONE = "done"
    NOTIFIED = "notified"  # the officer was told by push, text message or call
    NOT_ACCEPTED = "not_accepted"  # within the policy's times

    @property
    def distance(self) -> int | None:
        """The progress towards the door, 0 (assigned) to 3 (arrived); None for a stage that ends the
        officer's visit.
        """
        match self:
            case VisitStage.ASSIGNED:
                return 0
            case VisitStage.ACCEPTED:
                return 1
            case VisitStage.ON_THE_WAY:
                return 2
            case VisitStage.ARRIVED:
                return 3
            case VisitStage.REFUSED | VisitStage.HANDED_OVER | VisitStage.NOT_AT_HOME | VisitStage.DONE:
                return None
            case VisitStage.NOTIFIED | VisitStage.NOT_ACCEPTED:
                return None


TOLD_BY_SYSTEM = frozenset({VisitStage.NOTIFIED, VisitStage.NOT_ACCEPTED})


class Checklist(Model):
    """The checklist 四查看 三询问 一保护: four things to check, three to ask, one to protect."""

    calls_and_sms: bool = False
    chats: bool = False
    scam_apps: bool = False
    large_transfers: bool = False
    reason_asked: bool = False
    payee_known_asked: bool = False
    told_by_whom_asked: bool = False
    account_protected: bool = False


class OfficerReport(_ForCase):
    """A report of an officer or grid worker on a visit."""

    kind: Literal["officer_report"] = "officer_report"
    by: Text
    dispatch: Ref
    step: Token
    attempt: int
    stage: VisitStage
    because: ChannelCodeField | None = None  # why this officer was chosen
    place: DivisionCode | None = None  # coarse: the street or township, never a position
    checklist: Checklist | None = None
    outcome: OutcomeAct | None = None
    note: Note = ""
    to: Text | None = None  # for `handed_over`: the colleague who goes instead
    told_at: When | None = None  # if it was kept without a network: when it arrived


class Deadline(_ForCase):
    """States that the time `due` of a step has come. It has no effect if the step's due time has changed since."""

    kind: Literal["deadline"] = "deadline"
    step: Token
    due: When


class BankState(StrEnum):
    """The answers of a bank to a stop-payment. CANCELLED: the payment was cancelled in flight; RELEASED: the stop was
    lifted.
    """

    IN_FORCE = "in_force"  # the payee's account is stopped; `amount_fen` of ours was still there
    REFUSED = "refused"
    CANCELLED = "cancelled"  # the payment was cancelled in flight
    FROZEN = "frozen"
    RETURNED = "returned"
    RELEASED = "released"


class BankFeedback(_ForCase):
    """A bank's feedback on a stop-payment.

    `amount_fen`: the part of the payment that was still in the account (IN_FORCE), frozen, returned or cancelled;
    `until`: when the stop ends; `bank`: the answering bank, None if the answer does not name it; `movements`: where the
    money went.
    """

    kind: Literal["bank_feedback"] = "bank_feedback"
    dispatch: Ref
    transfer: Ref
    state: BankState
    amount_fen: Fen = 0
    until: When | None = None
    bank: Token | None = None
    movements: list[OnwardMovement] = Field(default_factory=list, max_length=MOST_STATED)


class OwnHoldAnswer(_ForCase):
    """A bank's answer to an order about the resident's own account. `step`: of the order that it answers; `until`: when
    the bank ends the hold, if sooner than ordered; `bank`: who answers.
    """

    kind: Literal["own_hold_answer"] = "own_hold_answer"
    dispatch: Ref
    step: Token
    state: OwnHoldAnswerState
    until: When | None = None
    bank: Token | None = None


class VictimReport(_ForResident):
    """The resident was defrauded, as reported by them or the police."""

    kind: Literal["victim_report"] = "victim_report"
    amount_fen: Fen
    transfer: Ref | None = None


class PaymentReport(_ForResident):
    """A victim, or somebody for them, reports a fraud and a payment. The case becomes red, and a stop order is
    proposed.

    `by`, `role`: who wrote the report down; they count as the order's asker. `payment`: None if the payee's account is
    not known; `note`: the reporter's words; `accounts`: the resident's own accounts, as in Alert.
    """

    kind: Literal["payment_report"] = "payment_report"
    by: Text
    role: StaffRole | None = None
    payment: Payment | None = None
    profile: Profile
    accounts: OwnAccounts = Field(default_factory=list)
    note: Note = ""


class ObjectStop(_ForCase):
    """Somebody objects to a stop order (`order`: its step's id), through a bank or at the centre. Fields as in
    StopObjection.
    """

    kind: Literal["object_stop"] = "object_stop"
    order: Token
    who: Objector
    bank: Token | None = None
    by: Text | None = None
    receipt: Annotated[str, Field(max_length=128)] = ""
    ground: ObjectionGround
    text: Note = ""


class EvidenceReport(_ForCase):
    """A person added evidence files to the case. Their pictures are already on the topic evidence-files."""

    kind: Literal["evidence_report"] = "evidence_report"
    by: Text
    files: list[EvidenceFile] = Field(max_length=MOST_AT_ONCE)


class Erase(_ForResident):
    """Delete the personal data of the resident's latest case. The case must have ended, else the input is refused."""

    kind: Literal["forget"] = "forget"
    by: Text


class PolicyChange(_Input):
    """This partition decides by the policy `policy` (its hash) from this input on. Written to every partition."""

    kind: Literal["policy_change"] = "policy_change"
    policy: PolicyHash
    by: Text
    reason: Note = ""


class Hold(Model):
    """An outreach hold: contacts that match all its criteria are held back; a hold without criteria holds back every
    contact.

    `spare_red`: red cases are exempt; `area`: the first digits of the resident's division; `policy`: only cases whose
    danger this policy found.
    """

    id: Token
    until: When
    reason: Reason
    by: Text
    spare_red: bool = False
    channel: Channel | None = None
    action: Action | None = None  # and so the message template
    scam_type: Token | None = None
    campaign: Text | None = None
    area: Annotated[str, Field(pattern=r"^[0-9]{0,9}$")] | None = None  # first digits of a division code
    policy: PolicyHash | None = None  # that found the danger


class HoldChange(_Input):
    """A hold begins (`lift` None) or is lifted. "release" sends out the steps that were held back, "drop" cancels them.

    Written to every partition.
    """

    kind: Literal["hold_change"] = "hold_change"
    hold: Hold
    lift: Literal["release", "drop"] | None = None


ResidentInput = (
    Alert
    | ContactResult
    | OperatorReport
    | OfficerReport
    | Deadline
    | BankFeedback
    | OwnHoldAnswer
    | VictimReport
    | PaymentReport
    | ObjectStop
    | EvidenceReport
    | Erase
)
CaseInput = Annotated[ResidentInput | PolicyChange | HoldChange, Field(discriminator="kind")]

input_adapter: TypeAdapter[CaseInput] = TypeAdapter(CaseInput)
