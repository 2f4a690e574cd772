"""What was recorded, decided on once more: the inputs of a partition in their order.

It gives what the live line gave, event for event: a test holds it to that.
"""

from collections.abc import Iterable, Mapping

from domain.policy import Policy
from schemas.casework.inputs import CaseInput, PolicyChange
from simulators.lab.cases import empty
from streams.casework.batch import Entry


def cases(
    partition: int, inputs: Iterable[tuple[int, CaseInput]], policy: Policy, later: Mapping[str, Policy] | None = None
) -> list[Entry]:
    """The journal's entries of a partition that began under `policy`. `inputs`: each with its offset, in its order.

    `later`: policies by their hash, which inputs put in force on the way; one that is not among them changes nothing.
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
