"""Rules of objections to stop orders: the roles of the reviewer, and the time for the review."""

from datetime import timedelta
from typing import Self

from pydantic import model_validator

from domain.policy.faults import FaultCode, refused
from domain.policy.units import Duration, Section, spelt
from schemas.people.staff import StaffRole

LEAST_CLOCK, MOST_CLOCK = timedelta(minutes=1), timedelta(hours=24)
REVIEWERS = (StaffRole.RELEASE_DESK, StaffRole.SUPERVISOR)


class ObjectionRules(Section):
    """Rules for the review of an objection to a stop order. One person with one of the `roles` decides.

    That person must not have asked for or approved a stop of the account, nor have taken the objection down. `within`:
    the time for the review, at most 24 hours.
    """

    within: Duration = timedelta(hours=4)
    roles: tuple[StaffRole, ...] = REVIEWERS

    @model_validator(mode="after")
    def _decidable(self) -> Self:
        if not self.roles:
            raise refused(FaultCode.KEYS_MISSING, key="roles", names=["roles"])
        if not LEAST_CLOCK <= self.within <= MOST_CLOCK:
            raise refused(FaultCode.NOT_BETWEEN, key="within", least=spelt(LEAST_CLOCK), most=spelt(MOST_CLOCK))
        return self
