"""Acts of people on a case, as an operator's report (inputs.py) carries them."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.base import Fen, Model, Note, Reason, Ref, Text, Token, When
from schemas.casework.call_recordings import RecordedCallAct
from schemas.casework.objections import DecideObjectionAct
from schemas.casework.orders import ApproveStopAct, DeclineStopAct, EndFreezeAct, HandOverStopAct
from schemas.casework.own_account import (
    ApproveHoldAct,
    DeclineHoldAct,
    DelayOutgoingAct,
    EndDelayAct,
    LiftHoldAct,
    ProposeHoldAct,
)
from schemas.casework.provinces import EndHereAct, OfferCaseAct
from schemas.casework.searches import StartSearchAct, StopSearchAct
from schemas.casework.third_parties import AdmitThirdPartyAct, ThirdPartyAct
from schemas.levels import EvidenceClass, Level, Outcome, OutcomeGround, SupportOutcome, WeekAnswer
from schemas.people.calls import CallerRequest
from schemas.people.residents import InterpreterLanguage

MOST_CLAIMS = 64  # in one conversation
MOST_ANSWERS = 64  # in one conversation: more than a script has


class LossAvoidedClaim(Model):
    """A person's report of loss avoided: for which transfer, of which evidence class, how many fen."""

    transfer: Ref
    evidence: EvidenceClass
    amount_fen: Fen


class OutcomeAct(Model):
    """A conversation ended with an outcome. `lost_fen`: money already lost; `kept`: the payments that were not made or
    were undone, which the person reports as loss avoided; `complaint`: the id of the complaint that led to it.

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
    """Ask the bank to stop a payment of the case (`transfer`: its uid in the case). The asking person counts as an
    approver if the policy lets their role approve.
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
    """An operator claims the case ("claim"), or no longer has it ("unclaim"): they gave it back, or their claim
    expired.
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


class HandOverCallAct(Model):
    """The operator in the desk's call has transferred it to the colleague `to`, who has the case then too, if the
    operator had claimed it.
    """

    do: Literal["hand_over_call"] = "hand_over_call"
    to: Annotated[Text, Field(min_length=1)]


class NoteAct(Model):
    """A note on the case. `what`: its kind; "conversation", "conversation_ended", "busy" and "no_answer" state how an
    operator's call to the resident goes. `note`: a person's own words, or the link of a recording.
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


class SupportAct(Model):
    """What came of a support call or of a talk after a loss, also in a closed case. CONTACTED is new evidence: a case
    whose plan has ended is reopened at yellow. DECLINED withdraws the remaining support calls.
    """

    do: Literal["support"] = "support"
    outcome: SupportOutcome
    note: Note = ""


class WeekAnswerAct(Model):
    """What the resident told a person about the question a week after they were dissuaded, also in a closed case.
    PAID_SINCE and CONTACTED_AGAIN reopen a case whose plan has ended. It replaces any answer by key or reply.
    """

    do: Literal["week_answer"] = "week_answer"
    answer: WeekAnswer
    note: Note = ""


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
    | EndFreezeAct
    | DecideObjectionAct
    | ProposeHoldAct
    | ApproveHoldAct
    | DeclineHoldAct
    | LiftHoldAct
    | DelayOutgoingAct
    | EndDelayAct
    | ReleaseStopAct
    | NotifyContactAct
    | ClaimAct
    | AssignAct
    | NoteAct
    | AnswersAct
    | CloseAct
    | ConfirmAct
    | OfferCaseAct
    | EndHereAct
    | StartSearchAct
    | StopSearchAct
    | AdmitThirdPartyAct
    | ThirdPartyAct
    | HandOverCallAct
    | RecordedCallAct
    | SupportAct
    | WeekAnswerAct,
    Field(discriminator="do"),
]
