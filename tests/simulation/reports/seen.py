"""What whoever reports sees of a case, and what they choose from it: always the same for the same number."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from domain.dispatches.ids import named
from schemas.casework.cases import Case, Payment, Step
from schemas.levels import Action, Channel
from schemas.people.residents import Resident


@dataclass(frozen=True, slots=True)
class SeenCase:
    """A resident, and the resident's latest case by the journal (None: there is none), as whoever reports sees them.

    `n`: the number of the report, from which its choices follow. `policy`: the hash of the policy in force.
    """

    n: int
    now: datetime
    resident: Resident
    case: Case | None
    policy: str

    def random(self) -> Random:
        """The choices of this report, from the first on."""
        return Random(self.n)

    def steps(self, *actions: Action) -> list[Step]:
        """The case's steps of these actions; of all, without actions."""
        steps = self.case.steps if self.case else []
        return [step for step in steps if not actions or step.action in actions]

    def paid(self) -> list[Payment]:
        """The payments of the case."""
        return self.case.payments if self.case else []

    def dispatch(self, step: Step, channel: Channel) -> str:
        """The id of a step's latest dispatch; of its first one, if the step ended before it was sent. Raises ValueError
        without a case.
        """
        if self.case is None:
            raise ValueError("without a case there is no dispatch")
        return named(self.case.id, step.id, max(1, step.attempt), channel)

    def hashed(self, kind: str) -> str:
        """An id of 20 hexadecimal digits for this report."""
        return hashlib.sha256(f"{kind}:{self.n}:{self.resident.id}".encode()).hexdigest()[:20]


def pick(random: Random, found: Sequence[Any], instead: object = None) -> Any:  # noqa: ANN401 - one of what is given
    """One of `found`; `instead` when there is none, or now and then: a report about what does not exist."""
    return random.choice(found) if found and (instead is None or random.random() < 0.95) else instead
