"""Repairs the violations that the auditor found: by a commit protected by the fence, or by an input for casework."""

from collections.abc import Sequence
from datetime import datetime

from domain.casework.audit import InvariantViolation, Kind
from domain.ids import deadline_id
from schemas.administration.audit import AUDITOR
from schemas.casework.acts import Act, CloseAct, NoteAct, SendOfficerAct
from schemas.casework.cases import Case
from schemas.casework.inputs import Deadline, OperatorReport, ResidentInput
from schemas.levels import Level
from streams.messaging import case_inputs
from streams.messaging.producer import Producer
from streams.state.case_store import CaseStore
from streams.state.keys import DEADLINES, HELD, QUEUE, moment
from streams.state.store_update import StoreUpdate

_URGENT = (Level.RED, Level.ORANGE)


class Repairer:
    """Repairs violations in the store or by new inputs.

    Violations that need a person (see is_repairable) are left as they are.
    """

    def __init__(self, store: CaseStore, producer: Producer) -> None:
        self._store, self._producer = store, producer

    async def repair(
        self, partition: int, offset: int, case: Case, findings: Sequence[InvariantViolation], now: datetime
    ) -> bool:
        """Repair a case's violations (`findings`): correct its index entries in the store, and write inputs to
        case-inputs that make it go on. Returns True when done. Violations that need a person (see is_repairable) are
        left as they are.

        Returns False, repairing nothing, if the commit was refused, for example because the partition's offset is no
        longer `offset`: audit the case again. Raises SendError if Kafka refuses an input permanently. Errors of Redis
        pass through.
        """
        change = StoreUpdate()
        for finding in findings:
            _beside(change, case, finding)
        if change.commands and not await self._store.commit(partition, offset, None, change):
            return False
        inputs = [made for finding in findings if (made := _input(case, finding, now))]
        await self._producer.send_all([case_inputs.record(each, partition) for each in inputs])
        return True

    async def strays(self, partition: int, offset: int, members: Sequence[str]) -> bool:
        """Delete the deadlines `members` from the partition's store: they belong to no case.

        `members`: each as "case id|step id". Returns True if they were deleted. Returns False, deleting none, if the
        commit was refused, for example because the partition's offset is no longer `offset`. Errors of Redis pass
        through.
        """
        return await self._store.commit(partition, offset, None, StoreUpdate().add("ZREM", DEADLINES, *members))


def is_repairable(finding: InvariantViolation) -> bool:
    """Return True if the auditor can repair a violation of this kind without a person: all kinds except NO_DUE, TOO_FAR
    and UNKNOWN_CASE, for which it returns False.
    """
    return finding.kind not in (Kind.NO_DUE, Kind.TOO_FAR, Kind.UNKNOWN_CASE)


def _beside(change: StoreUpdate, case: Case, finding: InvariantViolation) -> None:
    """Add the commands that bring the indexes beside the case into line with it."""
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
        case (  # repaired by an input (_input), or by a person
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
    """Return the rank in the queue: the level first, then the waiting time. The case's next change sets the exact
    rank.
    """
    return (Level.RED.rank - case.level.rank) * 1e10 + case.updated_at.timestamp()


def _input(case: Case, finding: InvariantViolation, now: datetime) -> ResidentInput | None:
    """Return an input that makes the case go on, or None. Its id is deterministic, so it counts once."""
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
    """Return the act that makes the case go on: close a settled case, send an officer for red or orange, else add a
    note.

    The note makes the plan add follow-ups or declare the resident unreachable.
    """
    why = "the auditor found no next step"
    if case.settled:
        return CloseAct(do="close", reason=why)
    return (
        SendOfficerAct(do="send_officer", reason=why)
        if case.level in _URGENT
        else NoteAct(do="note", what="note", note=why)
    )
