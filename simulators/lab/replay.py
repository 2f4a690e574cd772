"""Decides the recorded inputs of a partition again, in order.

The events equal the live system's, which a test checks.
"""

from collections.abc import Iterable, Mapping

from domain.policy import Policy
from schemas.casework.inputs import CaseInput, PolicyChange
from simulators.lab.cases import empty
from streams.casework.batch import Entry


def cases(
    partition: int, inputs: Iterable[tuple[int, CaseInput]], policy: Policy, later: Mapping[str, Policy] | None = None
) -> list[Entry]:
    """Decide a partition's inputs again, and return the journal's entries in order. Nothing is written.

    `inputs`: (offset, input) in order; an input whose id was decided before is skipped. `policy`: the one in force at
    the beginning; `later`: policies by hash that inputs may put in force. A change to any other policy has no effect.
    """
    batch = empty(partition, policy)
    for offset, given in inputs:
        if given.id in batch.applied:
            continue
        if not isinstance(given, PolicyChange):
            batch.take(offset, given)
        elif following := (later or {}).get(given.policy):
            batch.follow(offset, given, following)
    return batch.entries
