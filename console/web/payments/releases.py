"""Requests the release of a stop-payment; another person decides. Called by the release desk, case page and API."""

from console.web.auth import trail
from console.web.auth.who import Who
from console.web.kit.services import Services
from domain.ids import short_hash
from domain.payments import releases
from domain.payments.releases import NotAsked
from schemas.casework.cases import Case
from schemas.channels.releases import ReleaseRequest


async def ask_release(
    services: Services, who: Who, case: Case, number: int, form: str, reason: str, evidence: str = ""
) -> ReleaseRequest | NotAsked:
    """Store a request to lift the stop on the case's payment `number` (from 0). Return the request, or why it cannot be
    made.

    A repeated form returns the same request in its present state. Raises ValueError if the reason is too short or too
    long, TimeoutError if Kafka or Redis does not answer in time, and SendError if Kafka refuses a record for good.
    Errors of Redis pass through.
    """
    kept, name = services.line.releases, short_hash("release", who.login, case.id, number, form)
    async with kept.locked(f"{case.id}/{number}"):  # of two concurrent requests the second is refused
        if before := await kept.get(name):
            return before
        found = releases.asked(
            case,
            number,
            await kept.all(),
            name=name,
            by=who.login,
            reason=reason.strip(),
            evidence=evidence,
            now=services.line.clock.now(),
        )
        if isinstance(found, ReleaseRequest):
            await trail.write(services, who, "release-asked", case.id, found.reason, found.id)
            await kept.write(found)  # another lock than this one: a late record is corrected under it
        return found
