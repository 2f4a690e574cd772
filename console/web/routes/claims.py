"""Claims of a case: taken, kept while the page is open, given back."""

from fastapi import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from console.web.door import DESK, Door
from console.web.i18n import translate
from console.web.live import claims
from console.web.pages import page
from console.web.services import Services, services
from console.web.who import NotFoundError, Signed, Who
from schemas.cases import Case

door = Door(prefix="/cases")


@door.act("/{case_id}/claim", DESK, name="case-claim")
async def claim(request: Request, who: Signed, case_id: str) -> Response:
    """Take a case; 409 when somebody has it."""
    made = services(request)
    case = await _case(made, who, case_id)
    if await claims.claim(made, who, case):
        return _answer(request, f"/cases/{case.id}", {"held": True, "seconds": _lease_seconds(made)})
    if _wants_json(request):
        return JSONResponse({"error": "claimed", "held": False, "by": case.claimed_by}, 409)
    words = translate(request, "该警情已有他人接手，或已结案。")
    return page(request, "told.html", 409, words=words)


@door.act("/{case_id}/release", DESK, name="case-release")
async def release(request: Request, who: Signed, case_id: str) -> Response:
    """Give one's case back."""
    made = services(request)
    await claims.give_back(made, who, await _case(made, who, case_id))
    return _answer(request, "/queue", {"held": False})


@door.act("/{case_id}/renew", DESK, name="case-renew")
async def renew(request: Request, who: Signed, case_id: str) -> Response:
    """The case's page is open still: `held` tells whether the case is the person's, `seconds` when to say so again."""
    made = services(request)
    held = await claims.renew(made, who, await _case(made, who, case_id))
    return JSONResponse({"held": held, "seconds": made.line.clock.wall_seconds(made.desk.beat)})


async def _case(made: Services, who: Who, case_id: str) -> Case:
    case = await made.desk.load(case_id)
    if case is None or not who.sees(case.profile.division):
        raise NotFoundError
    return case


def _answer(request: Request, leads_to: str, told: dict[str, object]) -> Response:
    return JSONResponse(told) if _wants_json(request) else RedirectResponse(leads_to, 303)


def _wants_json(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "")


def _lease_seconds(made: Services) -> float:
    """How long the lease lasts on the wall's clock."""
    return made.line.clock.wall_seconds(made.desk.lease)
