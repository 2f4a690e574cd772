"""What waits for a decision at the release desk, the freezes that end soon, and their stream: an order's time limit is
a minute.
"""

from collections.abc import Sequence
from typing import Any

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from console.web.auth.who import Signed, Who
from console.web.kit.door import RELEASES, Door
from console.web.kit.events import open_stream
from console.web.kit.services import Services, services
from console.web.live.parts import EVENTS, changed_parts
from console.web.payments.ending_freezes import freezes_in_need
from console.web.routes.money.messages import masked_accounts, payers_banks
from domain.payments import releases
from schemas.channels.releases import ReleaseRequest

door = Door()
PARTS = ("orders", "objections_waiting", "requests_waiting", "freezes")
STOPS_SHOWN = 200


@door.page("/release/stream", RELEASES, name="release-stream")
async def stream(request: Request, who: Signed) -> Response:
    """Return a stream of changed parts, `{part: html}`; its first event has all parts. A request that does not accept a
    stream is redirected to the release desk. 429 (TooManyError) if the account or the process has too many streams.
    Errors of Kafka and Redis pass through.
    """
    if EVENTS not in request.headers.get("accept", ""):
        return RedirectResponse("/release", 303)
    made = services(request)

    async def gather() -> dict[str, Any]:
        shared = {"who": who, "now": made.line.clock.now(), "numbered": made.hub.number}
        return shared | await waiting(made, who, await requests_of(made, who))

    return open_stream(request, who, changed_parts(request, who, "release", PARTS, gather))


async def requests_of(made: Services, who: Who) -> list[ReleaseRequest]:
    """Return all requests of the person's area to lift a stop, those that wait for a decision first. Errors of Redis
    pass through.
    """
    return releases.in_order(each for each in await made.line.releases.all() if who.sees(each.division))


async def waiting(made: Services, who: Who, requests: Sequence[ReleaseRequest]) -> dict[str, Any]:
    """Return the template variables of the orders, objections and requests of the person's area that wait for a
    decision, and of its freezes that end soon, each in the order in which they are shown. `requests`: the result of
    `requests_of`. Errors of Kafka and Redis pass through.
    """
    book = made.figures.book
    freezes, more_freezes = await freezes_in_need(made, who.sees, STOPS_SHOWN)
    undecided, unreviewed = book.undecided(who.sees), book.unreviewed(who.sees)
    orders, objections = undecided[:STOPS_SHOWN], unreviewed[:STOPS_SHOWN]
    opened = [each for each in requests if releases.is_open(each)]
    transfers = [
        *((line.case, line.order.transfer) for line in orders),
        *((line.case, line.objection.transfer) for line in objections),
        *((each.case, each.transfer) for each in opened),
        *((line.case, line.order.transfer) for line in freezes),
    ]
    return {
        "orders": orders,
        "more_orders": len(undecided) - len(orders),
        "objections": objections,
        "more_objections": len(unreviewed) - len(objections),
        "waiting": opened,
        "freezes": freezes,
        "more_freezes": more_freezes,
        "accounts": await masked_accounts(made, {line.payee for line in (*orders, *freezes)}),
        "banks": payers_banks(made, transfers),
        "names": await made.staff.names(),
    }
