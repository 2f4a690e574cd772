"""Routes of the queue: its live list, filters, search, and claiming the next free case."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice

from fastapi import Request
from fastapi.responses import HTMLResponse
from starlette.responses import JSONResponse, RedirectResponse, Response

from console.web.auth import trail
from console.web.auth.who import Signed, Who
from console.web.kit.door import DESK, Door
from console.web.kit.events import open_stream
from console.web.kit.filled import wants_json
from console.web.kit.i18n import language_of, translate
from console.web.kit.pages import page
from console.web.kit.services import Services, services
from console.web.live import claims, filters, places
from console.web.live.filters import Filters
from console.web.live.row import Row, row_of
from console.web.live.search import LONGEST, Sought, found, sought
from console.web.live.stream import Listener, changes
from domain.calendar import local_date
from domain.wording import labels
from schemas.levels import GRAVEST_FIRST
from streams.repositories.residents.guardians import guardian_of
from streams.state.keys import milliseconds

door = Door()
AT_FIRST = 60  # rows of the first page, more than any screen shows; more are loaded when scrolling
FOUND = 100  # rows of a search's results, which load no more
MOST = 2000  # most rows that one request may ask for
FURTHEST = 1_000_000
LONGEST_MS = 13  # digits, until the year 2286


@door.page("/queue", DESK, name="queue")
async def queue(request: Request, who: Signed) -> Response:
    """Return the page with the AT_FIRST (60) first rows that match the query's filters; its script loads the rest.
    PolicyError passes through if the policy in force is invalid. Errors of Kafka and Redis pass through.
    """
    made = services(request)
    await made.queue.refresh()
    asked = Filters.of(request.query_params)
    rows, total = _matching(made, who, asked, 0, AT_FIRST)
    notice = ""
    if request.query_params.get("told") == "none":
        notice = _why_none(request, who)
    return _page(request, who, asked, rows, total, notice=notice)


@door.page("/queue/rows", DESK, name="queue-rows")
async def further(request: Request, who: Signed, offset: int = 0, count: int = AT_FIRST) -> Response:
    """Return JSON: `rows` from an offset as HTML, `total`: the number of matching rows, `mark`: where to start the
    stream, `now`: the time of the rows in ms since 1970, `expiring`: the number of cases with a deadline within a
    minute, `soonest`: the first of them as HTML.

    `offset`: at most FURTHEST (1,000,000); `count`: 1 to MOST (2,000). Values beyond are cut to these limits.
    PolicyError passes through if the policy in force is invalid. Errors of Kafka and Redis pass through.
    """
    made = services(request)
    await made.queue.refresh()
    asked, many = Filters.of(request.query_params), min(max(1, count), MOST)
    now = milliseconds(made.line.clock.now())
    mark, (rows, total) = made.hub.mark, _matching(made, who, asked, min(max(0, offset), FURTHEST), many)
    told = {
        "now": now,
        "rows": "".join(_html(request, rows)),
        "mark": mark,
        "total": total,
        "expiring": made.queue.expiring(who.area),
        "soonest": made.queue.soonest(who.area, language_of(request)),
    }
    return JSONResponse(told, headers={"Cache-Control": "no-store"})


@door.page("/queue/events", DESK, name="queue-events")
async def events(request: Request, who: Signed) -> Response:
    """Return a stream of the rows changed since a mark: Last-Event-ID after a reconnect, else the query's `from`.
    `loaded`: when the page loaded its rows, in ms since 1970.

    The stream ends with the session, or with an event `reload` if the mark is too old, changes were missed, or the day
    is another than that of `loaded`. 429 (TooManyError) if the account or the process has too many streams. PolicyError
    passes through if the policy in force is invalid. Errors of Kafka and Redis pass through.
    """
    await services(request).queue.refresh()
    mark = request.headers.get("last-event-id") or request.query_params.get("from", "")
    listener = Listener(who, language_of(request), Filters.of(request.query_params))
    loaded = _time_of(request.query_params.get("loaded", ""))
    return open_stream(request, who, changes(request, listener, mark, loaded))


@door.act("/queue/search", DESK, name="queue-search")
async def search(request: Request, who: Signed) -> Response:
    """Return the page with the open cases found by case number, name, or a telephone number (whole or its last four
    digits). A closed case is found only by its full number.

    The text is not stored. 422 if it is too short. UnknownPolicyError or PolicyError passes through if the policy in
    force is lost or invalid. Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    made = services(request)
    await made.queue.refresh()
    text = str((await request.form()).get("q", "")).strip()[:LONGEST]
    by = sought(text)
    if by is None:
        wrong = translate(request, "请输入编号、姓名，或电话的末四位或完整号码。")
        return _page(request, who, Filters(), [], 0, 422, sought=text, notice=wrong)
    await trail.record_look(made, who, "search", by.value)
    rows = found((row for row in made.queue.order() if who.sees(row.division)), text, by)
    if not rows and by is Sought.CASE:
        rows = await _closed(made, who, text)
    return _page(request, who, Filters(), rows, len(rows), sought=text)


@door.act("/queue/next", DESK, name="queue-next")
async def take_next(request: Request, who: Signed) -> Response:
    """Claim the most urgent free case of the area and redirect to it; JSON: `case`, null if none is free. TimeoutError
    and SendError of Kafka, and errors of Redis, pass through.
    """
    case = await claims.claim_next(services(request), who)
    if wants_json(request):
        return JSONResponse({"case": case.id if case else None})
    return RedirectResponse(f"/cases/{case.id}" if case else "/queue?told=none", 303)


def _why_none(request: Request, who: Who) -> str:
    """Return in words why no case can be claimed: none is open, others have claimed them, or their plans still run."""
    made = services(request)
    if not made.hub.ready.is_set():
        return translate(request, "正在读取全部预警，请稍后再按 N。")
    here = [row.case for row in made.hub.rows.values() if who.sees(row.division) and not row.case.settled]
    if not here:
        return translate(request, "没有可接手的预警：辖区内目前没有处于危险中的居民。")
    if any(claims.may_take(row, who) for row in made.hub.rows.values()):
        return translate(request, "现在有可接手的预警：请再按一次 N。")
    claimed = sum(case.claimed_by is not None for case in here)
    words = translate(request, "没有可接手的预警：%(claimed)s 件已有人接手，%(planned)s 件已联系过、按计划进行下一步。")
    return words % {"claimed": claimed, "planned": len(here) - claimed}


def _matching(made: Services, who: Who, asked: Filters, first: int, count: int) -> tuple[list[Row], int]:
    """Return `count` matching rows from the offset `first`, and the total number of matching rows."""
    now = made.line.clock.now()
    fitting = (row for row in made.queue.order() if asked.fits(row, who, now))
    if not asked.any:
        return list(islice(fitting, first, first + count)), made.queue.levels(who.area).total()
    rows = list(fitting)
    return rows[first : first + count], len(rows)


async def _closed(made: Services, who: Who, case_id: str) -> list[Row]:
    case = await made.desk.load(case_id)
    if case is None or not who.sees(case.profile.division):
        return []
    person = (await made.line.residents.standing([case.resident])).get(case.resident)
    guardian = await guardian_of(made.line.residents, person)
    found = row_of(case, person, guardian, await made.line.policies.live(), made.line.clock.now())
    return [replace(found, number=made.hub.numbers.of(case))]


def _page(
    request: Request,
    who: Who,
    asked: Filters,
    rows: Sequence[Row],
    total: int,
    status: int = 200,
    sought: str | None = None,
    notice: str = "",
) -> HTMLResponse:
    """Return the queue page. `sought`: the search text if the rows are search results, else None."""
    made = services(request)
    year = local_date(made.line.clock.now()).year
    return page(
        request,
        "queue.html",
        status,
        rows=_html(request, rows[:FOUND]),
        turns=[row.weight.turn.value for row in rows[:FOUND]],
        total=total,
        expiring=made.queue.expiring(who.area),
        soonest=made.queue.soonest(who.area, language_of(request)),
        levels=[(level, made.queue.levels(who.area)[level]) for level in GRAVEST_FIRST],
        filters=asked,
        places=places.within(who.area, year),
        scams=made.queue.scam_types(language_of(request)),
        channels=labels.CHANNELS,
        states=_states(),
        mark=made.hub.mark,
        ready=made.hub.ready.is_set(),
        sought=sought,
        notice=notice,
    )


def _html(request: Request, rows: Sequence[Row]) -> list[str]:
    language, made = language_of(request), services(request).queue
    return [made.html(row, language) for row in rows]


def _states() -> dict[str, str]:
    """Return the states to filter by, with their Chinese names."""
    standings = {
        filters.OFFERED: "待接手",
        filters.RETURNED: "接手超时退回",
        filters.MINE: "我接手的",
        filters.CLAIMED: "已有人接手",
        filters.OFFICER: "仅民警上门",
        filters.AUTOMATIC: "自动处置",
        filters.EXPIRING: "1 分钟内到期",
        filters.OVERDUE: "已超时",
        filters.APPROVAL: "待您审批",
        filters.ALL: "全部未办结",
    }
    return standings | {state.value: name for state, name in labels.STATES.items() if state.value in filters.STATES}


def _time_of(text: str) -> datetime | None:
    """Return the time of at most 13 digits, ms since 1970; None for any other text."""
    fits = text.isascii() and text.isdecimal() and len(text) <= LONGEST_MS
    return datetime.fromtimestamp(int(text) / 1000, UTC) if fits else None
