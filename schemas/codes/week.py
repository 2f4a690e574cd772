"""The codes about the question a week after a resident was dissuaded: have they paid since? And about the reminder."""

from typing import ClassVar

from schemas.codes.base import Code
from schemas.levels import WeekAnswer


class AskedWhetherPaid(Code, frozen=True):
    """Why the question is put: the resident was dissuaded, and is asked whether they have paid since."""

    zh: ClassVar = "劝阻后一周：询问此后是否付过款"


class AskedInstead(Code, frozen=True):
    """The question is put by a call at about the same time as a follow-up call."""

    zh: ClassVar = "同日来电询问此后是否付过款，不再回访"


class AskedNoMore(Code, frozen=True):
    """The question is not put: the resident is in danger again, has lost money, is no longer dissuaded, or wants no
    messages.
    """

    zh: ClassVar = "不再询问此后是否付过款：再度涉险、已受损、不再属于已劝阻或要求不再发送短信"


class WeekReplied(Code, frozen=True):
    """The resident answered the question by a reply to its text message."""

    zh: ClassVar = "当事人回复短信：%(answer)s"
    answer: WeekAnswer


class WeekAnswerTold(Code, frozen=True):
    """What the resident answered a person about the time since they were dissuaded."""

    zh: ClassVar = "%(by)s 登记一周后询问的回答：%(answer)s%(note)s"
    answer: WeekAnswer
    by: str
    note: str = ""


class NotAskedAfterWeek(Code, frozen=True):
    """The question was not put to the resident, so no answer to it can be recorded."""

    zh: ClassVar = "一周后的询问尚未发出，不能登记回答"


class WarningFades(Code, frozen=True):
    """Why a reminder is sent: the resident was dissuaded some time ago, and a warning's effect fades."""

    zh: ClassVar = "劝阻已有时日，再次提醒"


class RemindedNoMore(Code, frozen=True):
    """The reminder is not sent: the resident is in danger again, has lost money, is no longer dissuaded or wants no
    messages; or nothing plans it any more, as after the end of an experiment for harm.
    """

    zh: ClassVar = "不再提醒：再度涉险、已受损、不再属于已劝阻、要求不再发送短信，或预案不再提醒"


WeekCode = (
    AskedWhetherPaid
    | AskedInstead
    | AskedNoMore
    | WeekReplied
    | WeekAnswerTold
    | NotAskedAfterWeek
    | WarningFades
    | RemindedNoMore
)
"""A code of the question a week later, or of the reminder."""
