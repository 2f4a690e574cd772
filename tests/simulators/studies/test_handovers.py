"""Hand-overs under cuts: in time without cuts, never nobody, and both provinces only if an answer is lost."""

from datetime import timedelta

import pytest

from domain.policy import Policy
from schemas.levels import Level
from simulators.studies import handovers
from simulators.studies.handovers import Cuts, HandoverCounts, handover_study
from tests.domain.builders import policy

SEEDS = (1, 2)


@pytest.fixture(scope="module")
def rules() -> Policy:
    return policy()


def of_cuts(
    rules: Policy, cuts: Cuts | None, offers: int, monkeypatch: pytest.MonkeyPatch, *, crossing: bool = False
) -> list[HandoverCounts]:
    monkeypatch.setattr(handovers, "CUTS", (cuts,))
    rows = handover_study(rules, SEEDS, offers)
    assert [row.level for row in rows] == 2 * [Level.RED, Level.ORANGE, Level.YELLOW]
    assert [row.crosses for row in rows] == 3 * [False] + 3 * [True]
    assert all(row.in_time + row.stayed + row.both == row.offers == len(SEEDS) * offers for row in rows)
    assert [row.nobody for row in rows] == 6 * [0]
    return rows[3:] if crossing else rows[:3]


def test_without_cuts_each_hand_over_is_acknowledged_in_time(rules: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    for row in of_cuts(rules, None, 20, monkeypatch):
        assert (row.in_time, row.stayed, row.both) == (40, 0, 0)


def test_of_offers_that_cross_one_is_taken_in_time_and_both_provinces_handle_the_resident_only_if_there_are_cuts(
    rules: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    for row in of_cuts(rules, None, 20, monkeypatch, crossing=True):
        assert (row.in_time, row.stayed, row.both) == (40, 0, 0)
    cuts = Cuts(timedelta(minutes=1), timedelta(minutes=1))
    assert of_cuts(rules, cuts, 40, monkeypatch, crossing=True)[0].both > 0


def test_a_cut_of_minutes_outlasts_the_deadline_of_a_red_case_only(
    rules: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    red, _, yellow = of_cuts(rules, Cuts(timedelta(minutes=5), timedelta(minutes=5)), 40, monkeypatch)
    assert red.stayed > yellow.stayed
    assert red.in_time < 60 < yellow.in_time


def test_both_provinces_handle_a_resident_if_a_cut_loses_the_answer_and_outlasts_the_deadline(
    rules: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handovers, "OPENING", (2.0, 2.5))  # a slow receiver: more answers are lost
    red = of_cuts(rules, Cuts(timedelta(seconds=10), timedelta(minutes=1)), 40, monkeypatch)[0]
    assert 0 < red.both < red.in_time


def test_a_study_repeats_itself(rules: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    cuts = Cuts(timedelta(minutes=1), timedelta(minutes=1))
    assert of_cuts(rules, cuts, 5, monkeypatch) == of_cuts(rules, cuts, 5, monkeypatch)


def test_a_network_is_cut_for_the_share_that_its_cuts_say() -> None:
    assert Cuts(timedelta(hours=20), timedelta(hours=4)).share == pytest.approx(1 / 6)
