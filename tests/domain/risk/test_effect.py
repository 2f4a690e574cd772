"""What a draft changes: how many more or fewer cases of each level, and the hours of their visits."""

from datetime import timedelta

from domain.policy import load
from domain.risk.effect import Effect, VisitHours, effects, planned_visits, visit_hours
from schemas.levels import Level
from streams.runtime.settings import POLICY

TEXT = POLICY.read_text("utf-8")
HOUR = timedelta(hours=1)


def test_only_levels_that_change_are_told_the_gravest_first() -> None:
    before = {Level.RED: 19, Level.ORANGE: 40, Level.YELLOW: 7}
    after = {Level.RED: 37, Level.ORANGE: 22, Level.YELLOW: 7, Level.BLUE: 3}
    found = effects(before, after)
    assert found == [Effect(Level.RED, 19, 37), Effect(Level.ORANGE, 40, 22), Effect(Level.BLUE, 0, 3)]
    assert [each.percent for each in found] == [95, -45, None]


def test_a_case_that_becomes_graver_takes_more_visits_at_most_and_one_at_least() -> None:
    policy = load(TEXT)
    assert planned_visits(policy) == {Level.RED: 6, Level.ORANGE: 4, Level.YELLOW: 3}
    assert visit_hours({Level.ORANGE: 4, Level.BLUE: 50}, policy, HOUR) == VisitHours(4, 16)
    assert visit_hours({Level.RED: 4, Level.BLUE: 50}, policy, HOUR) == VisitHours(4, 24)


def test_each_policy_counts_by_its_own_length_of_a_visit() -> None:
    longer = load(TEXT.replace('visit = "1h"', 'visit = "90m"'))
    assert visit_hours({Level.RED: 2}, longer, HOUR) == VisitHours(3, 18)
