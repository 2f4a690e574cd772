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
    """Return the journal entries of a partition that began under `policy`. `inputs`: in order, each with its offset.

    `later`: policies by digest that inputs put in force; a change to another one has no effect.
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
