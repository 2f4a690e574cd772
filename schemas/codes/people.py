"""Acts and words of operators and callers. `text`, `note` and `recording` are a person's own words."""

from datetime import datetime
from typing import ClassVar

import msgspec

from schemas.codes.base import Code
from schemas.levels import Action, CallResult, Level, Outcome, OutcomeGround, SupportOutcome
from schemas.people.residents import InterpreterLanguage


class Said(Code, frozen=True):
    """A person's reason, in their own words."""

    zh: ClassVar = "%(text)s"
    text: str


class AskedBy(Code, frozen=True):
    """An operator asked for the step or act, without giving a reason."""

    zh: ClassVar = "%(by)s 要求"
    by: str


class CaseClaimed(Code, frozen=True):
    """An operator claims the case."""

    zh: ClassVar = "%(by)s 接手"
    by: str


class CaseAssigned(Code, frozen=True):
    """A supervisor gives an unclaimed case to an operator."""

    zh: ClassVar = "%(by)s 指派给 %(to)s"
    by: str
    to: str


class CaseReassigned(Code, frozen=True):
    """A supervisor (`by`) takes the case from the operator who has it (`holder`), and gives it to another (`to`).
    `text`: why, as the supervisor wrote it.
    """

    zh: ClassVar = "%(by)s 从 %(holder)s 改派给 %(to)s：%(text)s"
    by: str
    holder: str
    to: str
    text: str


class CaseGivenBack(Code, frozen=True):
    """An operator gives the case back."""

    zh: ClassVar = "%(by)s 退回预警"
    by: str


class ClaimRanOut(Code, frozen=True):
    """An operator's claim was not renewed, so the case is free again."""

    zh: ClassVar = "%(by)s 的接手已失效：无人续期"
    by: str


class NoReportInTime(Code, frozen=True):
    """The operator did not report a result in time, and loses the claim."""

    zh: ClassVar = "%(by)s 未按时登记"
    by: str


class Talks(Code, frozen=True):
    """An operator talks with the resident."""

    zh: ClassVar = "%(by)s 正在与当事人通话"
    by: str


class TalkBrokenOff(Code, frozen=True):
    """The conversation was broken off."""

    zh: ClassVar = "通话中断"


class TalkBegun(Code, frozen=True):
    """A conversation begins."""

    zh: ClassVar = "开始通话%(text)s"
    text: str = ""


class TalkEnded(Code, frozen=True):
    """The conversation has ended."""

    zh: ClassVar = "通话结束%(text)s"
    text: str = ""


class CallNotTaken(Code, frozen=True):
    """The resident did not answer the desk's call. `result`: busy or no answer."""

    zh: ClassVar = "坐席呼叫：%(result)s%(text)s"
    result: CallResult
    text: str = ""


class CodeConfirmed(Code, frozen=True):
    """The resident read out the code of a message that we had sent."""

    zh: ClassVar = "核验码无误%(text)s"
    text: str = ""


class ThreeWayCall(Code, frozen=True):
    """A third person joins the call."""

    zh: ClassVar = "三方通话%(text)s"
    text: str = ""


class InterpreterNeeded(Code, frozen=True):
    """An interpreter is asked for."""

    zh: ClassVar = "需要翻译%(language)s%(text)s"
    language: InterpreterLanguage | None = None
    text: str = ""


class Recorded(Code, frozen=True):
    """A link to the recording of a call."""

    zh: ClassVar = "录音：%(recording)s"
    recording: str


class Noted(Code, frozen=True):
    """An operator's remark."""

    zh: ClassVar = "备注%(text)s"
    text: str = ""


class EvidenceAdded(Code, frozen=True):
    """A person added pictures to the case's evidence files."""

    zh: ClassVar = "添加证据材料 %(count)s 份"
    count: int


class CallerAsked(Code, frozen=True):
    """A caller of 96110 had a question."""

    zh: ClassVar = "96110 来电咨询：%(text)s"
    text: str


class CallerReported(Code, frozen=True):
    """A caller of 96110 reported something."""

    zh: ClassVar = "96110 来电举报：%(text)s"
    text: str


class CallerHandedOver(Code, frozen=True):
    """A caller of 96110 whose case belongs to another prefecture."""

    zh: ClassVar = "96110 来电移交：%(text)s"
    text: str


class ReleaseWanted(Code, frozen=True):
    """A complaint asks for the stop to be lifted."""

    zh: ClassVar = "投诉 %(complaint)s 要求解除止付"
    complaint: str


class ScriptBegun(Code, frozen=True):
    """The operator started a script of questions."""

    zh: ClassVar = "问答（%(script)s）：开始"
    script: str


class ScriptAnswered(Code, frozen=True):
    """The resident's answers to a script, by question. `withdrawn`: questions whose answer was taken back."""

    zh: ClassVar = "问答（%(script)s）%(answers)s%(withdrawn)s"
    script: str
    answers: dict[str, str] = msgspec.field(default_factory=dict)
    withdrawn: tuple[str, ...] = ()


class OutcomeTold(Code, frozen=True):
    """How a conversation ended, as an operator or officer reports it."""

    zh: ClassVar = "%(by)s 登记：%(outcome)s%(ground)s%(note)s%(complaint)s"
    outcome: Outcome
    by: str
    note: str = ""
    complaint: str | None = None
    ground: OutcomeGround | None = None


class SupportTold(Code, frozen=True):
    """What came of the offer of support after a loss, as an operator reports it."""

    zh: ClassVar = "%(by)s 登记受损后关怀：%(support)s%(note)s"
    support: SupportOutcome
    by: str
    note: str = ""


class LevelLowered(Code, frozen=True):
    """A person lowers the level, with a reason."""

    zh: ClassVar = "%(was)s → %(level)s：%(text)s"
    was: Level
    level: Level
    text: str


class CallAgainAt(Code, frozen=True):
    """The resident asked to be called again at `at`."""

    zh: ClassVar = "约定再次致电：%(at)s"
    at: datetime


class CallPromised(Code, frozen=True):
    """The call is postponed to the time at which the resident asked to be called. `by`: the operator
    who recorded it.
    """

    zh: ClassVar = "%(by)s：当事人要求届时致电"
    by: str


class OfficerAskedFor(Code, frozen=True):
    """An operator asked for an officer."""

    zh: ClassVar = "申请派人上门：%(text)s"
    text: str


class StopAskedFor(Code, frozen=True):
    """An operator asked for a stop-payment."""

    zh: ClassVar = "申请止付"


class ContactToBeTold(Code, frozen=True):
    """A trusted contact will be informed. `contact`: the contact's index."""

    zh: ClassVar = "将告知可信联系人（%(contact)s）"
    contact: int


class DangerConfirmed(Code, frozen=True):
    """A person has confirmed that the danger is real."""

    zh: ClassVar = "已核实：%(text)s"
    text: str


class ConfirmedBy(Code, frozen=True):
    """The step goes out because a person confirmed the danger."""

    zh: ClassVar = "%(by)s 核实险情"
    by: str


class TalkedBefore(Code, frozen=True):
    """A late report is about a conversation before the present danger, so it does not settle the case."""

    zh: ClassVar = "补报的是当前险情之前的谈话：不作为结论"


class NumberNotResidents(Code, frozen=True):
    """A call or message to the resident's number showed that the number is wrong, or the person who answered said so
    (key 9). A scammer who holds the resident's telephone may say that too. `action`: the contact.
    """

    zh: ClassVar = (
        "%(action)s：号码有误，或接听人称不是当事人。可能是换号，也可能是骗子拿着当事人的手机：请换其他方式联系本人"
    )
    action: Action


PeopleCode = (
    NumberNotResidents
    | Said
    | AskedBy
    | CaseClaimed
    | CaseAssigned
    | CaseReassigned
    | CaseGivenBack
    | ClaimRanOut
    | NoReportInTime
    | Talks
    | TalkBrokenOff
    | TalkEnded
    | CallNotTaken
    | TalkBegun
    | CodeConfirmed
    | ThreeWayCall
    | InterpreterNeeded
    | Recorded
    | Noted
    | EvidenceAdded
    | CallerAsked
    | CallerReported
    | CallerHandedOver
    | ReleaseWanted
    | ScriptBegun
    | ScriptAnswered
    | OutcomeTold
    | SupportTold
    | LevelLowered
    | CallAgainAt
    | CallPromised
    | OfficerAskedFor
    | StopAskedFor
    | ContactToBeTold
    | DangerConfirmed
    | ConfirmedBy
    | TalkedBefore
)
"""A code of what people did and said."""
