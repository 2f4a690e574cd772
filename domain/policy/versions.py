"""The history of policies in force, and the policy to revert to."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from schemas.casework.policies import Earlier, InForce


@dataclass(frozen=True, slots=True)
class Version:
    """The time in force of a policy, given by hash: from `since` to `until` (None: the present one), put in force by
    `by`.
    """

    policy: str
    since: datetime
    until: datetime | None
    by: str


def history(standing: InForce) -> Iterator[Version]:
    """Yield the periods in which policies were in force, as far as they are known, the present one first (its end is
    None).
    """
    yield Version(standing.policy, standing.since, None, standing.by)
    until = standing.since
    for earlier in standing.earlier:
        yield Version(earlier.policy, earlier.since, until, earlier.by)
        until = earlier.since


def before(standing: InForce) -> Earlier | None:
    """Return the policy to revert to, or None: the previous one that the breaker has not stopped.

    A policy that was reverted is not reverted to: after A, B and A again, only those before the first A qualify.
    """
    names = [earlier.policy for earlier in standing.earlier]
    rest = standing.earlier[names.index(standing.policy) + 1 :] if standing.policy in names else standing.earlier
    passed = {standing.policy, *standing.stopped}
    return next((earlier for earlier in rest if earlier.policy not in passed), None)
