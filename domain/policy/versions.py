"""The policies that were in force one after the other, and the one that is gone back to."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from schemas.casework.policies import Earlier, InForce


@dataclass(frozen=True, slots=True)
class Version:
    """A policy's time in force; none: until now."""

    policy: str
    since: datetime
    until: datetime | None
    by: str


def history(standing: InForce) -> Iterator[Version]:
    """The latest first, as far as it is known."""
    yield Version(standing.policy, standing.since, None, standing.by)
    until = standing.since
    for earlier in standing.earlier:
        yield Version(earlier.policy, earlier.since, until, earlier.by)
        until = earlier.since


def before(standing: InForce) -> Earlier | None:
    """Which one is gone back to from here: the one before, unless the breaker has stopped it.

    What was gone back from is not gone back to: of A, B, and A again, nothing is before A but what came before the
    first A.
    """
    names = [earlier.policy for earlier in standing.earlier]
    rest = standing.earlier[names.index(standing.policy) + 1 :] if standing.policy in names else standing.earlier
    passed = {standing.policy, *standing.stopped}
    return next((earlier for earlier in rest if earlier.policy not in passed), None)
