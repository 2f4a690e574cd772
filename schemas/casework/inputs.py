"""What happens to a case, from outside: the topic case-inputs. Its order is the truth, `at` the time in force."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from schemas.base import Fen, Model, Note, Reason, Ref, Text, Token, When
from schemas.casework.cases import CaseId, Danger, Payment, Profile
from schemas.codes.channels import ChannelCodeField
from schemas.levels import Action, Channel, EvidenceClass, Level, Outcome, OutcomeGround, Result
from schemas.people.calls import CallerRequest
from schemas.people.residents import DivisionCode, InterpreterLanguage, ResidentId

MOST_PAYMENTS = 512  # of one alert: evidence is bounded by a policy's `bound`, which is no more
MOST_CLAIMS = 64  # of one conversation
MOST_ANSWERS = 64  # of one conversation: more than a script and the markers have


PolicyHash = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
"""A policy's name: the hash of its content."""


class _Input(Model):
    id: Ref  # deterministic: what was applied once is not applied again
    at: When


class _ForResident(_Input):
    resident: ResidentId


class _ForCase(_ForResident):
    case: CaseId


class Alert(_ForResident):
    """Screening found a resident in danger, in graver danger, or with more money moving."""

    kind: Literal["alert"] = "alert"
    danger: Danger
    payments: list[Payment] = Field(default_factory=list, max_length=MOST_PAYMENTS)
    profile: Profile
    policy: PolicyHash | None = None  # by which it was found
    signal_at: When  # arrival of the signal that raised it: the latency's start


class ContactResult(_ForCase):
    """What came of a dispatch. Several may follow one another: sent, then delivered."""

    kind: Literal["contact_result"] = "contact_result"
    dispatch: Ref
    step: Token
    attempt: int
    action: Action
    result: Result
    why: ChannelCodeField | None = None


class KeptClaim(Model):
    """Somebody states that money was kept: of which transfer, how much, by which evidence."""

    transfer: Ref
    evidence: EvidenceClass
    amount_fen: Fen


class OutcomeAct(Model):
    """A conversation ended. `lost_fen`: what is already gone; `complaint`: that it follows from.

    `ground`: what "dissuaded" rests on where the case knows of no talk and no visit. `recall`: whoever is on the way to
    the resident is called back; else the visit goes on.
    """

    do: Literal["outcome"] = "outcome"
    outcome: Outcome
    ground: OutcomeGround | None = None
    recall: bool = False
    kept: list[KeptClaim] = Field(default_factory=list, max_length=MOST_CLAIMS)
    lost_fen: Fen = 0
    note: Note = ""
    complaint: Token | None = None


class LowerAct(Model):
    """The level is lowered, by name and with a reason."""

    do: Literal["lower"] = "lower"
    level: Level
    reason: Reason


class CallAgainAct(Model):
    """The resident asked to be called at a time."""

    do: Literal["call_again"] = "call_again"
    when: When


class SendOfficerAct(Model):
    """Somebody must go there."""

    do: Literal["send_officer"] = "send_officer"
    reason: Note


class AskStopAct(Model):
    """Ask the bank to stop a payment of the case."""

    do: Literal["ask_stop"] = "ask_stop"
    transfer: Ref


class ReleaseStopAct(Model):
    """Lift a stop: hardship, or it was wrong. Of two persons `asked_by` is the first, who reports it the second.

    Without the first, or when both are one, it is refused. What a form or a program sends is a request (schemas/
    releases): whom it names as the first counts for nothing, and the case is told when another approves.
    `request`: its id.
    """

    do: Literal["release_stop"] = "release_stop"
    transfer: Ref
    reason: Reason
    asked_by: Text | None = None
    request: Token | None = None


class TellContactAct(Model):
    """Tell a trusted contact now."""

    do: Literal["tell_contact"] = "tell_contact"
    contact: Annotated[int, Field(ge=0, le=7)]


class ClaimAct(Model):
    """An operator takes the case, or loses it again (the lease ran out, or he gave it back)."""

    do: Literal["claim", "unclaim"]
    ran_out: bool = False  # nobody renewed the lease


class NoteAct(Model):
    """Something was said, or asked for at the door: `what` tells; the first four say how the desk's call stands.

    `note` is a person's own words, or a link.
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
    language: InterpreterLanguage | None = None  # that an interpreter is asked for
    caller: CallerRequest | None = None  # of a remark: what the caller of 96110 wanted who made it
    complaint: Token | None = None  # of a remark: the complaint that asks to lift a stop


class AnswersAct(Model):
    """What the resident answered to a script's questions, by question; `withdrawn`: questions whose answer is none."""

    do: Literal["answers"] = "answers"
    script: Token
    answers: dict[Token, Token] = Field(default_factory=dict, max_length=MOST_ANSWERS)
    withdrawn: list[Token] = Field(default_factory=list, max_length=MOST_ANSWERS)


class ConfirmAct(Model):
    """A person has looked: the danger is real, whatever policy found it. What its policy's hold kept back goes out."""

    do: Literal["confirm"] = "confirm"
    reason: Reason


class CloseAct(Model):
    """The case ends; follow-ups that are still to come are withdrawn. `hold`: that was dropped, with its reason."""

    do: Literal["close"] = "close"
    reason: Reason
    hold: Token | None = None


Act = Annotated[
    OutcomeAct
    | LowerAct
    | CallAgainAct
    | SendOfficerAct
    | AskStopAct
    | ReleaseStopAct
    | TellContactAct
    | ClaimAct
    | NoteAct
    | AnswersAct
    | CloseAct
    | ConfirmAct,
    Field(discriminator="do"),
]


class OperatorReport(_ForCase):
    """What an operator did. `seen`: the case's version on the screen; an older one is refused, not lost."""

    kind: Literal["operator_report"] = "operator_report"
    by: Text
    seen: int
    act: Act


class VisitStage(StrEnum):
    """How far an officer has come. `refused`, `handed_over` and `late` send the next one."""

    ASSIGNED = "assigned"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    HANDED_OVER = "handed_over"  # the shift ends: to a colleague, or back to the desk
    ON_THE_WAY = "on_the_way"
    ARRIVED = "arrived"
    NOT_AT_HOME = "not_at_home"
    DONE = "done"

    @property
    def distance(self) -> int | None:
        """Return how far the officer has come on the way to the door, from 0; None for a stage that ends the visit."""
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


class Checklist(Model):
    """四查看 三询问 一保护: four looks, three questions, one protection."""

    calls_and_sms: bool = False
    chats: bool = False
    scam_apps: bool = False
    large_transfers: bool = False
    reason_asked: bool = False
    payee_known_asked: bool = False
    told_by_whom_asked: bool = False
    account_protected: bool = False


class OfficerReport(_ForCase):
    """What an officer or grid worker did at the door."""

    kind: Literal["officer_report"] = "officer_report"
    by: Text
    dispatch: Ref
    step: Token
    attempt: int
    stage: VisitStage
    because: ChannelCodeField | None = None  # why this officer goes
    place: DivisionCode | None = None  # coarse: the street or township, never a position
    checklist: Checklist | None = None
    outcome: OutcomeAct | None = None
    note: Note = ""
    to: Text | None = None  # of one handed over: the colleague who is to go
    told_at: When | None = None  # of one that was kept while there was no network: when it came


class Deadline(_ForCase):
    """A step's time has come. `due` is the time it stood at: a step moved since is not meant."""

    kind: Literal["deadline"] = "deadline"
    step: Token
    due: When


class BankState(StrEnum):
    """What a bank answers to a stop-payment."""

    IN_FORCE = "in_force"  # the payee's account is stopped; `amount_fen` of ours was still there
    REFUSED = "refused"
    CANCELLED = "cancelled"  # the payment was caught in flight
    FROZEN = "frozen"
    RETURNED = "returned"
    RELEASED = "released"


class BankFeedback(_ForCase):
    """A bank's feedback message."""

    kind: Literal["bank_feedback"] = "bank_feedback"
    dispatch: Ref
    transfer: Ref
    state: BankState
    amount_fen: Fen = 0
    until: When | None = None


class VictimReport(_ForResident):
    """The resident was defrauded, told by himself or the police."""

    kind: Literal["victim_report"] = "victim_report"
    amount_fen: Fen
    transfer: Ref | None = None


class Forget(_ForResident):
    """The resident's data are to be destroyed: of the latest case, which must have ended, the personal part goes."""

    kind: Literal["forget"] = "forget"
    by: Text


class PolicyChange(_Input):
    """From here on this partition decides by another policy. Written to every partition."""

    kind: Literal["policy_change"] = "policy_change"
    policy: PolicyHash
    by: Text
    reason: Note = ""


class Hold(Model):
    """A mute, or (with nothing named) the stop for all outgoing contact. What it names must all fit."""

    id: Token
    until: When
    reason: Reason
    by: Text
    spare_red: bool = False
    channel: Channel | None = None
    action: Action | None = None  # the template
    scam_type: Token | None = None
    campaign: Text | None = None
    area: Annotated[str, Field(pattern=r"^[0-9]{0,9}$")] | None = None  # the beginning of a division code
    policy: PolicyHash | None = None  # by which the danger was found


class HoldChange(_Input):
    """A hold begins, or is lifted: what it held back is let go or dropped. Written to every partition."""

    kind: Literal["hold_change"] = "hold_change"
    hold: Hold
    lift: Literal["release", "drop"] | None = None


CaseInput = Annotated[
    Alert
    | ContactResult
    | OperatorReport
    | OfficerReport
    | Deadline
    | BankFeedback
    | VictimReport
    | Forget
    | PolicyChange
    | HoldChange,
    Field(discriminator="kind"),
]
ResidentInput = Alert | ContactResult | OperatorReport | OfficerReport | Deadline | BankFeedback | VictimReport | Forget

input_adapter: TypeAdapter[CaseInput] = TypeAdapter(CaseInput)
