"""Cases in memory: decides inputs in order, with the same batch class as a worker."""

from datetime import datetime
from itertools import count

from domain.policy import Policy
from schemas.casework.cases import Case
from schemas.casework.events import CaseEvent
from schemas.casework.inputs import ResidentInput
from streams.casework.batch import Batch, Entry
from streams.state.partition_state import Loaded
from streams.state.store_update import PartitionRules, StoreUpdate


class Unwritten(StoreUpdate):
    """A store update without effect: the laboratory has no store, and building a real update takes longer than
    deciding.
    """

    def applied(self, input_id: str, at: datetime) -> None:
        """Do nothing: the id of an applied input is not stored."""

    def entry(self, entry: Entry) -> None:
        """Do nothing: a journal entry is not stored."""

    def case(self, before: Case | None, after: Case) -> None:
        """Do nothing: a changed case is not stored."""

    def counted(self, before: Case | None, event: CaseEvent) -> None:
        """Do nothing: an event is not counted in Redis."""

    def raised(self, event: CaseEvent) -> None:
        """Do nothing: a raised alert is not counted in Redis."""

    def standing(self, standing: PartitionRules) -> None:
        """Do nothing: the partition's rules are not stored."""


def empty(partition: int, policy: Policy) -> Batch:
    """Return the batch of a new partition without cases. It decides inputs by `policy` and collects the journal's
    entries in `entries`, but writes nothing to Redis.
    """
    batch = Batch(partition, Loaded(PartitionRules(-1, policy.hash), {}, set()), policy, 0, 0)
    batch.change = Unwritten()
    return batch


class Cases:
    """Each resident's latest case in memory, decided by one policy."""

    def __init__(self, policy: Policy) -> None:
        self._batch = empty(0, policy)
        self._offsets = count()

    def of(self, resident: str) -> Case | None:
        """Return the latest case of a resident (by id), whether open or closed; None if they never had a case."""
        return self._batch.cases.get(resident)

    def apply(self, given: ResidentInput) -> CaseEvent | None:
        """Decide an input at the input's own time, and keep the changed case. Return the journal's event, or None if an
        input with this id was decided before or the input has no effect.
        """
        if given.id in self._batch.applied:
            return None
        self._batch.take(next(self._offsets), given)
        made, self._batch.entries = self._batch.entries, []
        return next((entry for entry in made if isinstance(entry, CaseEvent)), None)
