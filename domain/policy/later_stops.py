"""How much a person may approve beyond an order: later stops of accounts that the money goes on to."""

from typing import Self

from pydantic import model_validator

from domain.policy.faults import FaultCode, refused
from domain.policy.units import Section
from schemas.casework.orders import LaterLimits


class LaterStopRules(Section):
    """The limits of standing approvals. A policy without them has no standing approvals.

    `usual`: what the form proposes; `one_person`: the most that one person may sign, above it two persons must;
    `most`: the most that anybody may sign. No limit of the first two is above that of the third.
    """

    usual: LaterLimits
    one_person: LaterLimits
    most: LaterLimits

    @model_validator(mode="after")
    def _rising(self) -> Self:
        for name in ("usual", "one_person"):
            for key, value in getattr(self, name).model_dump().items():
                if value > (most := getattr(self.most, key)):
                    raise refused(FaultCode.NOT_BETWEEN, key=f"{name}.{key}", least=1, most=most)
        return self

    def persons(self, limits: LaterLimits) -> int:
        """Return how many persons must sign limits."""
        return 1 if limits.within(self.one_person) else 2
