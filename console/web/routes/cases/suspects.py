"""Routes for confirmed suspects: the accounts and numbers confirmed last, and each one's likely victims by danger."""

from typing import Any

from fastapi import Request
from starlette.responses import Response

from console.web.auth import trail
from console.web.auth.who import NotFoundError, Signed
from console.web.kit.door import DESK, Door
from console.web.kit.pages import page
from console.web.kit.services import services
from console.web.payments import stops
from console.web.payments.suspects import victim_rows
from console.web.rosters import areas
from domain.calendar import local_date
from domain.identity import masking
from schemas.risk.evidence import WatchEntry
from streams.screening.payers import token_of
from streams.screening.upstream import UpstreamLists, suspect_id
from streams.state.keys import RECENT_SUSPECTS

door = Door()
SHOWN = 50


@door.page("/suspects", DESK, name="suspects")
async def show(request: Request, who: Signed) -> Response:
    """Return the page with the SHOWN (50) latest confirmed accounts and telephone numbers. PolicyError passes through
    if the policy in force is invalid. Errors of Kafka and Redis pass through.
    """
    made = services(request)
    await made.queue.refresh()
    found = await _lists(request).suspects(SHOWN)
    numbers = await stops.accounts(made, (token_of(entry.subject) for entry in found))
    rows = [(suspect_id(entry), entry, *_named(entry, numbers)) for entry in found]
    return page(request, "suspects.html", rows=rows, scams=made.queue.scams)


@door.page("/suspects/{suspect_id}", DESK, name="suspect")
async def look(request: Request, who: Signed, suspect_id: str) -> Response:
    """Return the page of one suspect: its likely victims in the reader's area, the greatest danger first, and how many
    are elsewhere. An audit entry of the look is written first.

    Raises NotFoundError if the suspect is not among the RECENT_SUSPECTS (100) confirmed last. UnknownPolicyError or
    PolicyError passes through if the policy in force is lost or invalid. Errors of Kafka (such as TimeoutError and
    SendError) and Redis pass through.
    """
    made, lists = services(request), _lists(request)
    entry = await lists.suspect(suspect_id, RECENT_SUSPECTS)
    if entry is None:
        raise NotFoundError
    await trail.record_look(made, who, "suspect", suspect_id)
    await made.queue.refresh()
    rules = (await made.line.policies.live()).risk
    found = await lists.of(entry, made.line.residents, rules, made.line.clock.now(), who.sees)
    rows = victim_rows(request, found)
    kind, number = _named(entry, await stops.accounts(made, [token_of(entry.subject)]))
    context: dict[str, Any] = {"entry": entry, "kind": kind, "account": number, "found": found, "rows": rows}
    places = areas.names({row.division for row in rows}, local_date(made.line.clock.now()))
    return page(request, "suspect.html", **context, places=places, scams=made.queue.scams)


def _lists(request: Request) -> UpstreamLists:
    line = services(request).line
    return UpstreamLists(line.redis, line.settings.partitions)


def _named(entry: WatchEntry, numbers: dict[str, str]) -> tuple[str, str]:
    """Return the kind of suspect ("account" or "phone"), and the masked account number; "" for a telephone number, of
    which only the token is known.
    """
    kind, _, token = entry.subject.partition(":")
    return kind, masking.account(numbers.get(token, ""))
