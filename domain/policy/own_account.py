"""The policy's rules of holds on residents' own accounts: off, unless the province cites its ground."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from domain.policy.approval import LEAST_LAW, Law
from domain.policy.faults import FaultCode, refused
from domain.policy.objections import LEAST_CLOCK, MOST_CLOCK
from domain.policy.units import Duration, Section, spelt
from schemas.base import MOST_FEN
from schemas.casework.own_account import (
    LEAST_HOLD_PERSONS,
    MOST_HOLD_DAYS,
    MOST_HOLD_PERSONS,
    AllowanceSpan,
)
from schemas.people.staff import StaffRole

_NEEDED = ("days", "allowance_fen", "allowance_span")
MOST_TIMES = 6  # a first hold and five renewals, as in Singapore's Act


class OwnAccountRules(Section):
    """Whether outgoing transfers of a resident's own account may be held as a last resort, and how.

    `ground`: the local rule that permits it, cited; without one, or without `days`, `allowance_fen` and
    `allowance_span`, it cannot be `enabled`. `days`: how long a hold lasts, at most 30; `allowance_fen`: what the
    resident may still use for living in each `allowance_span`; `persons`, `roles`: who approves it, not counting who
    proposes it; `decide_within`: a proposal that lacks approvals by then is void; `times`: how often one account may be
    held in a case, each time by a new proposal.
    """

    enabled: bool = False
    ground: Law = ""
    days: Annotated[int, Field(ge=1, le=MOST_HOLD_DAYS)] | None = None
    allowance_fen: Annotated[int, Field(ge=1, le=MOST_FEN)] | None = None
    allowance_span: AllowanceSpan | None = None
    persons: Annotated[int, Field(ge=LEAST_HOLD_PERSONS, le=MOST_HOLD_PERSONS)] = LEAST_HOLD_PERSONS
    roles: tuple[Literal[StaffRole.RELEASE_DESK, StaffRole.SUPERVISOR], ...] = (StaffRole.RELEASE_DESK,)
    decide_within: Duration = timedelta(hours=4)
    times: Annotated[int, Field(ge=1, le=MOST_TIMES)] = 1

    @model_validator(mode="after")
    def _lawful(self) -> Self:
        if not self.roles:
            raise refused(FaultCode.KEYS_MISSING, key="roles", names=["roles"])
        if not LEAST_CLOCK <= self.decide_within <= MOST_CLOCK:
            raise refused(FaultCode.NOT_BETWEEN, key="decide_within", least=spelt(LEAST_CLOCK), most=spelt(MOST_CLOCK))
        if self.enabled and len(self.ground) < LEAST_LAW:
            raise refused(FaultCode.OWN_ACCOUNT_WITHOUT_GROUND, key="enabled", least=LEAST_LAW)
        missing = [name for name in _NEEDED if getattr(self, name) is None] if self.enabled else []
        if missing:
            raise refused(FaultCode.KEYS_MISSING, key="enabled", names=missing)
        return self
