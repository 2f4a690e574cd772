"""Codes of visits: what an officer reported, and what became of a visit."""

from typing import ClassVar

from schemas.codes.base import Code
from schemas.codes.channels import ChannelCode


class _Visit(Code, frozen=True):
    """Base of an officer's reports. `because`: why this officer was chosen; `checked`: the Checklist items that were
    done.
    """

    by: str
    because: ChannelCode | None = None
    place: str | None = None
    to: str | None = None
    checked: tuple[str, ...] | None = None
    note: str = ""


class VisitAssigned(_Visit, frozen=True):
    """The visit is given to an officer."""

    zh: ClassVar = "已派给 %(by)s%(because)s%(place)s%(to)s%(checked)s%(note)s"


class VisitAccepted(_Visit, frozen=True):
    """The officer accepts the visit."""

    zh: ClassVar = "%(by)s 已接受%(because)s%(place)s%(to)s%(checked)s%(note)s"


class VisitRefused(_Visit, frozen=True):
    """The officer cannot go, so another one is asked."""

    zh: ClassVar = "%(by)s 不能前往，改派他人%(because)s%(place)s%(to)s%(checked)s%(note)s"


class VisitHandedOver(_Visit, frozen=True):
    """The officer hands the visit over to a colleague (`to`), or back to the desk."""

    zh: ClassVar = "%(by)s 已移交，改派他人%(because)s%(place)s%(to)s%(checked)s%(note)s"


class OfficerOnTheWay(_Visit, frozen=True):
    """The officer is on the way."""

    zh: ClassVar = "%(by)s 已出发%(because)s%(place)s%(to)s%(checked)s%(note)s"


class OfficerArrived(_Visit, frozen=True):
    """The officer is at the door."""

    zh: ClassVar = "%(by)s 已到达%(because)s%(place)s%(to)s%(checked)s%(note)s"


class NobodyAtHome(_Visit, frozen=True):
    """Nobody is at home."""

    zh: ClassVar = "%(by)s：家中无人%(because)s%(place)s%(to)s%(checked)s%(note)s"


class VisitMade(_Visit, frozen=True):
    """The visit is made."""

    zh: ClassVar = "%(by)s：上门完成%(because)s%(place)s%(to)s%(checked)s%(note)s"


class OfficerNotified(_Visit, frozen=True):
    """The officer was told of the visit. `because`: in which way, and whether the message went out."""

    zh: ClassVar = "通知 %(by)s%(because)s%(place)s%(to)s%(checked)s%(note)s"


class VisitNotAccepted(_Visit, frozen=True):
    """The officer did not accept the visit in time, so another one is asked."""

    zh: ClassVar = "%(by)s 未接受，改派他人%(because)s%(place)s%(to)s%(checked)s%(note)s"


VisitCode = (
    VisitAssigned
    | VisitAccepted
    | VisitRefused
    | VisitHandedOver
    | OfficerOnTheWay
    | OfficerArrived
    | NobodyAtHome
    | VisitMade
    | OfficerNotified
    | VisitNotAccepted
)
"""An officer's report, by its stage."""


class ReportNotTaken(Code, frozen=True):
    """An officer's report arrived after the case was closed, so it has no effect."""

    zh: ClassVar = "%(by)s 的上门报告未采用：预警已办结"
    by: str


class OfficerGoes(Code, frozen=True):
    """An officer is going to the resident."""

    zh: ClassVar = "%(by)s 前往"
    by: str


class OfficerLate(Code, frozen=True):
    """The officer did not arrive in time."""

    zh: ClassVar = "民警未按时到达"


class VisitOver(Code, frozen=True):
    """The visit has ended."""

    zh: ClassVar = "上门完成"


class NoOutcomeTold(Code, frozen=True):
    """The visit was made, but its report has no outcome."""

    zh: ClassVar = "已上门，未登记结果"


class VisitedBefore(Code, frozen=True):
    """The visit was made before the present danger arose."""

    zh: ClassVar = "上门早于当前险情"


OfficerCode = VisitCode | ReportNotTaken | OfficerGoes | OfficerLate | VisitOver | NoOutcomeTold | VisitedBefore
"""A code of visits."""
