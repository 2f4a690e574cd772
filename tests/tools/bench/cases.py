"""What cases are told, input by input, decided in memory: the lives of tests/tools/field/lives.py without a server."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from domain.policy import Policy
from schemas.casework.events import CaseEvent
from schemas.casework.inputs import ResidentInput
from streams.casework.batch import Batch
from streams.state.partition_state import Loaded
from streams.state.store_update import PartitionRules
from tests.tools.field import lives


@dataclass(frozen=True, slots=True)
class Told:
    """Inputs in an order in which they may come, and how many cases are open after them."""

    inputs: list[ResidentInput]
    open: int


def morning() -> datetime:
    """Yesterday at ten in Jilin: what may wait falls due in its own time. At night a plan leaves it until seven."""
    return datetime.now(UTC).replace(hour=2, minute=0, second=0, microsecond=0) - timedelta(days=1)


def told(count: int, rounds: int, start: datetime, policy: Policy, seed: int) -> Told:
    """Open so many cases, then tell each what follows from what was decided, `rounds` times in all."""
    chance = Random(seed)
    batch = Batch(0, Loaded(PartitionRules(-1, policy.hash, ()), {}, set()), policy, 0, 0)
    inputs: list[ResidentInput] = [lives.alert(lives.resident(chance), start, chance) for _ in range(count)]
    every = list(inputs)
    for _ in range(rounds - 1):
        inputs = list(lives.following(list(_decided(batch, inputs)), chance))
        every += inputs
    list(_decided(batch, inputs))
    return Told(every, sum(case.open for case in batch.cases.values()))


def _decided(batch: Batch, inputs: list[ResidentInput]) -> Iterator[CaseEvent]:
    before = len(batch.entries)
    for message in inputs:
        if message.id not in batch.applied:
            batch.take(0, message)
    return (entry for entry in batch.entries[before:] if isinstance(entry, CaseEvent))
