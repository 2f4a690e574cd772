"""Objections to stops, and the desk that reviews them: few persons, who take one objection at a time."""

from datetime import datetime
from typing import NamedTuple

from schemas.casework.cases import Case
from schemas.casework.inputs import ObjectStop, OperatorReport
from schemas.casework.objections import DecideObjectionAct, ObjectionGround, Objector, WrongfulCause
from schemas.people.staff import StaffRole
from simulators.assumptions.chance import seconds, stream
from simulators.assumptions.stolen_money import StolenMoney
from simulators.pursuit.banks import BEIJING, BY_DAY

REVIEWER = "reviewer"


class StopReview(NamedTuple):
    """What became of a stop of an account, as far as anybody objected to it.

    `cause`: why it was wrong; None: it was a mule's. `unread`: a standing approval approved it, nobody read the order.
    `objected_at`: of the first objection; `lifted_at`: when its bank had lifted it.
    """

    cause: WrongfulCause | None
    unread: bool
    stopped_at: datetime
    objected_at: datetime | None = None
    lifted_at: datetime | None = None


class ReviewDesk:
    """The persons who review objections, in the order in which these come in."""

    def __init__(self, seed: int, assumed: StolenMoney) -> None:
        self._seed, self._assumed = seed, assumed
        self._free: list[datetime | None] = [None] * max(assumed.reviewers_day, assumed.reviewers_night)

    def decided_at(self, objection: str, now: datetime) -> datetime:
        """Return when the review of an objection that comes in now ends, and keep its reviewer busy until then."""
        by_day = (now + BEIJING).hour in BY_DAY
        on_duty = self._assumed.reviewers_day if by_day else self._assumed.reviewers_night
        begins, first = min((max(free or now, now), number) for number, free in enumerate(self._free[:on_duty]))
        chance = stream(self._seed, "review", objection)
        ends = begins + seconds(chance, self._assumed.review_minutes * 60, self._assumed.review_spread)
        self._free[first] = ends
        return ends

    def upholds(self, objection: str, *, honest: bool) -> bool:
        """Return whether the review upholds an objection."""
        share = self._assumed.upholds_honest if honest else self._assumed.upholds_mule
        return stream(self._seed, "decision", objection).random() < share


def objecting(case: Case, step: str, number: int, now: datetime) -> ObjectStop:
    """Return the holder's objection to a step's order, through the bank. `number`: of those to this order, from 0."""
    return ObjectStop(
        id=f"objection-{case.id}-{step}-{number}",
        at=now,
        resident=case.resident,
        case=case.id,
        order=step,
        who=Objector.HOLDER,
        bank="bank",
        ground=ObjectionGround.LAWFUL_PAYMENT,
    )


def review_of(case: Case, objection: str, cause: WrongfulCause | None, now: datetime) -> OperatorReport:
    """Return the review of an objection. `cause`: None if it is rejected."""
    act = DecideObjectionAct(objection=objection, upheld=cause is not None, reason="as the bank confirmed", cause=cause)
    return OperatorReport(
        id=f"reviewed-{case.id}-{objection}",
        at=now,
        resident=case.resident,
        case=case.id,
        by=REVIEWER,
        role=StaffRole.RELEASE_DESK,
        seen=case.version,
        act=act,
    )
