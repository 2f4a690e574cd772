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

    def applied(self, input_id: str, at: datetime) -> None: ...

    def entry(self, entry: Entry) -> None: ...

    def case(self, before: Case | None, after: Case) -> None: ...

    def counted(self, before: Case | None, event: CaseEvent) -> None: ...

    def raised(self, event: CaseEvent) -> None: ...

    def standing(self, standing: PartitionRules) -> None: ...


def empty(partition: int, policy: Policy) -> Batch:
    """Return the batch of a new partition without cases. The batch decides inputs and collects the journal's entries in
    `entries`, but writes nothing.
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
        """Return a resident's latest case, open or not; None if they never had one."""
        return self._batch.cases.get(resident)

    def apply(self, given: ResidentInput) -> CaseEvent | None:
        """Decide an input at its own time. Return the event, or None if an input with this id was decided before, or
        the input has no effect.
        """
        if given.id in self._batch.applied:
            return None
        self._batch.take(next(self._offsets), given)
        made, self._batch.entries = self._batch.entries, []
        return next((entry for entry in made if isinstance(entry, CaseEvent)), None)
