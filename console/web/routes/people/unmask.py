"""Routes for revealing a resident's data for some minutes, and for counting how often each person does so."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Literal, NamedTuple

from fastapi import Form, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from console.web.auth import reveal_reviews, unmask
from console.web.auth.who import NotFoundError, Signed, Who
from console.web.case.acts import found as found_case
from console.web.kit.door import Door
from console.web.kit.errors import error_response, quota_spent
from console.web.kit.i18n import translate
from console.web.kit.local import local_path
from console.web.kit.pages import page
from console.web.kit.services import Services, services
from domain.access.reveals import ROLES as MAY
from domain.access.reveals import is_sufficient_reason
from domain.calendar import local_date
from schemas.administration.audit import RevealReason, RevealVerdict
from schemas.casework.cases import Case
from schemas.people.residents import ResidentId
from schemas.people.rosters import TaskState
from schemas.people.staff import Account, StaffRole

door = Door("/unmask")
COUNTERS = frozenset({StaffRole.SUPERVISOR, StaffRole.AUDITOR})
DAYS = 14


class Person(NamedTuple):
    """A row of the table: a person, and how often they revealed data on each of the days, the latest day first."""

    login: str
    name: str
    by_day: list[int]
    total: int


@door.act("", MAY, name="unmask")
async def begin(
    request: Request,
    who: Signed,
    case: Annotated[str, Form()] = "",
    why: Annotated[Literal[""] | RevealReason, Form()] = "",
    reason: Annotated[str, Form(max_length=500)] = "",
    form: Annotated[str, Form(max_length=64)] = "",
    back: Annotated[str, Form()] = "",
) -> Response:
    """Let the person see the data of the case's resident for the settings' `unmask_minutes`, for a reason, and redirect
    to `back`. A script gets JSON: `seconds` left.

    422 without a category of reason or if the text is meaningless; 429 above the quota, with the time at which another
    resident is allowed. Raises NotFoundError if the area does not have the case or, for an officer, if they have no
    open visit of it. Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    made = services(request)
    found = await _case(made, who, case)
    if not why:
        return error_response(request, 422, translate(request, "请选择查看理由的类别。"), "reason missing")
    try:
        counts = await unmask.begin(made, who, found, unmask.Wish(why, reason, form))
    except ValueError:
        words = translate(request, "请写明查看理由（至少四个字，不能只是重复的字）。")
        return error_response(request, 422, words, "reason missing")
    except unmask.QuotaError as error:
        return await quota_spent(request, who, error.until)
    if counts:
        await made.security.revealed(request, who.login, found.id)
    return await _answered(request, made, who, found.resident, local_path(back, f"/cases/{found.id}"))


@door.act("/end", MAY, name="unmask-end")
async def end(
    request: Request, who: Signed, case: Annotated[str, Form()] = "", back: Annotated[str, Form()] = ""
) -> Response:
    """Mask the data again before the time is over, and redirect to `back`; a script gets JSON: `seconds`, 0.

    Raises NotFoundError if the area does not have the case or, for an officer, if they have no open visit of it. Errors
    of Redis pass through; for an officer, also those of Kafka (TimeoutError, SendError).
    """
    made = services(request)
    found = await _case(made, who, case)
    await unmask.end(made, who, found.resident)
    return await _answered(request, made, who, found.resident, local_path(back, f"/cases/{found.id}"))


@door.page("", COUNTERS, name="unmaskings")
async def counted(request: Request, who: Signed, day: date | None = None) -> Response:
    """Return the page with how often each person of the area has revealed data, by day, in the last DAYS (14) days, and
    the sample to be reviewed of a past day (`day`; by default yesterday). Errors of Kafka and Redis pass through.
    """
    made = services(request)
    days = _days(made)
    chosen = day if day in days[1:] else days[1]
    accounts = {account.login: account for account in await made.staff.all()}
    return page(
        request,
        "unmaskings.html",
        days=days,
        people=_people(who, await unmask.counts(made, days[-1]), days, accounts),
        reads_audit=who.role is StaffRole.AUDITOR,
        day=chosen,
        reveals=await reveal_reviews.sampled_reveals(made, who, chosen, accounts),
        names={login: account.name for login, account in accounts.items()},
    )


@door.act("/review", COUNTERS, name="unmask-review")
async def review(
    request: Request,
    who: Signed,
    day: Annotated[date, Form()],
    reveal: Annotated[str, Form(max_length=64)],
    verdict: Annotated[RevealVerdict, Form()],
    words: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Confirm or question one revealing in a day's sample, and redirect to the page; 422 for a question without words.

    Raises NotFoundError if the day is not one of the page's, its sample does not have the revealing, or it is the
    reviewer's own. Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    if verdict is RevealVerdict.QUESTIONED and not is_sufficient_reason(words):
        return error_response(request, 422, translate(request, "请写明疑问（至少四个字）。"), "words missing")
    made = services(request)
    if day not in _days(made)[1:]:
        raise NotFoundError
    await reveal_reviews.review(made, who, day, reveal, verdict, words.strip())
    return RedirectResponse(f"{door.router.prefix}?day={day.isoformat()}", 303)


def _days(made: Services) -> list[date]:
    """Return the DAYS days of the page, today first."""
    today = local_date(made.line.clock.now())
    return [today - timedelta(days=ago) for ago in range(DAYS)]


def _people(
    who: Who, found: Counter[tuple[date, str]], days: list[date], accounts: Mapping[str, Account]
) -> list[Person]:
    """Return the people of the reader's area who revealed data, those with the most revealings first."""
    mine = [login for login in {login for _, login in found} if reveal_reviews.in_readers_area(who, login, accounts)]
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
    """Return a case of the person's area; for an officer, only one of which they have an open visit. Raises
    NotFoundError if the case is not found so.
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
