"""The case inputs, on the topic case-inputs. Their order there is authoritative; `at` is the time at which an input
happened.
"""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from schemas.base import Fen, Model, Note, Reason, Ref, Text, Token, When
from schemas.casework.acts import Act, OutcomeAct
from schemas.casework.cases import CaseId, Danger, Household, OwnAccounts, Payment, Profile
from schemas.casework.evidence_files import MOST_AT_ONCE, EvidenceFile
from schemas.casework.movements import MOST_STATED, OnwardMovement
from schemas.casework.objections import ObjectionGround, Objector
from schemas.casework.own_account import OwnHoldAnswerState
from schemas.casework.provinces import MOST_CONTACTS, ContactThere, ProvinceGround
from schemas.casework.searches import PlaceNumber, PlaceState
from schemas.codes.channels import ChannelCodeField
from schemas.codes.replies import ReplySender
from schemas.levels import Action, Channel, Result
from schemas.people.residents import DivisionCode, Resident, ResidentId
from schemas.people.staff import StaffRole
from schemas.risk.evidence import PriorLoss
from schemas.risk.reported_frauds import MatchedBy, MatchStrength, RecordVersion

MOST_PAYMENTS = 512  # of one alert: a policy's `bound` is at most this

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

    `accounts`: the resident's own accounts, as tokens; no bank is asked to stop one of them. `household`: None if the
    address names no door.
    """

    kind: Literal["alert"] = "alert"
    danger: Danger
    payments: list[Payment] = Field(default_factory=list, max_length=MOST_PAYMENTS)
    profile: Profile
    accounts: OwnAccounts = Field(default_factory=list)
    household: Household | None = None
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

    NOTIFIED and NOT_ACCEPTED are reported by the system, not by an officer (domain/visits/escalation).
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
        """Return the progress towards the door as a number: 0 assigned, 1 accepted, 2 on the way, 3 arrived. None for a
        stage that ends the officer's visit, and for a stage that the system reports (NOTIFIED, NOT_ACCEPTED).
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


class PlaceReport(_ForCase):
    """An officer's report on the place `number` of a search. `search`: the search's id; `state`: never OPEN. `outcome`:
    of the talk with the resident, only if the officer found them; else None. `told_at`: when it arrived, if the
    telephone kept it without a network; else None.
    """

    kind: Literal["place_report"] = "place_report"
    by: Text
    search: Token
    number: PlaceNumber
    state: PlaceState
    outcome: OutcomeAct | None = None
    told_at: When | None = None

    @model_validator(mode="after")
    def _reported(self) -> Self:
        if self.state is PlaceState.OPEN:
            raise ValueError("a report says whether the resident was there, or that nobody could look")
        if self.outcome is not None and self.state is not PlaceState.FOUND:
            raise ValueError("only who found the resident knows an outcome")
        return self


class Deadline(_ForCase):
    """States that the time `due` of a step has come. It has no effect if the step's due time has changed since."""

    kind: Literal["deadline"] = "deadline"
    step: Token
    due: When


class BankState(StrEnum):
    """The answers of a bank to a stop-payment. PENDING: it has the order and has not decided; CANCELLED: the payment
    was cancelled in flight; FROZEN: the money is frozen, which the end of the stop does not change; RELEASED: the stop
    was lifted; UNFROZEN: the freeze has ended, wholly or for a part of the money.
    """

    PENDING = "pending"
    IN_FORCE = "in_force"  # the payee's account is stopped; `amount_fen` of ours was still there
    REFUSED = "refused"
    CANCELLED = "cancelled"  # the payment was cancelled in flight
    FROZEN = "frozen"
    RETURNED = "returned"
    RELEASED = "released"
    UNFROZEN = "unfrozen"  # the freeze has ended, and the money is free; it does not change the stop


class BankFeedback(_ForCase):
    """A bank's feedback on a stop-payment.

    `amount_fen`: the part of the payment that was still in the account (IN_FORCE), frozen, returned, cancelled or freed
    from its freeze (UNFROZEN; 0: all of it); `until`: when the stop ends, or when the freeze ended (UNFROZEN); `bank`:
    the answering bank, None if the answer does not name it; `movements`: where the money went.
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
    """The resident was defrauded, as reported by them or the police. `transfer`: the uid of the payment that was lost;
    None if no payment is named.
    """

    kind: Literal["victim_report"] = "victim_report"
    amount_fen: Fen
    transfer: Ref | None = None


class FraudReport(_ForResident):
    """The police's records have a fraud whose victim is the resident. `record`: the record's id, `source:id`.
    `withdrawn`: this version of the record is not the resident's, or not a fraud.

    `happened_at`: the last payment, or the time of the report if the record states none (`dated` False); `loss_fen`:
    None if not stated; `by`, `strength`: how the record was matched to the resident.
    """

    kind: Literal["fraud_report"] = "fraud_report"
    record: Ref
    version: RecordVersion
    happened_at: When
    reported_at: When
    loss_fen: Fen | None = None
    scam_type: Token | None = None
    dated: bool
    by: MatchedBy
    strength: MatchStrength
    withdrawn: bool = False


class PaymentReport(_ForResident):
    """A victim, or somebody for them, reports a fraud and a payment. The case becomes red, and a stop order is
    proposed.

    `by`, `role`: who wrote the report down; they count as the order's asker. `payment`: None if the payee's account is
    not known; `note`: the reporter's words; `accounts`: the resident's own accounts, as tokens: no bank is asked to
    stop one.
    """

    kind: Literal["payment_report"] = "payment_report"
    by: Text
    role: StaffRole | None = None
    payment: Payment | None = None
    profile: Profile
    accounts: OwnAccounts = Field(default_factory=list)
    note: Note = ""


class ObjectStop(_ForCase):
    """Somebody (`who`) objects to a stop order or to a hold (`order`: its step's id or its id).

    `bank`: the bank through which the objection came, None if it was made at the centre; `by`: who wrote it down at the
    centre, None if a bank sent it; `receipt`: the bank's own number of it; `text`: the objector's words.
    """

    kind: Literal["object_stop"] = "object_stop"
    order: Token
    who: Objector
    bank: Token | None = None
    by: Text | None = None
    receipt: Annotated[str, Field(max_length=128)] = ""
    ground: ObjectionGround
    text: Note = ""


class TakeOver(_ForResident):
    """Another province hands over its case `other_case`. `both`: it was taken before, and no answer came in time.
    `ended`: so it was, but the sender has ended its part since. `crosses`: it was refused because it crosses an offer
    from here that goes before; it is only noted. `prior_loss`: the resident's latest loss, as the sender knows it.
    `person`, `guardian`: the register's entries to make, of a new resident and a minor's guardian; outside-inputs only.
    """

    kind: Literal["take_over"] = "take_over"
    province: Token
    offer: Ref
    other_case: CaseId
    ground: ProvinceGround
    danger: Danger
    payments: list[Payment] = Field(default_factory=list, max_length=MOST_PAYMENTS)
    profile: Profile
    accounts: OwnAccounts = Field(default_factory=list)
    contacts: list[ContactThere] = Field(default_factory=list, max_length=MOST_CONTACTS)
    prior_loss: PriorLoss | None = None
    both: bool = False
    ended: bool = False
    crosses: bool = False
    person: Resident | None = None
    guardian: Resident | None = None


class EvidenceReport(_ForCase):
    """A person (`by`: their login) added evidence files to the case. Their pictures are already on the topic
    evidence-files.
    """

    kind: Literal["evidence_report"] = "evidence_report"
    by: Text
    files: list[EvidenceFile] = Field(max_length=MOST_AT_ONCE)


class ResidentReply(_ForResident):
    """A telephone replied to a text message. `dispatch`: the latest message that went to the telephone; `sender`: whose
    telephone it is. The reply concerns the resident's latest case, even if the message was of an earlier one.
    """

    kind: Literal["resident_reply"] = "resident_reply"
    dispatch: Ref
    sender: ReplySender
    text: Note


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
    | PlaceReport
    | Deadline
    | BankFeedback
    | OwnHoldAnswer
    | VictimReport
    | FraudReport
    | PaymentReport
    | ObjectStop
    | TakeOver
    | EvidenceReport
    | ResidentReply
    | Erase
)
CaseInput = Annotated[ResidentInput | PolicyChange | HoldChange, Field(discriminator="kind")]

input_adapter: TypeAdapter[CaseInput] = TypeAdapter(CaseInput)
