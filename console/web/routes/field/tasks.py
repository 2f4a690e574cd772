"""Routes of the officers' page: an app shell for the telephone, its data as JSON, and the acts that it sends.

The shell contains no task data. docs/officers.md says which data the telephone stores, and for how long.
"""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from functools import lru_cache, partial
from typing import Annotated, Any

from fastapi import Form, Request
from pydantic import ValidationError
from starlette.responses import JSONResponse, Response

from console.web.auth import csrf, trail, unmask
from console.web.auth.who import NotFoundError, Signed, Who
from console.web.case.answers import Answered
from console.web.kit import wording
from console.web.kit.door import Door
from console.web.kit.events import Look, open_stream
from console.web.kit.i18n import translate
from console.web.kit.pages import page
from console.web.kit.services import Services, services
from console.web.kit.static_files import STATIC
from console.web.tasks import mine as of_officer
from console.web.tasks import tiles
from console.web.tasks.acts import Act, ActReply, Taking
from console.web.tasks.searches import takes_part
from domain.access.key_rings import KeyPurpose
from domain.calendar import local_date
from schemas.casework.cases import Case
from schemas.levels import Level
from schemas.people.staff import StaffRole
from schemas.people.tasks import act_adapter
from streams.runtime.tasks import wanted

door = Door()
OFFICERS = frozenset({StaffRole.OFFICER})
PARTS = ("quanzu.css", "tasks.css", "clock.js", "keys.js", "icon.svg")
MOST_ACTS = 100  # in one message, more than a shift's work
LOOK_SECONDS = 10.0  # between checks of the session
CHANGCHUN = "220100"
MANIFEST = {
    "name": "劝阻 · 我的任务",
    "short_name": "劝阻任务",
    "lang": "zh-CN",
    "id": "/tasks",
    "start_url": "/tasks",
    "scope": "/tasks",
    "display": "standalone",
    "background_color": "#f6f7f9",
    "theme_color": "#0b3d91",
    "icons": [
        {"src": "/static/tasks/icon.svg", "sizes": "any", "type": "image/svg+xml", "purpose": "any"},
        {"src": "/static/tasks/icon-192.png", "sizes": "192x192", "type": "image/png", "purpose": "any maskable"},
        {"src": "/static/tasks/icon-512.png", "sizes": "512x512", "type": "image/png", "purpose": "any maskable"},
    ],
}


@door.page("/tasks", OFFICERS, name="tasks")
async def tasks(request: Request, who: Signed) -> Response:
    """Return the app shell, an HTML page: the map, and the forms that the scripts fill. Errors of Kafka and Redis pass
    through.
    """
    made = services(request)
    today = local_date(made.line.clock.now())
    roster = await made.line.outgoing.rosters.roster_of(who.officer) if who.officer else None
    here = next((each.division for each in (roster.officers if roster else []) if each.id == who.officer), "")
    near = f"{here[:4]}00" if here else CHANGCHUN
    return page(
        request,
        "tasks.html",
        province=tiles.of_province(today),
        prefecture=tiles.of_prefecture(near, today),
        columns=tiles.COLUMNS,
        rows=tiles.rows,
        here=here,
        levels=list(Level),
    )


@door.page("/tasks/mine", OFFICERS, name="tasks-mine")
async def mine(request: Request, who: Signed) -> Response:
    """Return the officer's open tasks as JSON. An audit entry that they are looked at is written first.
    UnknownPolicyError or PolicyError passes through if the policy in force is lost or invalid. Errors of Kafka (such as
    TimeoutError and SendError) and Redis pass through.
    """
    made = services(request)
    found = await of_officer.find(made, who)
    await of_officer.record_look(made, who, found)
    say = partial(translate, request)
    proof = csrf.token(made.keys(KeyPurpose.SESSION), who)
    return JSONResponse(
        of_officer.work_json(made, who, found, say, wording.renderer_of(request).sentence, proof),
        headers={"Cache-Control": "no-store"},
    )


@door.page("/tasks/phone", OFFICERS, name="tasks-phone")
async def phone(request: Request, who: Signed, case: str = "") -> Response:
    """Return JSON: `phone`, the full telephone number of the resident of an open task's case, and `seconds`, for how
    long it may be shown, while it is revealed (/unmask); else "" and 0. UnknownPolicyError or PolicyError passes
    through if the policy in force is lost or invalid. Errors of Kafka (such as TimeoutError and SendError) and Redis
    pass through.
    """
    made = services(request)
    found = await of_officer.find(made, who)
    resident = next((each.task.resident for each in found.errands if each.case.id == case), None)
    seconds = await unmask.seconds_left(made, who, resident) if resident else 0
    now = made.line.clock.now()
    told = found.dialled(resident, now) if resident and seconds else ""
    return JSONResponse({"phone": told, "seconds": seconds}, headers={"Cache-Control": "no-store"})


@door.act("/tasks/call", OFFICERS, name="tasks-call")
async def call(request: Request, who: Signed, case: Annotated[str, Form(max_length=64)] = "") -> Response:
    """Return JSON: `phone`, the resident's telephone number, which the telephone dials in one tap without showing it;
    "" if unknown.

    Raises NotFoundError unless the officer has an open task of the case. An audit entry of the call is written first.
    UnknownPolicyError or PolicyError passes through if the policy in force is lost or invalid. Errors of Kafka (such as
    TimeoutError and SendError) and Redis pass through.
    """
    made = services(request)
    found = await of_officer.find(made, who)
    resident = next((each.task.resident for each in found.errands if each.case.id == case), None)
    if resident is None:
        raise NotFoundError
    await trail.record_look(made, who, "call", case)
    told = found.dialled(resident, made.line.clock.now())
    return JSONResponse({"phone": told}, headers={"Cache-Control": "no-store"})


@door.act("/tasks/acts", OFFICERS, name="tasks-acts")
async def acts(request: Request, who: Signed) -> Response:
    """Process the acts that the telephone sends, {"acts": [...]}, oldest first.

    JSON: `answers`, each with `id`, `how` (done, refused or waiting) and `words`. 422 if the message is invalid or has
    more than MOST_ACTS (100) acts; an invalid act alone is refused. Errors of Kafka (such as TimeoutError and
    SendError) and Redis pass through; after 503 (TimeoutError) the telephone sends the same message again.
    """
    given = _listed(await request.body())
    if given is None:
        return _wrong(f'write {{"acts": [...]}} with {MOST_ACTS} acts at most')
    say = partial(translate, request)
    read = [_read(raw) for raw in given]
    unreadable = [
        ActReply(name, Answered.REFUSED, say("无法读取，请更新页面")) for name in read if isinstance(name, str)
    ]
    known: Sequence[Act] = [act for act in read if not isinstance(act, str)]
    async with trail.in_time():
        told = await Taking(services(request), who, say).take(known)
    answers = [{"id": each.id, "how": each.how.value, "words": each.words} for each in (*told, *unreadable)]
    return JSONResponse({"answers": answers})


@door.page("/tasks/events", OFFICERS, name="tasks-events")
async def events(request: Request, who: Signed) -> Response:
    """Return a stream with an event `tasks` whenever the officer's tasks may have changed. The event has no details.

    The stream ends with the session, which lasts `waiting_hours` while an officer only waits. 429 (TooManyError) if the
    account or the process has too many streams. Errors of Kafka and Redis end the stream.
    """
    return open_stream(request, who, _changes(request, who))


@door.public("GET", "/tasks/worker.js", name="tasks-worker")
async def worker(request: Request) -> Response:
    """Return the script of the service worker, which controls all paths under /tasks. It contains no personal data."""
    headers = {"Service-Worker-Allowed": "/tasks", "Cache-Control": "no-cache"}
    return Response(_worker(), media_type="text/javascript", headers=headers)


@door.public("GET", "/tasks/manifest.webmanifest", name="tasks-manifest")
async def manifest(request: Request) -> Response:
    """Return the web app manifest, with which the page is installed. It is public, because browsers request it without
    the session.
    """
    return Response(json.dumps(MANIFEST, ensure_ascii=False), media_type="application/manifest+json")


async def _changes(request: Request, who: Who) -> AsyncIterator[dict[str, str]]:
    made, look = services(request), Look(request, who, LOOK_SECONDS)
    with made.hub.watching() as screen:
        while wanted():
            cases = await _cases(made, who)
            yield {"event": "tasks", "data": "changed"}
            while wanted():
                if await look.ended():
                    yield {"event": "tasks", "data": "signed out"}  # the page then asks and gets 401
                    return
                try:
                    row = await asyncio.wait_for(screen.get(), LOOK_SECONDS)
                except TimeoutError:
                    continue
                if row is None or row.case.id in cases or _concerns(row.case, who):
                    break


def _concerns(case: Case, who: Who) -> bool:
    """Return True if the case goes on with the officer, or the officer takes part in a search of it."""
    return who.officer is not None and (case.officer == who.officer or takes_part(case, who.officer))


async def _cases(made: Services, who: Who) -> set[str]:
    """Return the ids of all cases of which the officer has or had a task."""
    found = await made.line.outgoing.rosters.tasks(made.line.clock.now())
    return {task.case for task in found.values() if task.officer == who.officer}


def _listed(body: bytes) -> list[Any] | None:
    try:
        given = json.loads(body)  # not orjson: half a character in one act would refuse all of them, for ever
    except (ValueError, RecursionError):
        return None
    found = given.get("acts") if isinstance(given, dict) else None
    return found if isinstance(found, list) and len(found) <= MOST_ACTS else None


def _read(raw: object) -> Act | str:
    """Return the act, or only its id if the act is invalid, so that it does not block the acts after it."""
    try:
        return act_adapter.validate_python(raw)
    except ValidationError:
        name = raw.get("id") if isinstance(raw, dict) else None
        return str(name)[:64]


def _wrong(do: str) -> JSONResponse:
    return JSONResponse({"error": "cannot be read", "do": do}, 422)


@lru_cache(maxsize=1)
def _worker() -> str:
    """Return the service worker's script, with the list of files to cache and a version made from their content."""
    scripts = sorted(file for file in (STATIC / "tasks").iterdir() if file.name != "worker.js")
    files = [STATIC / name for name in PARTS] + scripts
    text = (STATIC / "tasks" / "worker.js").read_text("utf-8")
    digest = hashlib.sha256(b"".join([text.encode(), *(file.read_bytes() for file in files)])).hexdigest()[:16]
    names = [f"/static/{file.relative_to(STATIC).as_posix()}" for file in files]
    return text.replace('"__FILES__"', json.dumps(names)).replace("__VERSION__", digest)
