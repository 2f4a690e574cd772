"""Route of the situation page: areas, scam types, channels, groups and money of the last weeks, as tables and
charts.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.responses import Response

from console.web.auth.who import Signed, Who
from console.web.auth.words import place
from console.web.kit.door import Door
from console.web.kit.pages import page
from console.web.kit.services import services
from console.web.overview import area
from domain.calendar import day_of, local_date
from domain.statistics import trends
from domain.statistics.situation import (
    DAYS,
    FEW,
    Mark,
    Row,
    Situation,
    Sums,
    discreet,
    last_days,
    sums_of,
    table,
    weeks,
)
from schemas.people.staff import StaffRole

door = Door()
ROLES = frozenset({StaffRole.SUPERVISOR, StaffRole.AUDITOR})
SPANS = (7, 14, 28, DAYS)
GROUPS = ("occupation", "age", "sex")  # small counts of these could identify a person


@dataclass(frozen=True, slots=True)
class Table:
    """A table and its chart. `dimension`: by what the rows are grouped, such as areas or scam types."""

    dimension: str
    rows: list[Row]

    @property
    def most(self) -> int:
        """The greatest number of cases in a visible row, for the chart's scale; 0 without rows."""
        return max((row.sums.cases for row in self.rows if not row.hidden), default=0)


@dataclass(frozen=True, slots=True)
class Trend:
    """The charts above the tables. `line`, `earlier`: cumulative loss avoided in fen, in this period and the one
    before.

    `earlier` is None if no earlier days are known. `top`, `multiples_top`: the greatest values of the axes.
    """

    figures: list[trends.Compared]
    days: list[str]
    line: list[int]
    earlier: list[int] | None
    top: int
    multiples: list[trends.Multiple]
    multiples_top: int


@door.page("/situation", ROLES, name="situation")
async def situation(request: Request, who: Signed, days: int = 7, by: str = "day") -> Response:
    """Return the page with the figures of the person's area. `days`: 7, 14, 28 or DAYS (35), any other number counts as
    7; `by`: "day" or "week".
    """
    made = services(request)
    now = made.line.clock.now()
    span = days if days in SPANS else SPANS[0]
    wanted = last_days(day_of(now), span)
    found = made.figures.situation
    total = found.total(who.sees, wanted)
    by_day = found.by_day(who.sees, wanted)
    digits = 4 if len(who.area) < 4 else 6 if len(who.area) < 6 else 9
    areas = discreet(found.by_area(who.sees, wanted, digits))
    context: dict[str, Any] = {
        "span": span,
        "spans": SPANS,
        "by": "week" if by == "week" else "day",
        "total": sums_of(total, "all", ""),
        "series": sorted((weeks(by_day) if by == "week" else by_day).items()),
        "areas": Table("area", areas),
        "names": {row.value: place(row.value, local_date(now)) for row in areas},
        "tables": [
            Table(name, _rows(total, name)) for name in ("scam", "means", "level", "outcome", "ground", *GROUPS)
        ],
        "few": FEW,
        "trend": _trend(found, who, wanted, by_day),
    }
    return page(
        request,
        "situation.html",
        area=area.area_name(who, now),
        reading=not made.figures.ready.is_set(),
        **context,
    )


def _rows(total: Counter[Mark], dimension: str) -> list[Row]:
    rows = table(total, dimension)
    return discreet(rows) if dimension in GROUPS else rows


def _trend(found: Situation, who: Who, days: list[str], by_day: dict[str, Sums]) -> Trend:
    compared = trends.before(days)
    earlier = None if compared is None else found.by_day(who.sees, compared)
    line = trends.cumulative(by_day[day].kept for day in days)
    line_before = (
        None if earlier is None or compared is None else trends.cumulative(earlier[day].kept for day in compared)
    )
    pictures = trends.multiples(found.cases_by(who.sees, days, "scam"))
    return Trend(
        trends.four(trends.summed(by_day.values()), None if earlier is None else trends.summed(earlier.values())),
        days,
        line,
        line_before,
        trends.round_top(max([*line, *(line_before or [])])),
        pictures,
        max((max(each.cases) for each in pictures), default=0),
    )
