"""The figures at the top of the overview, as HTML. No server is needed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from console.web.kit.pages import environment
from console.web.overview.area import ClockTables
from domain.calendar import shift_at
from domain.desk.attention import Attention
from domain.desk.load import Load, Staffing
from domain.statistics.clocks import ResponsibleParty, Tally, by_people
from schemas.levels import GRAVEST_FIRST, Level
from tests.domain.builders import NOON

ONE_FREE = Staffing(on_duty=1, free=1)


def tables(red: dict[ResponsibleParty, Tally], whole: Tally) -> ClockTables:
    levels = {level: dict.fromkeys(ResponsibleParty, Tally()) for level in GRAVEST_FIRST}
    levels[Level.RED] |= red
    return ClockTables(shift_at(NOON), levels, [], [(shift_at(NOON), whole)])


def figures(expiring: int = 0, reds: int = 0, staffing: Staffing = ONE_FREE, **given: Any) -> str:  # noqa: ANN401 - what the template takes
    """The list of figures."""
    load = Load()
    load.waiting[Level.RED] = reds
    values = {"needs": Attention(), "load": load, "clocks": tables({}, Tally()), "waits_since": None, "now": NOON}
    values |= {"levels": list(GRAVEST_FIRST), "staffing": staffing, "expiring": expiring, "operators": [], "me": "s1"}
    values |= {"reds_ended": Tally(), "able": lambda _: []}
    html = environment("zh").get_template("desk_needs.html").render({**values, **given})
    return html.partition('<dl class="now">')[2].partition("</dl>")[0]


def plain(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html))


def test_what_expires_within_a_minute_is_the_first_figure_and_red_above_zero() -> None:
    some, none = figures(expiring=16), figures()
    assert some.index("1 分钟内到期") == some.index("<dt>") + len("<dt>")
    assert '<dd class="late"><a href="/queue?state=expiring">16</a></dd>' in some
    assert "<dt>1 分钟内到期</dt><dd>0</dd>" in none


def test_the_reds_that_wait_are_shown_beside_the_operators_on_duty_and_amber_if_they_are_more() -> None:
    assert '<span class="short">1 名坐席 / 20 件红色</span>' in figures(reds=20)
    assert "<span>3 名坐席 / 2 件红色</span>" in figures(reds=2, staffing=Staffing(3, 3))
    assert "没有坐席登录" in figures(reds=20, staffing=Staffing(0, 0))


def test_the_share_of_the_shift_is_that_of_the_reds_whose_deadlines_people_had_to_meet() -> None:
    red = {
        ResponsibleParty.CARRIER: Tally(121, 0),
        ResponsibleParty.DESK: Tally(37, 31),
        ResponsibleParty.OFFICER: Tally(27, 5),
        ResponsibleParty.BANK: Tally(61, 0),
    }
    assert by_people(red) == Tally(64, 36)
    html = figures(clocks=tables(red, Tally(493, 41)), reds_ended=by_people(red))
    assert '<dt>本班红色按时</dt><dd class="short">64%</dd>' in html
    assert "本班累计：坐席与上门 100 个时限，超时 36；全部级别按时 92%" in plain(html)
    assert "本班还没有时限结束" in figures()


@dataclass(frozen=True)
class Thin:
    """A station on the page that lacks people."""

    station: str
    missing: int
    thin: bool = True
    people: tuple[Any, ...] = ()


def on_duty(stations: Sequence[Thin]) -> str:
    """The list of stations, as HTML."""
    values = {"operators": [], "claims": [], "most": 5, "names": None, "now": NOON, "load": Load(), "duty": stations}
    return environment("zh").get_template("desk_people.html").render(values)


def test_of_many_stations_that_lack_people_the_five_that_lack_most_are_listed_and_the_others_folded() -> None:
    html = on_duty([Thin(f"站{n}", n) for n in range(1, 8)])
    listed, _, folded = html.partition('data-key="thin"')
    assert "人手不足：7 个，共缺 28 人" in listed
    assert re.findall(r'data-key="(站\d)"', listed) == ["站7", "站6", "站5", "站4", "站3"]
    assert "其余人手不足的：2 个" in folded
    assert re.findall(r'data-key="(站\d)"', folded) == ["站2", "站1"]
    assert 'class="late"' not in html, "red is for what is overdue"
    assert 'data-key="thin"' not in on_duty([Thin("站", 1)])
