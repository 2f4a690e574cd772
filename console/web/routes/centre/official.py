"""Route of the official form: money avoided, stopped, frozen and returned, by day, month and year, on one A4 page."""

from fastapi import Request
from starlette.responses import Response

from console.web.auth.who import Signed, whole_province
from console.web.kit.door import Door
from console.web.kit.pages import page
from console.web.kit.services import services
from domain.calendar import local_date
from domain.payments.estimate import KEPT_SHARE
from domain.statistics import official
from schemas.people.staff import StaffRole
from streams.monitoring.official import official_form

door = Door()
ROLES = frozenset({StaffRole.SUPERVISOR, StaffRole.AUDITOR})


@door.page("/official", ROLES, name="official")
async def form(request: Request, who: Signed, day: str = "") -> Response:
    """Return the page with the official form of a day, for the whole province. `day`: YYYY-MM-DD; a future day or any
    other text counts as today.

    Raises ForbiddenError for a person who is not responsible for the whole province. Errors of Redis pass through.
    """
    whole_province(who)
    made = services(request)
    now = made.line.clock.now()
    today = local_date(now)
    wanted = official.shown(day, today)
    found = await official_form(made.line.redis, range(made.line.settings.partitions), wanted)
    rows = {row.row.value: row for row in found.rows}
    return page(
        request,
        "official.html",
        form=found,
        rows=rows,
        today=today,
        made_at=now,
        counts=official.COUNTS,
        share=KEPT_SHARE,
    )
