"""Route of the police's records of frauds: how many matched a resident, who was defrauded after a warning, and why
records matched nobody.
"""

import math
from collections import Counter
from collections.abc import Container
from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import Request
from starlette.responses import Response

from console.web.auth.who import Signed, Who
from console.web.kit.door import Door
from console.web.kit.pages import page
from console.web.kit.services import services
from console.web.overview import area
from console.web.overview.reported_frauds import (
    MATCHED_BY,
    REMEDIES,
    STRENGTHS,
    UNMATCHED,
    dissuaded_answers,
    matched_rows,
    not_warned,
    rates,
)
from console.web.rosters import areas
from domain.calendar import local_date
from domain.statistics.fraud_records import FraudBook, KeptRecord, record_totals
from schemas.administration.after_warning import AfterWarningReading
from schemas.people.staff import StaffRole
from schemas.risk.reported_frauds import MatchedBy
from streams.casework.after_warning_watch import stored_after_warning

door = Door()
ROLES = frozenset({StaffRole.SUPERVISOR, StaffRole.AUDITOR})
SHOWN = 50  # matched records on a page
MOST_DIGITS = 9  # of the number of a page


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """What is asked for, by codes: `month` (YYYY-MM); `source` and `by`, "" for all; `after`, True for only those whose
    victim a warning had reached in the 90 days before.
    """

    month: str
    source: str
    by: str
    after: bool

    def address(self, number: int) -> str:
        """Return the address of the page with this number."""
        asked = {"month": self.month, "source": self.source, "by": self.by, "after": "1" if self.after else ""}
        given = {name: value for name, value in asked.items() if value}
        return f"/reported-frauds?{urlencode({**given, 'page': number})}"


@door.page("/reported-frauds", ROLES, name="reported-frauds")
async def reported_frauds(request: Request, who: Signed) -> Response:
    """Return the page with the police's records of the person's area. In the query: `month` (the latest one if it is
    missing or has no record), `source`, `by` (MatchedBy), `after` (1) and `page`, the number of the list's page, from
    1, each with SHOWN (50) records; an unknown value counts as not given. Errors of Redis pass through.
    """
    made, query = services(request), request.query_params
    book, now = made.figures.frauds, made.line.clock.now()
    months, sources = book.by_month(who.sees), book.sources(who.sees)
    wanted = RecordFilter(
        month=_known(query.get("month"), months) or next(iter(months), ""),
        source=_known(query.get("source"), sources),
        by=_known(query.get("by"), [each.value for each in MatchedBy]),
        after=query.get("after") == "1",
    )
    reading = await stored_after_warning(made.line.redis)
    records = book.of_month(wanted.month, who.sees, wanted.source)
    matched = [each for each in records if _listed(each, wanted, reading)]
    pages = max(1, math.ceil(len(matched) / SHOWN))
    nth = min(_number(query.get("page", "")), pages)
    groups = rates(reading, who) if reading else {}
    return page(
        request,
        "reported_frauds.html",
        area=area.area_name(who, now),
        filling=not made.figures.frauds_ready.is_set(),
        wanted=wanted,
        months=months,
        sources=sources,
        after=_after(book, who, reading),
        totals=record_totals(records),
        not_warned=not_warned(records, reading) if reading else None,
        rows=await matched_rows(made, who, matched[(nth - 1) * SHOWN : nth * SHOWN]),
        many=len(matched),
        nth=nth,
        pages=pages,
        reading=reading,
        groups=groups,
        week=dissuaded_answers(reading, who) if reading else None,
        places=areas.names((row.value for row in groups.get("station", ())), local_date(now)),
        matched_by=MATCHED_BY,
        strengths=STRENGTHS,
        unmatched=UNMATCHED,
        remedies=REMEDIES,
    )


def _known(asked: str | None, values: Container[str]) -> str:
    return asked if asked is not None and asked in values else ""


def _listed(record: KeptRecord, wanted: RecordFilter, reading: AfterWarningReading | None) -> bool:
    if record.by is None or wanted.by not in ("", record.by.value):
        return False
    return not wanted.after or (reading is not None and record.id in reading.after_warning)


def _after(book: FraudBook, who: Who, reading: AfterWarningReading | None) -> Counter[tuple[str, str]]:
    """Return the number of the area's records after a warning, by month and source."""
    found = (book.get(name) for name in reading.after_warning) if reading else ()
    return Counter((each.month, each.source) for each in found if each is not None and who.sees(each.division))


def _number(text: str) -> int:
    """Return the number of a page, at least 1; 1 if the text is no number."""
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < MOST_DIGITS else 1
