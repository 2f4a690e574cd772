"""Routes of the audit: search its entries, verify its chains, and export one case as a bundle."""

import asyncio
import logging
import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Form, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import RedirectResponse, Response

from console.web.auth import trail, unmask
from console.web.auth.who import Signed, Who
from console.web.auth.words import N_
from console.web.case.acts import found as found_case
from console.web.kit.door import Door
from console.web.kit.errors import error_response, quota_spent
from console.web.kit.filled import new_form
from console.web.kit.i18n import translate
from console.web.kit.pages import ZONE, page
from console.web.kit.services import Services, services
from console.web.overview import audit_words
from domain.access.reveals import LEAST_REASON, is_reveal
from schemas.people.staff import StaffRole
from streams.operations import bundles
from streams.runtime.tasks import TRANSIENT
from streams.security import audit_log
from streams.security.audit_chains import Heads
from streams.security.audit_log import AuditRecord, Wanted
from streams.security.head_files import signed_now

log = logging.getLogger(__name__)

door = Door("/audit")
AUDITORS = frozenset({StaffRole.AUDITOR})
EXPORTERS = frozenset({StaffRole.AUDITOR, StaffRole.SUPERVISOR})
SHOWN = 50
WAIT_SECONDS = 5.0  # waited for a verification; a longer one continues, and its result is shown later
CASE = re.compile(r"r[a-z2-7]{16}-[1-9][0-9]{0,8}")
_CHINESE = re.compile("[\u3400-\u9fff]")  # a station's or a person's name, no key
_NAMES = re.compile(r"[a-z][a-z0-9._:/-]{1,127}")  # our ids; other typed text may be a telephone number

_SAME = ("by", "act", "on", "reason", "detail")  # columns of adjacent rows that are shown as one
_verifying: set["asyncio.Task[None]"] = set()


class Filter(BaseModel):
    """The filter form's fields; an empty field filters nothing. Times without a zone are China's.

    `mended`: True includes the auditor's automatic repairs; `before`: an offset, at which and after which no entries
    are shown; None: from the newest entry.
    """

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)

    by: Annotated[str, Field(max_length=64)] = ""
    act: Annotated[str, Field(max_length=32)] = ""
    on: Annotated[str, Field(max_length=128)] = ""
    since: Annotated[str, Field(max_length=32)] = ""
    until: Annotated[str, Field(max_length=32)] = ""
    mended: bool = False
    before: int | None = None


@door.page("", AUDITORS, name="audit")
async def show(request: Request, who: Signed) -> Response:
    """Return the page with the SHOWN (50) newest audit entries, the number of the audit's hash chains, and the result
    of their last verification. Automatic repairs are left out; an auditor of an area gets only the entries of that
    area's people. Errors of Kafka and Redis pass through.
    """
    return await _shown(request, who, Filter())


@door.act("", AUDITORS, name="audit-filter")
async def find(request: Request, who: Signed, asked: Annotated[Filter, Form()]) -> Response:
    """Return the page with the SHOWN (50) newest entries that match the filter. The filter is sent by POST, so that no
    address contains the searched ids. An audit entry of a search by person or object is written first.

    422 for an invalid time. Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    if asked.on or asked.by:
        on = next((name for name in (asked.on, asked.by) if _NAMES.fullmatch(name)), "audit")
        await trail.record_look(services(request), who, "audit", on)
    return await _shown(request, who, asked)


@door.act("/verify", AUDITORS, name="audit-verify")
async def verify(request: Request, who: Signed) -> Response:
    """Verify all chains now, wait at most WAIT_SECONDS (5) for the result, and redirect to the audit page, which shows
    the latest result. A longer verification goes on; one that fails because a server is away is only logged.
    """
    if not _verifying:
        task = asyncio.create_task(_verify(services(request), who))
        _verifying.add(task)
        task.add_done_callback(_verifying.discard)
    await asyncio.wait(set(_verifying), timeout=WAIT_SECONDS)
    return RedirectResponse("/audit", 303)


@door.page("/heads", AUDITORS, name="audit-heads")
async def heads(request: Request, who: Signed) -> Response:
    """Write an audit entry, and return the heads (newest lines) of all chains as signed JSON lines to download, to be
    stored elsewhere: `quanzu audit verify --anchors FILE` compares them with the chains. TimeoutError and SendError of
    Kafka, and errors of Redis, pass through.
    """
    made = services(request)
    line = made.line
    await trail.write(made, who, "audit-heads", "audit")
    return _file(
        await signed_now(line.settings, Heads(line.redis), line.clock.now()), "application/jsonl", "audit-heads.jsonl"
    )


@door.page("/export/{case_id}", EXPORTERS, name="export-ask")
async def ask(request: Request, who: Signed, case_id: str) -> Response:
    """Return the page that asks for the reason of an export. Raises NotFoundError if the person's area does not have
    the case. Errors of Redis pass through.
    """
    case = await found_case(services(request), who, case_id)
    return page(request, "export.html", case=case, form_id=new_form(), least=LEAST_REASON)


@door.act("/export/{case_id}", EXPORTERS, name="export", steps_up=N_("导出预警"))
async def export(
    request: Request, who: Signed, case_id: str, reason: Annotated[str, Form(max_length=500)] = ""
) -> Response:
    """Write the audit entry, and return the case's bundle (ZIP) to download. The export counts as revealing the
    resident's data: 422 if the reason is too short or meaningless, 429 above the quota. Raises NotFoundError if the
    person's area does not have the case. UnknownPolicyError passes through if a policy by which the case was decided is
    stored nowhere. Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    made = services(request)
    case = await found_case(made, who, case_id)
    try:
        await unmask.record_export(made, who, case, reason)
    except ValueError:
        words = translate(request, "请写明导出理由（至少四个字，不能只是重复的字）。")
        return error_response(request, 422, words, "reason missing")
    except unmask.QuotaError as error:
        return await quota_spent(request, who, error.until)
    await made.security.revealed(request, who.login, case.id)
    raw = await bundles.case_bundle(made.line, case, who.login, reason.strip())
    return _file(raw, "application/zip", f"{case.id}.zip")


async def _verify(made: Services, who: Who) -> None:
    try:
        found = await audit_log.verified(made.line.settings, Heads(made.line.redis))
        kept = await audit_log.remember(made.line.redis, found, made.line.clock.now(), who.login)
        detail = kept.fault.words if kept.fault else f"{kept.lines} lines are whole"
        await trail.write(made, who, "audit-verified", "audit", detail=detail)
    except TRANSIENT as error:
        log.warning("the audit was not verified: %s", type(error).__name__)


async def _shown(request: Request, who: Who, asked: Filter) -> Response:
    made = services(request)
    accounts = {each.login: each.name for each in await made.staff.all() if who.sees(each.area)}
    try:
        wanted = _wanted(who, asked, frozenset(accounts))
    except ValueError:
        return error_response(
            request,
            422,
            translate(request, "时间的写法有误：请写成 2026-03-02 09:30，或只写日期 2026-03-02。"),
            "time not understood",
        )
    found = await audit_log.newest(made.line.settings, wanted, SHOWN, asked.before)
    rows = folded_rows([row_of_record(each, accounts) for each in found.lines])
    return page(
        request,
        "audit.html",
        asked=asked,
        groups=audit_words.GROUPS,
        accounts=accounts,
        rows=rows,
        numbers=await _numbers(made, {row["case"] for row in rows} - {""}),
        before=found.before,
        left=found.left,
        verification=await audit_log.remembered(made.line.redis),
        verifying=bool(_verifying),
        chains=len(await Heads(made.line.redis).all()),
    )


async def _numbers(made: Services, ids: Collection[str]) -> dict[str, str]:
    """Return the numbers of the cases, open or closed, by id. A case that was deleted has none."""
    cases = await asyncio.gather(*(made.desk.load(each) for each in sorted(ids)))
    return {case.id: made.hub.numbers.of(case) for case in cases if case is not None}


def _wanted(who: Who, asked: Filter, logins: frozenset[str]) -> Wanted:
    """Return the form's filter for the audit log. An auditor of an area sees only the acts of its people, `logins`.
    Raises ValueError for an invalid time.
    """
    return Wanted(
        by=asked.by,
        on=asked.on,
        since=_moment(asked.since),
        until=_moment(asked.until, end=True),
        among=logins if who.area else None,
        mended=asked.mended or bool(asked.by),
        acts=audit_words.acts_of(asked.act),
    )


def _moment(text: str, *, end: bool = False) -> datetime | None:
    """Return the moment of a filter's time, None for an empty one. A date alone is the beginning of the day, with `end`
    that of the next day. Raises ValueError for an invalid time.
    """
    if not text:
        return None
    at = datetime.fromisoformat(text)
    if end and len(text) == len("2026-03-02"):
        try:
            at += timedelta(days=1)
        except OverflowError:
            raise ValueError(text) from None
    return at if at.tzinfo else at.replace(tzinfo=ZONE)


def row_of_record(line: AuditRecord, accounts: Mapping[str, str]) -> dict[str, Any]:
    """Return the template variables of an entry's table row: the act in words (`words`), the time in China (`when`),
    and the keys of the entry. `same`: an empty list, which `folded_rows` fills. `accounts`: names by login.
    """
    entry = line.entry
    case = entry.on if CASE.fullmatch(entry.on) else ""
    return {
        "offset": line.offset,
        "at": entry.at,
        "when": f"{entry.at.astimezone(ZONE):%Y-%m-%d %H:%M:%S}",
        "by": entry.by,
        "name": accounts.get(entry.by, ""),
        "token": entry.token or "",
        "act": entry.act,
        "words": audit_words.words(entry.act),
        "on": entry.on,
        "about": accounts.get(entry.on, "") or (entry.on if _CHINESE.search(entry.on) else ""),
        "case": case,
        "reason": entry.reason,
        "reveals": is_reveal(entry),
        "same": [],
        "detail": entry.detail,
        "chain": entry.link.chain if entry.link else "",
        "number": entry.link.number if entry.link else 0,
        "names": [head.chain for head in entry.link.heads] if entry.link else [],
    }


def folded_rows(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows in their order, the latest first. Adjacent rows in which a person did the same to the same object
    for the same reason become one row: the others are added to the list `same` of the first one, which is changed. A
    row that revealed personal data is never joined to an earlier one.
    """
    found: list[dict[str, Any]] = []
    for row in rows:
        before = found[-1] if found else None
        if before and not row["reveals"] and all(before[name] == row[name] for name in _SAME):
            before["same"].append(row)
        else:
            found.append(row)
    return found


def _file(raw: bytes, kind: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(raw, 200, headers, kind)
