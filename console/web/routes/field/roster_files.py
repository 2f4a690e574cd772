"""Routes for roster files: import of CSV or iCalendar with a preview, export, and calendar addresses
for subscriptions.
"""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.responses import RedirectResponse, Response

from console.web.auth.who import NotFoundError, Signed, Who
from console.web.kit.door import SUPERVISORS, Door
from console.web.kit.filled import form_value, new_form
from console.web.kit.i18n import translate
from console.web.kit.pages import ZONE, page
from console.web.kit.services import Services, services
from console.web.rosters import calendars
from console.web.rosters.rostering import (
    CHANGED,
    RefusedError,
    form_id,
    found,
    in_area,
    only_here,
    put,
    seen,
    stations,
    within_limits,
    words,
    write,
)
from domain.ids import short_hash
from domain.visits import roster_file, rostering
from domain.visits.roster_file import MOST_BYTES, Cell, Difference, EncodingError, WrongCell
from domain.visits.rostering import Wrong
from schemas.people.rosters import Feed, Officer, Roster, RosterChange
from streams.repositories.stations import NOTHING, Stored

door = Door("/rosters")
FEED_LASTS = timedelta(days=180)  # whoever left, or lost a telephone, does not read the shifts for ever
PAST = timedelta(days=14)  # past shifts that a calendar still contains
TELLING = 8  # first characters of a token, which identify the station

CELLS = {
    Cell.MISSING: "缺少内容",
    Cell.COLUMN: "文件没有这一列",
    Cell.ROLE: "角色不对：写民警、辅警、网格长、楼栋长之一",
    Cell.DIVISION: "不是吉林的区划代码",
    Cell.ELSEWHERE: "不在您的辖区",
    Cell.LANGUAGE: "语言不对：写 zh、ko 或 zh ko",
    Cell.TIME: "时间不对：写成 2026-03-02 08:00",
    Cell.TEXT: "无法读取，或过长",
    Cell.DIFFERS: "与此人前面的行不一致",
    Cell.PHONE: "不是电话号码",
    Cell.MANY: "超过上限",
    Cell.NOT_FORWARD: "结束时间须晚于开始时间",
    Cell.TOO_LONG: "一个班次不能超过 24 小时",
    Cell.OVERLAP: "与此人的另一班次重叠",
    Cell.ABSENT: "此人在这段时间缺勤",
    Cell.NOBODY: "名册上没有此人",
    Cell.REPEATS: "重复日程不能导入：请导出为单次日程",
}


@dataclass(frozen=True, slots=True)
class Proposal:
    """The roster that a file proposes for one station. `mark`: the version of the stored roster that
    it would replace.
    """

    roster: Roster
    mark: str
    difference: Difference


@door.page("/import", SUPERVISORS, name="roster-import")
async def importing(request: Request, who: Signed, station: str = "") -> Response:
    """Return the page with the form to choose a file. `station`: the station to preselect. Errors of Redis pass
    through.
    """
    return await _import_page(request, who, station)


@door.act("/import", SUPERVISORS, name="roster-import-preview")
async def preview(request: Request, who: Signed) -> Response:
    """Return the page with a file's errors (422), or with the changes that the file proposes. 413 if the file is too
    large.

    Raises NotFoundError if a calendar's station is not in the person's area. Errors of Redis pass through.
    """
    form = await request.form()
    station, whose = form_value(form, "station"), form_value(form, "officer")
    try:
        text = await _text(request, form)
        proposals, wrong = await _proposed(services(request), who, text, station, whose)
    except RefusedError as error:
        return await _import_page(request, who, station, error.status, refused=words(request, error))
    status = 422 if wrong or _refused(proposals) else 200
    return await _import_page(request, who, station, status, proposals=proposals, wrong=wrong, text=text, officer=whose)


@door.act("/import/take", SUPERVISORS, name="roster-import-take")
async def take(request: Request, who: Signed) -> Response:
    """Import a previewed file, after parsing it again, and redirect to the rosters.

    409, 422 or 503 if a station is refused, for example because its roster changed since the preview. Then no station
    is imported, unless the refusal happens while the rosters are being written: those already written stay, and the
    same form writes the rest. Raises NotFoundError if a calendar's station is not in the person's area. Errors of Redis
    pass through.
    """
    made, form = services(request), await request.form()
    station, whose, text = (
        form_value(form, "station"),
        form_value(form, "officer"),
        form_value(form, "text").replace("\r\n", "\n"),
    )
    proposals, wrong = await _proposed(made, who, text, station, whose)
    try:
        await _take_all(made, who, proposals, wrong, form)
    except RefusedError as error:
        proposals, wrong = await _proposed(made, who, text, station, whose)
        shown = words(request, error)
        return await _import_page(
            request, who, station, error.status, proposals, wrong, text=text, officer=whose, refused=shown
        )
    name = proposals[0].roster.station if len(proposals) == 1 else ""
    return RedirectResponse("/rosters?" + urlencode({"station": name} if name else {}), 303)


@door.page("/file.csv", SUPERVISORS, name="roster-file")
async def file(request: Request, who: Signed, station: str = "") -> Response:
    """Return a station's roster as a CSV file to download, change and import again; without a station, all rosters of
    the area.

    Raises NotFoundError if the station is not in the person's area. Errors of Redis pass through.
    """
    made = services(request)
    rosters = [(await found(made, who, station)).roster] if station else (await seen(made, who)).values()
    told = roster_file.written(rosters, ZONE).encode("utf-8-sig")  # the byte order mark makes spreadsheets read UTF-8
    headers = {"Content-Disposition": 'attachment; filename="roster.csv"', "Cache-Control": "no-store"}
    return Response(told, media_type="text/csv", headers=headers)


@door.act("/feeds", SUPERVISORS, name="roster-feed-renew")
async def renew(request: Request, who: Signed) -> Response:
    """Make a new secret address for an officer's or the station's calendar, which the page shows once. The old address
    ends.

    409, 422 or 503 with the reason if this is refused. Raises NotFoundError if the station is not in the person's area.
    Errors of Redis pass through.
    """
    made, form = services(request), await request.form()
    stored = await found(made, who, form_value(form, "station"))
    officer = form_value(form, "officer") or None
    token = short_hash("station", stored.roster.station)[:TELLING] + secrets.token_urlsafe(24)

    def with_feed(roster: Roster, now: datetime) -> Roster:
        if officer:
            rostering.named(roster, officer)
        others = [each for each in roster.feeds if each.officer != officer]
        added = Feed(officer=officer, token=_hashed(token), until=now + FEED_LASTS)
        return roster.model_copy(update={"feeds": [*others, added]})

    try:
        await write(request, who, stored, form, "roster-feed-renewed", with_feed, officer or "")
    except RefusedError as error:
        return await _feeds(request, who, stored.roster.station, error.status, refused=words(request, error))
    address = f"{_origin(request)}/rosters/feed/{token}.ics"
    return await _feeds(request, who, stored.roster.station, address=address, officer=officer)


@door.act("/feeds/end", SUPERVISORS, name="roster-feed-end")
async def end(request: Request, who: Signed) -> Response:
    """End a calendar's secret address and redirect to the station's addresses.

    409 or 503 with the reason if this is refused. Raises NotFoundError if the station is not in the person's area.
    Errors of Redis pass through.
    """
    made, form = services(request), await request.form()
    stored = await found(made, who, form_value(form, "station"))
    officer = form_value(form, "officer") or None

    def without(roster: Roster, now: datetime) -> Roster:
        return roster.model_copy(update={"feeds": [each for each in roster.feeds if each.officer != officer]})

    try:
        await write(request, who, stored, form, "roster-feed-ended", without, officer or "")
    except RefusedError as error:
        return await _feeds(request, who, stored.roster.station, error.status, refused=words(request, error))
    return RedirectResponse("/rosters/feeds?" + urlencode({"station": stored.roster.station}), 303)


@door.page("/feeds", SUPERVISORS, name="roster-feeds")
async def feeds(request: Request, who: Signed, station: str = "") -> Response:
    """Return the page that lists which calendars of a station (its officers' and its own) have a secret address,
    without the address.

    Raises NotFoundError if the person's area does not have the station, or no station is given. Errors of Redis pass
    through.
    """
    return await _feeds(request, who, station)


@door.public("GET", "/feed/{token}.ics", name="roster-feed")
async def feed(request: Request, token: str) -> Response:
    """Return the calendar (iCalendar) of a secret address, without data of residents and without shifts that ended over
    PAST (14 days) ago.

    Raises NotFoundError if the address is unknown, ended or expired. Errors of Redis pass through.
    """
    made = services(request)
    roster, given = await _behind(made, token)
    now = made.line.clock.now()
    if roster is None or given is None or given.until <= now:
        raise NotFoundError
    people = [_recent(each, now) for each in roster.officers if given.officer in (None, each.id)]
    told = calendars.calendar(roster.station, people, now, translate(request, "值班"))
    return Response(told, media_type="text/calendar; charset=utf-8", headers={"Cache-Control": "private, max-age=300"})


async def _take_all(
    made: Services, who: Who, proposals: list[Proposal], wrong: list[WrongCell], form: FormData
) -> None:
    if wrong or _refused(proposals):
        raise RefusedError(CHANGED, 409)
    parts = (part.partition("|") for part in form.getlist("mark") if isinstance(part, str))
    marks = {station: mark for mark, _, station in parts}
    name = form_id(who, form)
    # Of a repeated form, those are left that it has not imported.
    left = [each for each in proposals if not (each.roster.changed and each.roster.changed.form == name)]
    if any(marks.get(each.roster.station) != each.mark for each in left):
        raise RefusedError(CHANGED, 409)
    changed = RosterChange(at=made.line.clock.now(), by=who.login, form=name)
    stamped = [each.roster.model_copy(update={"changed": changed}) for each in left]
    await _check_all(made, stamped)
    for each, roster in zip(left, stamped, strict=True):
        told = f"{len(each.difference.shifts_in)} shifts in, {len(each.difference.shifts_out)} out"
        await put(made, who, roster, each.mark, "roster-imported", told)


async def _check_all(made: Services, rosters: Sequence[Roster]) -> None:
    """Raise RefusedError if one of the rosters is too large, or if they would newly put a person on two rosters."""
    stored = await stations(made).all()
    after = stored | {roster.station: roster for roster in rosters}
    for roster in rosters:
        await asyncio.to_thread(within_limits, roster)
        only_here(stored.get(roster.station), roster, after)


async def _proposed(
    made: Services, who: Who, text: str, station: str, whose: str
) -> tuple[list[Proposal], list[WrongCell]]:
    """Return the rosters that a file proposes, and the file's errors. Raises NotFoundError if the station is outside
    the area.

    Large files are parsed in threads, because they take a second, in which other pages must still be served.
    """
    if text.lstrip().upper().startswith("BEGIN:VCALENDAR"):
        stored = await found(made, who, station)
        now = made.line.clock.now()
        return await asyncio.to_thread(_from_calendar, text, stored, whose, now)
    parsed = await asyncio.to_thread(roster_file.parse, text, who.area, ZONE)
    proposals = []
    for name, people in parsed.stations.items():
        before = await stations(made).get(name)
        if before and before.roster.officers and not in_area(who, before.roster):
            parsed.wrong.append(WrongCell(1, "station", Cell.ELSEWHERE, name))
            continue
        proposals.append(await asyncio.to_thread(_from_file, before, name, list(people.values())))
    return proposals, parsed.wrong


def _from_file(before: Stored | None, station: str, people: Sequence[Officer]) -> Proposal:
    old = before.roster if before else None
    after = roster_file.imported(old, station, people)
    return Proposal(after, before.mark if before else NOTHING, roster_file.difference(old, after))


def _from_calendar(text: str, stored: Stored, whose: str, now: datetime) -> tuple[list[Proposal], list[WrongCell]]:
    shifts, wrong = calendars.read(text.encode(), stored.roster, whose, ZONE)
    after = roster_file.replaced(stored.roster, shifts, now)
    return [Proposal(after, stored.mark, roster_file.difference(stored.roster, after))], wrong


def _refused(proposals: list[Proposal]) -> bool:
    """Return True if a proposal has a clash that cannot be accepted. A short rest is only reported, so it does not
    count.
    """
    return any(clash.wrong is not Wrong.SHORT_REST for each in proposals for clash in each.difference.clashes)


async def _text(request: Request, form: FormData) -> str:
    """Return the uploaded file's text. Raises RefusedError if the file is missing, too large or wrongly encoded."""
    given = form.get("file")
    if not isinstance(given, UploadFile) or not given.filename:
        raise RefusedError("请选择文件。")
    raw = await given.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise RefusedError("文件过大：最多 500 KB，请分站点导入。", 413)
    try:
        return roster_file.decode(raw).replace("\r\n", "\n")
    except EncodingError as error:
        told = translate(request, "文件既不是 UTF-8 也不是 GB18030 编码，第 {at} 个字节有误。")
        raise RefusedError(told.format(at=error.at)) from None


async def _import_page(
    request: Request,
    who: Who,
    station: str,
    status: int = 200,
    proposals: list[Proposal] | None = None,
    wrong: list[WrongCell] | None = None,
    *,
    text: str = "",
    officer: str = "",
    refused: str = "",
) -> Response:
    made = services(request)
    rosters = await seen(made, who)
    people = rosters[station].officers if station in rosters else []
    return page(
        request,
        "roster_import.html",
        status,
        station=station,
        stations=list(rosters),
        people=people,
        proposals=proposals or [],
        wrong=wrong or [],
        blocked=bool(wrong) or _refused(proposals or []),
        text=text,
        officer=officer,
        refused=refused,
        cells=CELLS,
        columns=",".join(roster_file.COLUMNS),
        zone=ZONE,
        form=new_form(),
    )


async def _feeds(
    request: Request,
    who: Who,
    station: str,
    status: int = 200,
    *,
    address: str = "",
    officer: str | None = None,
    refused: str = "",
) -> Response:
    stored = await found(services(request), who, station)
    return page(
        request,
        "roster_feeds.html",
        status,
        roster=stored.roster,
        mark=stored.mark,
        names={each.id: each.name for each in stored.roster.officers},
        address=address,
        officer=officer,
        refused=refused,
        form=new_form(),
    )


async def _behind(made: Services, token: str) -> tuple[Roster | None, Feed | None]:
    """Return the roster and the feed of a calendar's token; None for each that does not exist. The token's first
    characters select the one station to read.
    """
    name = next(
        (each for each in await stations(made).names() if short_hash("station", each)[:TELLING] == token[:TELLING]),
        None,
    )
    stored = await stations(made).get(name) if name is not None else None
    if stored is None:
        return None, None
    wanted = _hashed(token)
    given = next((each for each in stored.roster.feeds if hmac.compare_digest(each.token, wanted)), None)
    return stored.roster, given


def _recent(officer: Officer, now: datetime) -> Officer:
    return officer.model_copy(update={"shifts": [each for each in officer.shifts if each.end > now - PAST]})


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _origin(request: Request) -> str:
    return (services(request).settings.origin or str(request.base_url)).rstrip("/")
