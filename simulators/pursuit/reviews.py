"""Objections to stops, and the desk that reviews them: a few persons, each of whom reviews one objection at a time."""

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
    """A stop of an account, with the objection to it, if any.

    `cause`: why the stop was wrong; None: the account was a mule's. `unread`: True if a standing approval approved the
    order, so that nobody read it. `objected_at`: time of the first objection, or None. `lifted_at`: when the bank had
    lifted the stop after an objection, or None.
    """

    cause: WrongfulCause | None
    unread: bool
    stopped_at: datetime
    objected_at: datetime | None = None
    lifted_at: datetime | None = None


class ReviewDesk:
    """The persons who review objections. Objections are reviewed in the order in which they are made."""

    def __init__(self, seed: int, assumed: StolenMoney) -> None:
        self._seed, self._assumed = seed, assumed
        self._free: list[datetime | None] = [None] * max(assumed.reviewers_day, assumed.reviewers_night)

    def schedule_review(self, objection: str, now: datetime) -> datetime:
        """Assign an objection that is made at `now` (UTC) to the reviewer who is free first, and return the time at
        which the review ends. The reviewer is busy until then. `objection`: its id.
        """
        by_day = (now + BEIJING).hour in BY_DAY
        on_duty = self._assumed.reviewers_day if by_day else self._assumed.reviewers_night
        begins, first = min((max(free or now, now), number) for number, free in enumerate(self._free[:on_duty]))
        chance = stream(self._seed, "review", objection)
        ends = begins + seconds(chance, self._assumed.review_minutes * 60, self._assumed.review_spread)
        self._free[first] = ends
        return ends

    def upholds(self, objection: str, *, honest: bool) -> bool:
        """Return True if the review upholds the objection (an id), at random; the same objection always gets the same
        answer. `honest`: True if the account holder is honest.
        """
        share = self._assumed.upholds_honest if honest else self._assumed.upholds_mule
        return stream(self._seed, "decision", objection).random() < share


def objecting(case: Case, step: str, number: int, now: datetime) -> ObjectStop:
    """Return the input by which the account holder objects to the order of the step `step`, through the bank, at `now`.

    `number`: how many objections to this order were made before; it makes the input's id unique.
    """
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
    """Return the input by which a reviewer decides on an objection (its id) at `now`. `cause`: why the stop was wrong,
    so that the objection is upheld; None: the objection is rejected.
    """
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
