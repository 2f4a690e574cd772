"""The orders to keep data that protect a person, also those that name another entry of the same person."""

from collections.abc import Iterable

from domain.desk.legal_holds import protected
from schemas.people.legal_holds import LegalHold
from schemas.people.residents import ResidentId
from streams.installation import Installation


async def order_in_force(
    line: Installation, residents: Iterable[ResidentId], published: Iterable[LegalHold] = ()
) -> LegalHold | None:
    """Return the order in force to keep data about one of the residents; if there are several, the one that ends last;
    None if there is none.

    An order is about a resident also if it names an entry that was merged into the resident's, or into which the
    resident's was merged, directly or through others. `published`: orders as the topic has them; they count beside
    those in Redis. Raises RedisError if Redis is unavailable.
    """
    asked = set(residents)
    holds = [*await line.legal_holds.all(), *published]
    standing = await line.residents.standing([*asked, *(hold.resident for hold in holds)])
    people = {standing[each].id for each in asked if each in standing}
    merged = {hold.resident for hold in holds if hold.resident in standing and standing[hold.resident].id in people}
    return protected(holds, asked | merged, line.clock.now())


async def published_order(line: Installation, residents: Iterable[ResidentId]) -> LegalHold | None:
    """Return the order in force to keep data about one of the residents (see `order_in_force`); if there are several,
    the one that ends last; None if there is none. Orders in Redis and those on their topic count, because Redis may
    have lost one.

    Raises ValueError if a record of the topic is invalid, for example of a newer version, and RedisError or KafkaError
    if Redis or Kafka is unavailable.
    """
    return await order_in_force(line, residents, await line.legal_holds.published())
