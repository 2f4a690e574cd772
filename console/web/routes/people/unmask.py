"""Routes for revealing a resident's data for some minutes, and for counting how often each person does so."""

from collections import Counter
from datetime import date, timedelta
from typing import Annotated, NamedTuple

from fastapi import Form, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from console.web.auth import unmask
from console.web.auth.who import NotFoundError, Signed, Who
from console.web.case.acts import found as found_case
from console.web.kit.door import EVERYBODY, Door
from console.web.kit.errors import error_response
from console.web.kit.i18n import translate
from console.web.kit.local import local_path
from console.web.kit.pages import page
from console.web.kit.services import Services, services
from domain.access.accounts import ADMINISTRATORS
from domain.calendar import local_date
from schemas.casework.cases import Case
from schemas.people.residents import ResidentId
from schemas.people.rosters import TaskState
from schemas.people.staff import StaffRole

door = Door("/unmask")
MAY = EVERYBODY - ADMINISTRATORS - {StaffRole.DISPLAY}
COUNTERS = frozenset({StaffRole.SUPERVISOR, StaffRole.AUDITOR})
DAYS = 14


class Person(NamedTuple):
    """A row of the table: a person, and how often they revealed data on each of the days, the latest first."""

    login: str
    name: str
    by_day: list[int]
    total: int


@door.act("", MAY, name="unmask")
async def begin(
    request: Request,
    who: Signed,
    case: Annotated[str, Form()] = "",
    reason: Annotated[str, Form(max_length=500)] = "",
    form: Annotated[str, Form(max_length=64)] = "",
    back: Annotated[str, Form()] = "",
) -> Response:
    """Let the person see the data of the case's resident, for a reason, and redirect to `back`; 422 without a reason.

    A script gets JSON: `seconds` left. Raises NotFoundError if there is no such case in the area or, for an officer, no
    open visit of theirs.
    """
    made = services(request)
    found = await _case(made, who, case)
    try:
        counts = await unmask.begin(made, who, found.id, found.resident, reason, form)
    except ValueError:
        return error_response(request, 422, translate(request, "请写明查看理由（至少四个字）。"), "reason missing")
    if counts:
        await made.security.revealed(request, who.login, found.id)
    return await _answered(request, made, who, found.resident, local_path(back, f"/cases/{found.id}"))


@door.act("/end", MAY, name="unmask-end")
async def end(
    request: Request, who: Signed, case: Annotated[str, Form()] = "", back: Annotated[str, Form()] = ""
) -> Response:
    """Mask the data again before the time is over, and redirect to `back`; a script gets JSON: `seconds`, 0.

    Raises NotFoundError if there is no such case in the area or, for an officer, no open visit of theirs.
    """
    made = services(request)
    found = await _case(made, who, case)
    await unmask.end(made, who, found.resident)
    return await _answered(request, made, who, found.resident, local_path(back, f"/cases/{found.id}"))


@door.page("", COUNTERS, name="unmaskings")
async def counted(request: Request, who: Signed) -> Response:
    """The page with how often each person of the area has revealed data, by day, in the last DAYS days."""
    made = services(request)
    today = local_date(made.line.clock.now())
    days = [today - timedelta(days=ago) for ago in range(DAYS)]
    people = await _people(made, who, await unmask.counts(made, days[-1]), days)
    return page(request, "unmaskings.html", days=days, people=people, reads_audit=who.role is StaffRole.AUDITOR)


async def _people(made: Services, who: Who, found: Counter[tuple[date, str]], days: list[date]) -> list[Person]:
    """Return the people who revealed data, most often first. Deleted accounts are shown to readers without an area
    only.
    """
    accounts = {account.login: account for account in await made.staff.all()}
    logins = {login for _, login in found}
    mine = [name for name in logins if (who.sees(accounts[name].area) if name in accounts else not who.area)]
    rows = [
        Person(
            login,
            accounts[login].name if login in accounts else "",
            [found[day, login] for day in days],
            sum(found[day, login] for day in days),
        )
        for login in mine
    ]
    return sorted(rows, key=lambda row: (-row.total, row.login))


async def _case(made: Services, who: Who, case_id: str) -> Case:
    """Return a case of the person's area; for an officer, one with an open visit. Raises NotFoundError if there is
    none.
    """
    found = await found_case(made, who, case_id)
    if who.role is StaffRole.OFFICER and not await _visits(made, who, found.id):
        raise NotFoundError
    return found


async def _visits(made: Services, who: Who, case_id: str) -> bool:
    tasks = await made.line.outgoing.rosters.tasks(made.line.clock.now())
    own = [task for task in tasks.values() if task.officer == who.officer and task.case == case_id]
    return any(task.state is TaskState.OPEN for task in own)


async def _answered(request: Request, made: Services, who: Who, resident: ResidentId, back: str) -> Response:
    if "text/html" in request.headers.get("accept", ""):
        return RedirectResponse(back, 303)
    return JSONResponse({"seconds": await unmask.seconds_left(made, who, resident)})
