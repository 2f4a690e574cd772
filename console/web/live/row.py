"""A case in short: a line of a list, and what lists are filtered and ranked by."""

from dataclasses import dataclass
from datetime import datetime

from domain.triage import worth
from schemas.cases import Case, StepState
from schemas.levels import Action, Channel, Level
from schemas.residents import Resident
from streams.keys import milliseconds


@dataclass(frozen=True, slots=True)
class Row:
    """An open case. `name` and `phone` are whole and never leave the process unmasked; `next_due` the next clock."""

    case: Case
    name: str
    phone: str
    waits: bool  # for an operator: on the desk and nobody has it, or has it now

    @property
    def id(self) -> str:
        return self.case.id

    @property
    def level(self) -> Level:
        return self.case.level

    @property
    def prefecture(self) -> str:
        return self.case.profile.division[:4]

    @property
    def next_due(self) -> datetime | None:
        """When something happens next by itself, or is owed."""
        dues = [step.due for step in self.case.steps if step.due is not None]
        return min(dues, default=None)

    @property
    def channels(self) -> frozenset[Channel]:
        """Those under way or planned."""
        live = (StepState.PENDING, StepState.HELD, StepState.SENT)
        return frozenset(step.action.channel for step in self.case.steps if step.state in live)

    def fen(self, now: datetime) -> float:
        """How much it is worth to take it now: the order of the queue."""
        return worth(self.case, now).fen

    @property
    def changed(self) -> int:
        """When it changed last, epoch ms."""
        return milliseconds(self.case.updated_at)


def row_of(case: Case, resident: Resident | None) -> Row:
    """A case's row. A resident who was erased meanwhile has no name."""
    called = any(step.action is Action.OPERATOR_CALL and step.state is StepState.SENT for step in case.steps)
    waits = not case.settled and (called or case.claimed_by is not None)
    phone = next((held.value for held in resident.phones if held.until is None), "") if resident else ""
    return Row(case, resident.name if resident else "", phone, waits)
