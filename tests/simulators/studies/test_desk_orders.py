"""A month of a small desk: what must hold under every order."""

from dataclasses import replace
from functools import cache

import pytest

from schemas.casework.cases import CaseState
from simulators.lab.dispatchers import default, nobody
from simulators.studies.desk_arrivals import arrivals
from simulators.studies.desk_cases import DeskStaff, MonthFigures, as_closed
from simulators.studies.desk_month import DeskMonth
from simulators.studies.desk_orders import BOUND, INDEX, PRODUCT, District, beliefs_after, order_figures, order_rows
from simulators.world.province import START
from tests.domain.builders import policy

SMALL = District(residents=4_000, false_a_day=10, oversampled=100, days=2, staff=DeskStaff(by_night=0, officers=1))


@cache
def found() -> dict[str, MonthFigures]:
    return order_figures(1, SMALL, policy(), beliefs_after(2, SMALL, policy()))


def test_every_order_meets_the_same_victims_and_without_operators_they_save_nothing() -> None:
    victims = {(each.would_pay, each.would_lose_fen) for each in found().values()}
    assert len(victims) == 1
    assert victims.pop()[0] > 0
    assert found()["nobody"].by_operators_fen == found()["nobody"].calls == 0
    assert found()[PRODUCT].calls > 0


def test_the_table_has_a_row_for_each_order_the_bound_and_one_more_of_each() -> None:
    table = {row.name: row for row in order_rows([found(), found()])}
    assert len(table) == 11
    assert table[PRODUCT].more_spared.mean == 0
    assert table[INDEX].spared.mean == pytest.approx(100 * found()[INDEX].spared / found()[INDEX].would_pay)
    assert table[BOUND].not_taken <= table[PRODUCT].not_taken
    with pytest.raises(ValueError, match="no seed"):
        order_rows([])


def test_the_same_seed_gives_the_same_month() -> None:
    came = SMALL.arrivals(1, policy())
    again = [DeskMonth(1, came, policy(), default(policy()), SMALL.staff, 2).run() for _ in range(2)]
    assert again[0] == again[1] == found()[PRODUCT]


def test_operators_keep_shifts_and_call_again_after_an_unanswered_call() -> None:
    month = DeskMonth(1, SMALL.arrivals(1, policy()), policy(), default(policy()), SMALL.staff, 2)
    month.run()
    assert max(len(job.results) for job in month.jobs.values()) > 1
    assert DeskStaff(by_day=2, by_night=0).operators(START) == 2  # 9:00
    assert DeskStaff(by_day=2, by_night=0).operators(START.replace(hour=14)) == 0  # 22:00
    assert replace(SMALL.staff, unlimited=True).operators(START.replace(hour=14)) == 0


def test_what_an_installation_learns_from_has_no_truth_in_it() -> None:
    came = SMALL.arrivals(1, policy())
    month = DeskMonth(1, came, policy(), nobody, SMALL.staff, 2)
    month.run()
    alarms = {each.who.id for each in came if each.story is None}
    assert alarms
    known = {case.state for case in as_closed(month.jobs.values()) if case.resident in alarms}
    assert known <= {CaseState.RAISED, CaseState.DISSUADED, CaseState.FALSE_ALARM}


def test_no_more_can_pay_than_are_hooked() -> None:
    with pytest.raises(ValueError, match="hooked"):
        arrivals(1, 1_000, 1, 0, policy().risk, 10_000)
