"""Second losses: shares with their intervals, from facts and from counts alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.statistics.counts import of_event
from domain.statistics.second_losses import SecondLosses, second_losses, second_losses_of_counts
from schemas.casework.events import Fact, FactKind
from schemas.levels import Level
from tests.domain.builders import NOON, Line, event, payment
from tests.domain.casework.shield.test_shielding import DAY, after_loss, answered


def test_wilsons_interval_of_three_in_forty() -> None:
    found = SecondLosses.of(40, 3)
    assert (found.losses, found.again, found.share) == (40, 3, 0.075)
    assert (found.low, found.high) == pytest.approx((0.0258, 0.1986), abs=1e-4)


def test_without_losses_there_is_no_share() -> None:
    assert SecondLosses.of(0, 0) == SecondLosses(0, 0, None, 0.0, 1.0)


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_the_share_lies_within_its_interval(losses: int, again: int) -> None:
    found = SecondLosses.of(losses, again)
    assert 0 <= found.low <= found.high <= 1
    if found.share is not None:
        assert found.low <= found.share <= found.high


def facts_of(line: Line) -> list[Fact]:
    return [fact for decision in line.decisions for fact in decision.facts]


def test_a_second_loss_during_a_shield_counts_there() -> None:
    line = after_loss()
    answered(line, 20 * DAY)
    line.victim(1_700_000)
    found = second_losses(facts_of(line))
    assert (found["shielded"].losses, found["shielded"].again) == (2, 1)
    assert found["unshielded"] == SecondLosses.of(0, 0)


def test_the_counts_of_the_journals_events_give_the_same() -> None:
    line = after_loss()
    answered(line, 20 * DAY)
    line.victim(1_700_000)
    facts = facts_of(line)
    events = event(line.here).model_copy(update={"facts": facts})
    assert second_losses_of_counts(of_event(events)) == second_losses(facts)


def test_other_facts_and_counts_are_not_counted() -> None:
    line = Line(at=NOON)
    line.alert(Level.RED, payment())
    assert second_losses(facts_of(line)) == second_losses_of_counts({f"fact|{FactKind.LOST.value}": 7})
