"""The waiting times of cases for an operator: until an operator takes the case, or the plan withdraws the call."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.casework.triage import QueueBand, queue_band, waiting_since
from schemas.casework.cases import Case
from schemas.levels import Level


@dataclass(slots=True)
class Waits:
    """Waiting times of cases that are offered to operators. Of each case, only the first wait counts.

    `limits`: the policy's longest wait by level (a level without an entry has no limit); `past_limit`: number of cases
    that waited longer; `longest`: the longest wait of all.
    """

    limits: Mapping[Level, timedelta]
    past_limit: int = 0
    longest: timedelta = timedelta(0)
    _waiting: dict[str, Case] = field(default_factory=dict)
    _over: set[str] = field(default_factory=set)

    def add(self, case: Case, at: datetime) -> None:
        """Record a case after a change at the time `at`. A wait begins when the case is offered to operators, and ends
        when it is no longer offered.
        """
        if queue_band(case) is QueueBand.OFFERED:
            if case.id not in self._over:
                self._waiting[case.id] = case
        elif waited := self._waiting.pop(case.id, None):
            self._over.add(case.id)
            self._note(waited, at)

    def close(self, at: datetime) -> None:
        """End the run: count each case that still waits as having waited until `at`."""
        for case in self._waiting.values():
            self._note(case, at)
        self._waiting.clear()

    def _note(self, case: Case, until: datetime) -> None:
        waited = until - waiting_since(case)
        limit = self.limits.get(case.level)
        self.past_limit += limit is not None and waited > limit
        self.longest = max(self.longest, waited)
