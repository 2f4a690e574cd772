"""Mending what the auditor found: behind the fence, or as an input that casework decides on. Never by a bare write."""

from collections.abc import Sequence
from datetime import datetime

from domain.casework.audit import InvariantViolation, Kind
from domain.ids import deadline_id
from schemas.administration.audit import AUDITOR
from schemas.casework.cases import Case
from schemas.casework.inputs import Act, CloseAct, Deadline, NoteAct, OperatorReport, ResidentInput, SendOfficerAct
from schemas.levels import Level
from streams.messaging import case_inputs
from streams.messaging.producer import Producer
from streams.state.case_store import CaseStore
from streams.state.keys import DEADLINES, HELD, QUEUE, moment
from streams.state.store_update import StoreUpdate

_URGENT = (Level.RED, Level.ORANGE)


class Mender:
    """Puts right what can be put right."""

    def __init__(self, store: CaseStore, producer: Producer) -> None:
        self._store, self._producer = store, producer

    async def mend(
        self, partition: int, offset: int, case: Case, findings: Sequence[InvariantViolation], now: datetime
    ) -> bool:
        """Mend what was found in a case; False when it moved meanwhile: then it has to be looked at anew."""
        change = StoreUpdate()
        for finding in findings:
            _beside(change, case, finding)
        if change.commands and not await self._store.commit(partition, offset, None, change):
            return False
        inputs = [made for finding in findings if (made := _input(case, finding, now))]
        await self._producer.send_all([case_inputs.record(each, partition) for each in inputs])
        return True

    async def strays(self, partition: int, offset: int, members: Sequence[str]) -> bool:
        """Take deadlines away that no case has; False when the partition moved meanwhile."""
        return await self._store.commit(partition, offset, None, StoreUpdate().add("ZREM", DEADLINES, *members))


def mended(finding: InvariantViolation) -> bool:
    """Whether such a finding can be put right without a person."""
    return finding.kind not in (Kind.NO_DUE, Kind.TOO_FAR, Kind.UNKNOWN_CASE)


def _beside(change: StoreUpdate, case: Case, finding: InvariantViolation) -> None:
    """What is kept beside a case, as the case says."""
    member = f"{case.id}|{finding.step}"
    match finding.kind:
        case Kind.DEADLINE_MISSING | Kind.DEADLINE_WRONG if finding.due is not None:
            change.add("ZADD", DEADLINES, finding.due, member)
        case Kind.DEADLINE_STRAY:
            change.add("ZREM", DEADLINES, member)
        case Kind.NOT_QUEUED:
            change.add("ZADD", QUEUE, _rank(case), case.id)
        case Kind.QUEUED:
            change.add("ZREM", QUEUE, case.id)
        case Kind.NOT_MARKED_HELD:
            change.add("SADD", HELD, case.resident)
        case (  # an input makes the case go on, or a person looks
            Kind.DEADLINE_MISSING
            | Kind.DEADLINE_WRONG
            | Kind.OVERDUE
            | Kind.RESULT_OVERDUE
            | Kind.NO_NEXT_STEP
            | Kind.NO_DUE
            | Kind.TOO_FAR
            | Kind.UNKNOWN_CASE
        ):
            return


def _rank(case: Case) -> float:
    """The level first, then since when it waits; casework's own rank comes with the case's next change."""
    return (Level.RED.rank - case.level.rank) * 1e10 + case.updated_at.timestamp()


def _input(case: Case, finding: InvariantViolation, now: datetime) -> ResidentInput | None:
    """An input that makes the case go on; its id is such that it counts once."""
    if finding.kind in (Kind.OVERDUE, Kind.RESULT_OVERDUE) and finding.due is not None:
        return Deadline(
            id=deadline_id(case.id, finding.step, finding.due),
            at=now,
            resident=case.resident,
            case=case.id,
            step=finding.step,
            due=moment(finding.due),
        )
    if finding.kind is not Kind.NO_NEXT_STEP:
        return None
    return OperatorReport(
        id=f"audit:{case.id}:{case.version}",
        at=now,
        resident=case.resident,
        case=case.id,
        by=AUDITOR,
        seen=case.version,
        act=_going_on(case),
    )


def _going_on(case: Case) -> Act:
    """A resident in grave danger gets a visit; another the plan's end (follow-ups, or out of reach); else it closes."""
    why = "the auditor found no next step"
    if case.settled:
        return CloseAct(do="close", reason=why)
    return (
        SendOfficerAct(do="send_officer", reason=why)
        if case.level in _URGENT
        else NoteAct(do="note", what="note", note=why)
    )
