"""Codes of searches for a resident, and why one is refused. None of them names a place: only its number."""

from datetime import datetime
from typing import ClassVar

from schemas.casework.searches import SearchGround, StopGround
from schemas.codes.base import Code


class SearchStarted(Code, frozen=True):
    """A supervisor starts a search.

    `by`: the supervisor's login; `since`: when somebody last reached the resident; `places`, `officers`: how many of
    each; `until`: the end of the search.
    """

    zh: ClassVar = "%(by)s 启动查找（%(ground)s；%(since)s 起失联）：%(places)s 处，%(officers)s 人，至 %(until)s"
    by: str
    ground: SearchGround
    since: datetime
    places: int
    officers: int
    until: datetime


class PlaceSearched(Code, frozen=True):
    """An officer has looked at a place: the resident is not there."""

    zh: ClassVar = "%(by)s 已查找地点 %(number)s：不在"
    by: str
    number: str


class PlaceNotLooked(Code, frozen=True):
    """An officer could not look at a place, so another one may."""

    zh: ClassVar = "%(by)s 未能查找地点 %(number)s，可由他人前往"
    by: str
    number: str


class AllPlacesSearched(Code, frozen=True):
    """Officers have looked at all places of the search: the resident is at none."""

    zh: ClassVar = "所有地点均已查找，未找到"


class ResidentFound(Code, frozen=True):
    """An officer has found the resident, so the search and all visits end. `number`: of the place, such as "p3"."""

    zh: ClassVar = "%(by)s 在地点 %(number)s 找到当事人"
    by: str
    number: str


class FoundAfterEnd(Code, frozen=True):
    """An officer reports that the resident was found, of a search that has ended: the report changes nothing else."""

    zh: ClassVar = "%(by)s 报告在地点 %(number)s 找到当事人，但查找已结束"
    by: str
    number: str


class SearchStopped(Code, frozen=True):
    """A supervisor stops a search before its end."""

    zh: ClassVar = "%(by)s 停止查找：%(ground)s"
    by: str
    ground: StopGround


class SearchExpired(Code, frozen=True):
    """A search has reached its end, and nobody has found the resident."""

    zh: ClassVar = "查找到期，未找到"


class SearchNotNeeded(Code, frozen=True):
    """The resident is safe, or the case is closed, so the search ends."""

    zh: ClassVar = "已不需要查找"


SearchCode = (
    SearchStarted
    | PlaceSearched
    | PlaceNotLooked
    | AllPlacesSearched
    | ResidentFound
    | FoundAfterEnd
    | SearchStopped
    | SearchExpired
    | SearchNotNeeded
)
"""What became of a search."""


class MayNotSearch(Code, frozen=True):
    """Only a supervisor starts or stops a search."""

    zh: ClassVar = "只有值班长可以启动或停止查找"


class TalkGoesOn(Code, frozen=True):
    """Somebody is talking with the resident, so there is nobody to look for."""

    zh: ClassVar = "正在与当事人通话，无需查找"


class OutcomeMissing(Code, frozen=True):
    """An officer has found the resident, and nobody has told the outcome yet: not persuaded, for example."""

    zh: ClassVar = "民警已找到当事人，请先登记处置结果"


class SearchGoesOn(Code, frozen=True):
    """A search for the resident goes on already."""

    zh: ClassVar = "已在查找该当事人"


class MostSearches(Code, frozen=True):
    """The case has had as many searches as it can have."""

    zh: ClassVar = "该预警的查找次数已达上限（%(most)s 次）"
    most: int


class NeverMissing(Code, frozen=True):
    """The time since which the resident is missing is in the future."""

    zh: ClassVar = "失联时间不能晚于现在"


class NoSearch(Code, frozen=True):
    """The case has no such search, or the search has no such place."""

    zh: ClassVar = "没有这次查找或这个地点"


class NotSearching(Code, frozen=True):
    """The officer takes no part in the search."""

    zh: ClassVar = "%(by)s 未参加这次查找"
    by: str


class SearchOver(Code, frozen=True):
    """The search has ended before the report."""

    zh: ClassVar = "查找已结束"


SearchRefusal = (
    MayNotSearch
    | TalkGoesOn
    | OutcomeMissing
    | SearchGoesOn
    | MostSearches
    | NeverMissing
    | NoSearch
    | NotSearching
    | SearchOver
)
"""Why an input about a search is refused."""
