"""Codes of cases that pass to another province's installation, and why such an act is refused. `province`: its code."""

from datetime import datetime
from typing import ClassVar

from schemas.casework.provinces import OfferRefusal, ProvinceGround
from schemas.codes.base import Code
from schemas.levels import Action, Result


class CaseOffered(Code, frozen=True):
    """A person offers the case to another province, which must acknowledge it by `until`."""

    zh: ClassVar = "%(by)s 向%(province)s移交（%(province_ground)s），须于 %(until)s 前确认"
    by: str
    province: str
    province_ground: ProvinceGround
    until: datetime


class GoesToProvince(Code, frozen=True):
    """The reason of a step: the case is offered to another province."""

    zh: ClassVar = "移交%(province)s"
    province: str


class AskedWhetherTaken(Code, frozen=True):
    """The reason of a step: no answer came in time, and the other province is asked whether it has taken the case."""

    zh: ClassVar = "询问%(province)s是否已接收"
    province: str


class WaitsForProvince(Code, frozen=True):
    """A contact waits until another province has answered, at most until `until`: the offer's deadline, or shortly
    before quiet hours begin.
    """

    zh: ClassVar = "等待%(province)s确认移交，最迟至 %(until)s"
    province: str
    until: datetime


class OfferOver(Code, frozen=True):
    """A contact that waited for another province's answer goes on here."""

    zh: ClassVar = "移交未成，继续由本省办理"


class QuietHoursNear(Code, frozen=True):
    """A contact that waited for another province's answer goes out before quiet hours begin."""

    zh: ClassVar = "免打扰时段将至，不再等待%(province)s确认"
    province: str


class OfferCrosses(Code, frozen=True):
    """The other province hands the same resident over to this one. Its offer gives way, so it handles the resident
    until it has taken the case offered here.
    """

    zh: ClassVar = "%(province)s同时向本省移交该当事人：以本省移交为准，对方接收前继续办理"
    province: str


class OfferAccepted(Code, frozen=True):
    """The other province has taken the case before the deadline. `other_case`: its number there."""

    zh: ClassVar = "%(province)s已接收，对方预警编号 %(other_case)s"
    province: str
    other_case: str


class OfferRefused(Code, frozen=True):
    """The other province refuses the case, which stays here."""

    zh: ClassVar = "%(province)s不接收：%(refusal)s；继续由本省办理，请值班长处理"
    province: str
    refusal: OfferRefusal


class OfferUnanswered(Code, frozen=True):
    """The other province has not acknowledged the case by the deadline, so it stays here."""

    zh: ClassVar = "%(province)s逾期未确认；继续由本省办理，请值班长处理"
    province: str


class OfferAcceptedLate(Code, frozen=True):
    """The other province has taken the case, as became known after the deadline: both handle the resident."""

    zh: ClassVar = "%(province)s已接收（对方预警编号 %(other_case)s），但确认逾期：两省同时办理"
    province: str
    other_case: str


class EndedHere(Code, frozen=True):
    """A supervisor ends this province's part of a case that both provinces handle."""

    zh: ClassVar = "%(by)s 结束本省办理，由%(province)s继续（对方预警编号 %(other_case)s）"
    by: str
    province: str
    other_case: str


class TakenFrom(Code, frozen=True):
    """This case was taken over from another province. `other_case`: its number there."""

    zh: ClassVar = "接收%(province)s移交的预警 %(other_case)s（%(province_ground)s）"
    province: str
    other_case: str
    province_ground: ProvinceGround


class TriedThere(Code, frozen=True):
    """The other province has tried a contact (`action`); `result`: its latest result."""

    zh: ClassVar = "移交前对方已联系：%(action)s，%(result)s"
    action: Action
    result: Result


class BothHandle(Code, frozen=True):
    """The province that handed the case over handles it too, because the acknowledgement reached it too late."""

    zh: ClassVar = "%(province)s未及时收到确认，仍在办理：两省同时办理"
    province: str


class OtherEnded(Code, frozen=True):
    """The province that handed the case over has ended its part of it: only this one handles it."""

    zh: ClassVar = "%(province)s已结束办理：由本省办理"
    province: str


class CaseHandedOver(Code, frozen=True):
    """Another province handles the resident: the case here is handed over."""

    zh: ClassVar = "预警已移交外省"


ProvinceCode = (
    CaseOffered
    | GoesToProvince
    | AskedWhetherTaken
    | WaitsForProvince
    | OfferOver
    | QuietHoursNear
    | OfferCrosses
    | OfferAccepted
    | OfferRefused
    | OfferUnanswered
    | OfferAcceptedLate
    | EndedHere
    | TakenFrom
    | TriedThere
    | BothHandle
    | OtherEnded
)
"""What became of a case that passes from one province to another."""


class NoOffers(Code, frozen=True):
    """The policy hands no cases over, or not to this province."""

    zh: ClassVar = "策略未允许向该省移交"


class MayNotOffer(Code, frozen=True):
    """The policy does not let this person's role hand a case over, or end a province's part of it."""

    zh: ClassVar = "按策略，您的岗位不能移交预警"


class OfferGoesOn(Code, frozen=True):
    """The case is offered already, or another province already handles it."""

    zh: ClassVar = "该预警已在移交，或外省已接收"


class MostOffersMade(Code, frozen=True):
    """The case has been offered the maximum number of times (`most`)."""

    zh: ClassVar = "该预警的移交次数已达上限（%(most)s 次）"
    most: int


class NotBoth(Code, frozen=True):
    """No other province is known to handle the resident too."""

    zh: ClassVar = "没有外省同时办理，不能结束本省办理"


class OtherKnowsLess(Code, frozen=True):
    """The case has a higher level or more payments than when it was offered, and the other province may not know."""

    zh: ClassVar = "移交后级别或付款有变化，%(province)s可能不知情：不能结束本省办理，请电话告知对方"
    province: str


ProvinceRefusal = NoOffers | MayNotOffer | OfferGoesOn | MostOffersMade | NotBoth | OtherKnowsLess | CaseHandedOver
"""Why an act is refused: one about a hand-over, or any act on a case that was handed over."""
