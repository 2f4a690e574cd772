"""The freezes that need a person: those that end soon, and those of which it is unclear whether they have ended."""

from collections.abc import Callable

from console.web.kit.services import Services
from domain.ids import resident_of
from domain.payments.bank_book import OrderLine, order_line
from domain.payments.freezes import freeze_in_force
from streams.messaging.topics import home
from streams.state.keys import key, milliseconds


async def freezes_in_need(services: Services, sees: Callable[[str], bool], most: int) -> tuple[list[OrderLine], int]:
    """Return the orders of the freezes that need a person, in divisions for which `sees` returns True, the longest
    waiting first, at most `most` (and for each such freeze only one order); and how many more there are. However old
    an order is, it is found. Errors of Redis pass through.
    """
    seen = [(case, step) for case, step, division in await _due(services) if sees(division)]
    lines = [await _line(services, case, step) for case, step in seen[:most]]
    return [each for each in lines if each is not None], max(0, len(seen) - most)


async def _due(services: Services) -> list[tuple[str, str, str]]:
    """Return (case id, step id of the order, code of the resident's division) of all freezes that need a person now,
    the longest waiting first.
    """
    line = services.line
    async with line.redis.pipeline(transaction=False) as pipe:
        for partition in range(line.settings.partitions):
            until = milliseconds(line.clock.now())
            pipe.zrange(key("freezes", partition), "-inf", until, byscore=True, withscores=True)
        found = [each for part in await pipe.execute() for each in part]
    names = (member.decode().split("|") for member, _ in sorted(found, key=lambda each: (each[1], each[0])))
    return [(case, step, division) for case, step, division in names]


async def _line(services: Services, case_id: str, step: str) -> OrderLine | None:
    """Return the line of an order whose freeze is in force; None if it has ended meanwhile."""
    case = await services.line.store.case(home(resident_of(case_id), services.line.settings.partitions), case_id)
    order = next((each for each in case.orders if each.step == step), None) if case else None
    return order_line(case, order) if case and order and freeze_in_force(order) else None
