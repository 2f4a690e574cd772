"""The navigation of each role, and the page after signing in."""

from collections.abc import Sequence
from dataclasses import dataclass

from console.web.auth.who import Who
from schemas.people.staff import StaffRole


@dataclass(frozen=True, slots=True)
class Item:
    """A navigation entry. `words`: its Chinese text, translated in the template; `whole`: only for people who are
    responsible for the whole province.
    """

    path: str
    words: str
    roles: frozenset[StaffRole]
    whole: bool = False


_O, _F, _S, _R, _A, _D, _G, _W, _ = StaffRole
SHOWN = 7  # at most so many entries stand in the bar; of more, the last ones are in its menu
ITEMS = (
    Item("/desk", "值班总览", frozenset({_S})),
    Item("/queue", "待处置", frozenset({_O, _S})),
    Item("/call-in", "96110 来电", frozenset({_O, _S})),
    Item("/public-reports", "网上举报", frozenset({_O, _S})),
    Item("/incidents", "重大警情", frozenset({_O, _S})),
    Item("/tasks", "我的任务", frozenset({_F})),
    Item("/rosters/mine", "我的班次", frozenset({_F})),
    Item("/audit", "审计", frozenset({_A})),
    Item("/release", "止付与解除", frozenset({_R, _S})),
    Item("/situation", "态势", frozenset({_S, _A})),
    Item("/official", "统计报表", frozenset({_S, _A}), whole=True),
    Item("/rosters", "排班", frozenset({_S})),
    Item("/policies", "策略", frozenset({_S})),
    Item("/experiments", "对照试验", frozenset({_S, _A}), whole=True),
    Item("/reported-frauds", "公安受案", frozenset({_S, _A})),
    Item("/holds", "暂停外呼", frozenset({_O, _S})),
    Item("/suspects", "涉诈账户与号码", frozenset({_O, _S})),
    Item("/payers", "批量提醒", frozenset({_S})),
    Item("/complaints", "投诉与异议", frozenset({_R, _S})),
    Item("/subject-requests", "个人信息请求", frozenset({_O, _S, _A})),
    Item("/legal-holds", "保留数据", frozenset({_S, _A})),
    Item("/processing", "处理活动记录", frozenset({_A})),
    Item("/wall", "大屏", frozenset({_W})),
    Item("/approvals", "复核", frozenset({_G})),
    Item("/staff", "账号", frozenset({_D, _G})),
    Item("/integrations", "接口", frozenset({_D, _G})),
    Item("/approvals", "申请", frozenset({_D})),
)


def items(who: Who) -> list[Item]:
    """Return the navigation entries for a person's role and area, in order."""
    return [item for item in ITEMS if who.role in item.roles and not (item.whole and who.area)]


def in_bar(found: Sequence[Item]) -> int:
    """Return how many of these entries the bar shows: all if they are at most SHOWN (7), else SHOWN - 1, because a menu
    with the other entries takes one place.
    """
    return len(found) if len(found) <= SHOWN else SHOWN - 1


def home(who: Who) -> str:
    """Return the path of a person's first page: the first navigation entry. Raises IndexError for a program, which has
    no pages.
    """
    return items(who)[0].path
