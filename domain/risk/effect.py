"""The effect of a draft of a policy: how many cases each level would have, and the hours that their visits take."""

from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

from domain.policy import Policy
from schemas.levels import Action, Level


class Effect(NamedTuple):
    """Numbers of cases of one level: `before`, under the policy in force; `after`, under the draft."""

    level: Level
    before: int
    after: int

    @property
    def percent(self) -> int | None:
        """The change in whole per cent (negative: fewer cases); None if there were no cases before."""
        return round(100 * (self.after - self.before) / self.before) if self.before else None


class VisitHours(NamedTuple):
    """Hours that visits take: `least`, if each case is visited once; `most`, with every attempt that the
    plan allows.
    """

    least: float = 0.0
    most: float = 0.0


def effects(before: Mapping[Level, int], after: Mapping[Level, int]) -> list[Effect]:
    """Return the levels whose number of cases changes, the gravest first, with both numbers; levels without a change
    are left out.

    `before`, `after`: numbers of cases by level; a missing level has 0.
    """
    counted = [Effect(level, before.get(level, 0), after.get(level, 0)) for level in reversed(Level)]
    return [each for each in counted if each.before != each.after]


def planned_visits(policy: Policy) -> dict[Level, int]:
    """Return how many visits to a case the plan of each level makes at most; levels without visits are left out."""
    found = {
        level: sum(step.attempts for step in plan.steps.values() if step.action is Action.VISIT)
        for level, plan in policy.plan.levels.items()
    }
    return {level: attempts for level, attempts in found.items() if attempts}


def visit_hours(cases: Mapping[Level, int], policy: Policy, usual: timedelta) -> VisitHours:
    """Return the hours that the visits to these cases take, at least and at most (see VisitHours). `cases`: numbers of
    cases by level; levels whose plan has no visit do not count.

    `usual`: the duration of a visit if the policy does not set one.
    """
    one = (policy.duty.visit if policy.duty else usual) / timedelta(hours=1)
    visits = planned_visits(policy)
    visited = {level: count for level, count in cases.items() if level in visits}
    return VisitHours(
        sum(visited.values()) * one,
        sum(count * visits[level] for level, count in visited.items()) * one,
    )
