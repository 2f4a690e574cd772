"""Routes for claims: claim a case, renew the claim while its page is open, give it back."""

from collections.abc import Sequence

from fastapi import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from console.web.auth.who import Signed, Who
from console.web.case.acts import found, news
from console.web.case.stories import TimelineEntry
from console.web.kit.door import DESK, Door
from console.web.kit.filled import wants_json
from console.web.kit.i18n import translate
from console.web.kit.pages import page
from console.web.kit.services import Services, services
from console.web.live import claims
from domain.wording import labels
from schemas.casework.cases import Case
from schemas.casework.events import FactKind

door = Door(prefix="/cases")
_ENDS = {FactKind.STATE, FactKind.CLOSED, FactKind.REOPENED, FactKind.UNCLAIMED}


@door.act("/{case_id}/claim", DESK, name="case-claim")
async def claim(request: Request, who: Signed, case_id: str) -> Response:
    """Claim a case and redirect to its page; 409 if the case is closed or claimed by another person.

    JSON: `held`, and `seconds`: the length of the lease (wall clock). Raises NotFoundError if the person's area does
    not have the case. TimeoutError and SendError of Kafka, and errors of Redis, pass through.
    """
    made = services(request)
    case = await found(made, who, case_id)
    if await claims.claim(made, who, case):
        return _answer(request, f"/cases/{case.id}", {"held": True, "seconds": _lease_seconds(made)})
    if wants_json(request):
        return JSONResponse({"error": "claimed", "held": False, "by": case.claimed_by}, 409)
    words = translate(request, "该预警已有他人接手，或已办结。")
    return page(request, "told.html", 409, words=words)


@door.act("/{case_id}/release", DESK, name="case-release")
async def release(request: Request, who: Signed, case_id: str) -> Response:
    """Give the case back if the person has claimed it, and redirect to the queue; JSON: `held`, false.

    Raises NotFoundError if the person's area does not have the case. TimeoutError and SendError of Kafka, and errors of
    Redis, pass through.
    """
    made = services(request)
    await claims.give_back(made, who, await found(made, who, case_id))
    return _answer(request, "/queue", {"held": False})


@door.act("/{case_id}/renew", DESK, name="case-renew", by_itself=True)
async def renew(request: Request, who: Signed, case_id: str) -> Response:
    """Renew a claim. JSON: `held`: True if the case is still the person's; `seconds`: when to renew again (wall clock).

    `why`: only if the claim is lost: the reason in words. Raises NotFoundError if the person's area does not have the
    case. Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    made = services(request)
    case = await found(made, who, case_id)
    held = await claims.renew(made, who, case)
    told: dict[str, object] = {"held": held, "seconds": made.line.clock.wall_seconds(made.desk.beat)}
    return JSONResponse(told if held else told | {"why": await _why(request, who, case)})


async def _why(request: Request, who: Who, case: Case) -> str:
    """Return in words why the claim is lost: another person has the case, the claim expired, or somebody changed the
    case's state.
    """
    made = services(request)
    if case.claimed_by not in (None, who.login):
        name = (await made.staff.names()).get(case.claimed_by or "", case.claimed_by)
        return translate(request, "%(name)s 正在处理此预警，您的接手已失效。") % {"name": name}
    if case.claimed_by is None and case.returned_from == who.login:
        return translate(request, "超时未登记：此预警已退回待接手。")
    state = translate(request, labels.STATES[case.state])
    await news(made, case, case.version - 1)  # waits until the journal shows the change
    by = _by(made.stories.known(case.id).told)
    if by not in (None, who.login):
        name = (await made.staff.names()).get(by or "", by)
        return translate(request, "%(name)s 已登记：%(state)s。此预警不再由您处置。") % {"name": name, "state": state}
    return translate(request, "此预警已变为：%(state)s，不再由您处置。") % {"state": state}


def _by(story: Sequence[TimelineEntry]) -> str | None:
    """Return who made the latest change of the case's state; None if no person did or it is unknown."""
    ends = (each.facts for each in reversed(story) if _ENDS & {fact.kind for fact in each.facts})
    return next((fact.by for fact in next(ends, []) if fact.by), None)


def _answer(request: Request, leads_to: str, told: dict[str, object]) -> Response:
    return JSONResponse(told) if wants_json(request) else RedirectResponse(leads_to, 303)


def _lease_seconds(made: Services) -> float:
    """Return the length of a claim's lease in wall-clock seconds."""
    return made.line.clock.wall_seconds(made.desk.lease)
