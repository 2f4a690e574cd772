"""What is counted of a province: the same whatever the order of its journal and however often an event comes."""

import random
from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest

from domain.payments import ledger
from domain.statistics import counts
from schemas.casework.acts import CloseAct
from schemas.casework.cases import Case
from schemas.casework.events import CaseEvent
from schemas.casework.inputs import BankState, FraudReport
from schemas.levels import Action, Level, Outcome, Result
from tests.domain.builders import Line, at_the_desk, payment, profile
from tests.domain.casework.journal import Journal, red_with_money


def standing(line: Line) -> Counter[str]:
    """All that `of_standing` told, step by step."""
    total: Counter[str] = Counter()
    before = None
    for decision in line.decisions:
        assert decision.case is not None
        total.update(counts.of_standing(before, decision.case))
        before = decision.case
    return total


def stepwise(events: list[CaseEvent]) -> Counter[str]:
    """The clocks, as a commit counts them: each event after the one before it."""
    total: Counter[str] = Counter()
    before = None
    for event in events:
        total.update(counts.of_clocks(before, event))
        before = event.case
    return total


def life() -> Journal:
    """A red case with a clock kept, one missed, and a visit."""
    line = red_with_money()
    line.result(Result.DELIVERED, Action.FLASH_SMS)
    line.pass_to(timedelta(minutes=20))
    line.dissuaded()
    return line


def test_an_open_case_counts_in_its_prefecture_until_it_is_closed() -> None:
    line = Line()
    line.alert(Level.YELLOW, of=profile(division="222401"))
    assert standing(line)["area|yellow|2224"] == 1
    line.alert(Level.RED, of=profile(division="222401"))
    assert (standing(line)["area|yellow|2224"], standing(line)["area|red|2224"]) == (0, 1)
    line.outcome(Outcome.FALSE_ALARM)
    line.pass_to(timedelta(days=400))
    assert not line.here.open
    assert standing(line)["area|red|2224"] == 0


def test_a_stop_counts_as_the_bank_said_last() -> None:
    line = red_with_money()
    line.pass_to(timedelta(minutes=6))
    line.bank(BankState.IN_FORCE)
    assert standing(line)["stop|in_force"] == 1
    assert standing(line)["stop|asked"] == 0


def test_a_stop_of_a_closed_case_is_not_lost_when_the_resident_has_another() -> None:
    first, second = Line(), Line()
    first.alert(Level.RED, payment())
    first.pass_to(timedelta(minutes=6))
    first.bank(BankState.IN_FORCE)
    second.alert(Level.RED)
    later = second.here.model_copy(update={"number": 2, "id": f"{second.here.resident}-2"})
    assert counts.of_standing(first.here, later)["stop|in_force"] == 0
    assert counts.of_standing(first.here, first.here) == Counter()


def test_what_a_case_shares_with_its_version_before_counts_as_if_it_did_not() -> None:
    line = life()
    line.pass_to(timedelta(days=400))
    known = [decision.case for decision in line.decisions if decision.case is not None]
    for before, after in pairwise(known):
        apart = Case.model_validate(before.model_dump())
        assert counts.of_standing(before, after) == counts.of_standing(apart, after)
        assert +Counter(ledger.added(before, after)) == +Counter(ledger.added(apart, after))
        assert -Counter(ledger.added(before, after)) == -Counter(ledger.added(apart, after))
    assert known[-1].version > 5


def test_a_clock_is_kept_by_a_result_in_time_and_missed_by_none() -> None:
    line = Journal()
    line.alert(Level.RED)
    line.result(Result.DELIVERED, Action.FLASH_SMS)
    line.pass_to(timedelta(seconds=31))
    line.fire(line.last(Action.ROBOT_CALL).step)
    found = stepwise(line.events)
    assert found["clock|carrier|red|kept"] == 1
    assert found["clock|carrier|red|missed"] == 1


@pytest.mark.parametrize("seed", range(20))
def test_the_clocks_of_a_journal_are_the_same_in_any_order_and_told_twice(seed: int) -> None:
    events = life().events
    told = [*events, *events[::2]]
    random.Random(seed).shuffle(told)
    assert stepwise(events).total() > 3
    assert counts.clocks_of(told) == stepwise(events)


def reported(line: Line, name: str) -> None:
    """The police record a fraud of now."""
    record = {"record": name, "version": 1, "happened_at": line.now, "reported_at": line.now, "by": "id_number"}
    record |= {"dated": True, "strength": "certain"}
    line.give(FraudReport.model_validate({**record, "id": name, "at": line.now, "resident": line.here.resident}))


def test_warnings_count_by_level_channel_and_message_and_a_fraud_in_the_case_that_knew_it_first() -> None:
    line = at_the_desk()
    line.outcome(Outcome.FALSE_ALARM)
    line.act(CloseAct(reason="cleared"))
    assert standing(line)["warned|channel|phone"] == 1
    assert standing(line)["warned|level|red"] == 1
    line.pass_to(timedelta(days=40))
    reported(line, "police:1")
    assert (standing(line)["defrauded|30|channel|phone"], standing(line)["defrauded|90|channel|phone"]) == (0, 1)
    line.alert(Level.BLUE)
    assert line.here.number == 2
    assert standing(line)["defrauded|90|channel|phone"] == 1, "the first case counts it for good"
    reported(line, "police:2")
    assert standing(line)["defrauded|90|channel|phone"] == 1, "its resident was defrauded before"
    assert standing(line)["warned|channel|phone"] == 1, "the warning is the first case's"


def test_a_fraud_after_a_later_case_was_opened_counts_for_the_earlier_cases_warning() -> None:
    line = at_the_desk()
    line.outcome(Outcome.FALSE_ALARM)
    line.act(CloseAct(reason="cleared"))
    line.pass_to(timedelta(days=40))
    line.alert(Level.BLUE)
    reported(line, "police:1")
    assert standing(line)["defrauded|90|channel|phone"] == 1
    assert all(number >= 0 for number in standing(line).values())
