"""A case in short: a line of a list, and what lists are filtered and ranked by."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from domain.casework import triage
from domain.casework.triage import QueueBand, Reason, Weight, to_go
from domain.policy import Policy
from schemas.casework.cases import Case, CaseState, Step, StepState
from schemas.levels import Channel, Level
from schemas.people.residents import Resident
from streams.state.keys import milliseconds


@dataclass(frozen=True, slots=True)
class Row:
    """An open case. `name` and `phone` are whole and never leave the process unmasked; `next_due` the next clock."""

    case: Case
    name: str
    phone: str
    waits: bool  # for an operator: on the desk and nobody has it, or has it now
    weight: Weight
    reasons: tuple[Reason, ...] = ()  # why it stands where it stands
    seq: int = 0  # the hub's number of the change that made it
    rings: bool = False  # by this change it began to be alarming
    was: str = ""  # the division it had before this change

    @property
    def id(self) -> str:
        return self.case.id

    @property
    def level(self) -> Level:
        return self.case.level

    @property
    def division(self) -> str:
        return self.case.profile.division

    @property
    def prefecture(self) -> str:
        return self.division[:4]

    @property
    def offered(self) -> bool:
        """Whether an operator may take it from the desk now."""
        return self.weight.turn is QueueBand.OFFERED

    @property
    def alarming(self) -> bool:
        """Whether it is red and waits for somebody to take it."""
        free = self.case.claimed_by is None and not self.case.settled
        begun = self.case.state in (CaseState.RAISED, CaseState.CONTACTING)
        return self.level is Level.RED and free and (begun or self.offered)

    @property
    def next_step(self) -> Step | None:
        """The step that changes next: it begins by itself, or its result is owed."""
        dues = [(step.due, step.id, step) for step in self.case.steps if step.due is not None]
        return min(dues)[2] if dues else None

    @property
    def next_due(self) -> datetime | None:
        """When something happens next by itself, or is owed."""
        return step.due if (step := self.next_step) else None

    @property
    def channels(self) -> frozenset[Channel]:
        """Those under way or planned."""
        live = (StepState.PENDING, StepState.HELD, StepState.SENT)
        return frozenset(step.action.channel for step in self.case.steps if step.state in live)

    @property
    def stake_fen(self) -> int:
        """The money that can still be kept (fen)."""
        return stake(self.case)

    @property
    def changed(self) -> int:
        """When it changed last, epoch ms."""
        return milliseconds(self.case.updated_at)


def stake(case: Case) -> int:
    """The money that can still be kept (fen): what has not gone through yet, else all that is in danger."""
    return to_go(case) or case.danger.exposure_fen


def row_of(case: Case, resident: Resident | None, policy: Policy) -> Row:
    """A case's row, weighed by a policy. A resident who was erased meanwhile has no name."""
    waits = not case.settled and (triage.called(case) or case.claimed_by is not None)
    phone = next((held.value for held in resident.phones if held.until is None), "") if resident else ""
    return Row(case, resident.name if resident else "", phone, waits, *_weighed(case, policy))


def weighed_anew(row: Row, policy: Policy) -> Row:
    """The same row, weighed by another policy."""
    weight, reasons = _weighed(row.case, policy)
    return replace(row, weight=weight, reasons=reasons)


def _weighed(case: Case, policy: Policy) -> tuple[Weight, tuple[Reason, ...]]:
    return triage.weigh(case, policy), tuple(triage.reasons(case, policy))


def latest(rows: Iterable[Row]) -> list[Row]:
    """Changes of several cases, the oldest first, as one change of each: what rang in between has rung."""
    found: dict[str, Row] = {}
    for row in rows:
        before = found.pop(row.id, None)
        if before is not None:
            row = replace(row, rings=row.rings or (before.rings and row.alarming), was=before.was)
        found[row.id] = row
    return list(found.values())
