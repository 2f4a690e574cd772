"""The history of the policies in force, and the policy to which a person may revert."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from schemas.casework.policies import Earlier, InForce


@dataclass(frozen=True, slots=True)
class Version:
    """A period in which the policy with the hash `policy` was in force: from `since` to `until` (None: until now).

    `by`: the user who put it in force.
    """

    policy: str
    since: datetime
    until: datetime | None
    by: str


def history(standing: InForce) -> Iterator[Version]:
    """Yield the known periods in which policies were in force, the latest first. The first one is the present period,
    whose `until` is None.
    """
    yield Version(standing.policy, standing.since, None, standing.by)
    until = standing.since
    for earlier in standing.earlier:
        yield Version(earlier.policy, earlier.since, until, earlier.by)
        until = earlier.since


def before(standing: InForce) -> Earlier | None:
    """Return the policy to revert to: the latest before the present one that the breaker has not stopped; None if there
    is none.

    A policy that was reverted does not qualify: after A, B and A again, only policies before the first A do.
    """
    names = [earlier.policy for earlier in standing.earlier]
    rest = standing.earlier[names.index(standing.policy) + 1 :] if standing.policy in names else standing.earlier
    passed = {standing.policy, *standing.stopped}
    return next((earlier for earlier in rest if earlier.policy not in passed), None)
