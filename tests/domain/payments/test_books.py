"""The books: each fen of a case in one place at each moment, and each change on the day on which it came."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.calendar import day_of
from domain.identity.personal import without
from domain.payments.books import PLACES, changes, fold_books, named, standing, with_booked
from domain.payments.ledger import UNNAMED, booked_earlier, of_case
from schemas.casework.acts import AskStopAct, CloseAct, NoteAct
from schemas.casework.books import BookLine
from schemas.casework.cases import Case, Stop, StopState
from schemas.casework.events import CaseEvent
from schemas.casework.inputs import BankState
from schemas.casework.orders import HandOverStopAct
from schemas.levels import EvidenceClass, Level, Outcome, OutcomeGround
from schemas.people.staff import StaffRole
from tests.domain.builders import NOON, Line, danger, event, payment

WHOLE = 1_000_000
DAY = timedelta(days=1)


def paid(*names: str, exposure: int = 0) -> Line:
    """A red case of payments of ¥10,000 to different accounts, whose stops have been asked for."""
    line = Line()
    payments = [payment(name, payee=f"account of {name}") for name in names or ("bank:1",)]
    line.alert(Level.RED, *payments, found=danger(Level.RED, exposure=exposure))
    line.pass_to(timedelta(minutes=6))
    return line


def places(case: Case) -> dict[BookLine, int]:
    return {line: fen for line, fen in standing(case).items() if line in PLACES}


def test_a_yuan_that_is_stopped_then_frozen_then_returned_is_in_one_place_at_a_time() -> None:
    line = paid()
    assert places(line.here) == {}, "nothing is known to be held before the bank says so"
    line.bank(BankState.IN_FORCE, amount=WHOLE)
    assert places(line.here) == {BookLine.STOPPED: WHOLE}
    line.bank(BankState.FROZEN, amount=WHOLE)
    assert places(line.here) == {BookLine.FROZEN: WHOLE}
    line.bank(BankState.RETURNED, amount=WHOLE)
    assert places(line.here) == {BookLine.RETURNED: WHOLE}


def test_a_part_that_is_returned_leaves_the_rest_where_it_is() -> None:
    line = paid()
    line.bank(BankState.IN_FORCE, amount=800_000)
    line.bank(BankState.FROZEN, amount=600_000)
    assert places(line.here) == {BookLine.FROZEN: 600_000, BookLine.STOPPED: 200_000}
    line.bank(BankState.RETURNED, amount=250_000)
    assert places(line.here) == {BookLine.FROZEN: 350_000, BookLine.RETURNED: 250_000}
    line.bank(BankState.RETURNED, amount=600_000)
    assert places(line.here) == {BookLine.RETURNED: 600_000}


def test_the_same_message_twice_and_an_older_one_after_it_change_nothing() -> None:
    line = paid()
    for state in (BankState.IN_FORCE, BankState.FROZEN, BankState.RETURNED):
        line.bank(state, amount=WHOLE)
    before = line.here.booked
    for state in (BankState.RETURNED, BankState.FROZEN, BankState.IN_FORCE, BankState.RETURNED):
        line.bank(state, amount=WHOLE)
        line.bank(state, amount=1)
    assert line.here.booked == before


def test_a_bank_cannot_hold_or_return_more_than_was_paid() -> None:
    line = paid()
    line.bank(BankState.IN_FORCE, amount=50 * WHOLE)
    assert places(line.here) == {BookLine.STOPPED: WHOLE}
    line.bank(BankState.RETURNED, amount=50 * WHOLE)
    assert places(line.here) == {BookLine.RETURNED: WHOLE}


def test_a_stop_whose_bank_has_named_no_amount_holds_no_known_money_but_counts_as_carried_out() -> None:
    line = paid()
    line.bank(BankState.IN_FORCE)
    found = standing(line.here)
    assert (found[BookLine.STOPPED], found[BookLine.CARRIED_OUT], found[BookLine.ORDERS]) == (0, 1, 1)


def test_a_stop_that_ends_takes_its_money_out_and_what_was_ever_stopped_stays() -> None:
    line = paid()
    line.bank(BankState.IN_FORCE, amount=WHOLE, until=line.now + DAY)
    line.pass_to(timedelta(days=5))
    found = standing(line.here)
    assert (found[BookLine.STOPPED], found[BookLine.STOPPED_EVER]) == (0, WHOLE)


def test_what_was_ever_stopped_stays_when_the_bank_is_asked_a_second_time() -> None:
    line = paid()
    line.bank(BankState.IN_FORCE, amount=WHOLE)
    line.bank(BankState.RELEASED)
    line.act(AskStopAct(transfer="bank:1"), "zhou", role=StaffRole.RELEASE_DESK)
    assert standing(line.here)[BookLine.STOPPED_EVER] == WHOLE
    line.bank(BankState.REFUSED)
    assert standing(line.here)[BookLine.STOPPED_EVER] == WHOLE


def test_an_order_that_nobody_had_approved_is_not_signed_by_a_hand_over() -> None:
    line = paid()
    line.bank(BankState.IN_FORCE, amount=WHOLE)
    line.approves = False
    line.act(AskStopAct(transfer="bank:1"), "wang", role=StaffRole.OFFICER)
    act = HandOverStopAct(order=line.here.orders[-1].step, decision="吉公冻字〔2026〕7号", authority="长春市公安局")
    line.act(act, "zhou", role=StaffRole.RELEASE_DESK)
    assert len(line.here.orders) == 2
    assert standing(line.here)[BookLine.ORDERS] == 1


def test_an_authoritys_freezing_is_told_apart_from_a_banks() -> None:
    line = paid()
    line.bank(BankState.IN_FORCE, amount=WHOLE)
    order = line.here.orders[-1].step
    act = HandOverStopAct(order=order, decision="吉公冻字〔2026〕7号", authority="长春市公安局")
    line.act(act, "zhou", role=StaffRole.RELEASE_DESK)
    found = standing(line.here)
    assert (found[BookLine.FREEZING_DECIDED], found[BookLine.STOPPED], found[BookLine.FREEZINGS]) == (WHOLE, 0, 1)
    line.bank(BankState.RETURNED, amount=400_000)
    assert places(line.here) == {BookLine.RETURNED: 400_000}


def test_money_that_is_held_is_not_lost() -> None:
    line = paid()
    line.victim(WHOLE, "bank:1")
    line.bank(BankState.IN_FORCE, amount=300_000)
    assert places(line.here) == {BookLine.STOPPED: 300_000, BookLine.LOST: 700_000}


@pytest.mark.parametrize("state", [BankState.IN_FORCE, BankState.FROZEN])
def test_money_held_of_one_payment_is_not_missing_from_the_loss_of_another(state: BankState) -> None:
    line = paid("bank:1", "bank:2")
    line.bank(state, "bank:2", amount=WHOLE)
    line.victim(WHOLE, "bank:1")
    assert places(line.here)[BookLine.LOST] == WHOLE


def test_money_held_of_any_payment_is_not_lost_of_a_sum_told_without_a_transfer() -> None:
    line = paid("bank:1", "bank:2")
    line.bank(BankState.IN_FORCE, "bank:2", amount=300_000)
    line.victim(WHOLE, None)
    assert places(line.here) == {BookLine.STOPPED: 300_000, BookLine.LOST: 700_000}


def test_accounts_beyond_the_payee_hold_no_more_than_the_payments_have_left() -> None:
    line = paid()
    line.bank(BankState.IN_FORCE, amount=400_000)
    stop = Stop(state=StopState.IN_FORCE, until=NOON + DAY, there_fen=900_000)
    beyond = payment("second:traced-1-0", 900_000, payee="mule").model_copy(update={"stop": stop})
    assert places(line.here.model_copy(update={"traced": [beyond]})) == {BookLine.STOPPED: WHOLE}


def test_a_payment_booked_in_an_earlier_case_is_not_held_again() -> None:
    line = paid()
    line.bank(BankState.IN_FORCE, amount=WHOLE)
    assert places(line.here.model_copy(update={"booked_before": ["bank:1"]})) == {}


def test_danger_again_while_an_authoritys_freeze_runs_books_the_frozen_money_once() -> None:
    line = paid()
    line.bank(BankState.IN_FORCE, amount=WHOLE)
    act = HandOverStopAct(order=line.here.orders[-1].step, decision="吉公冻字〔2026〕7号", authority="长春市公安局")
    line.act(act, "zhou", role=StaffRole.RELEASE_DESK)
    line.act(CloseAct(reason="办结"))
    line.pass_to(31 * DAY)
    line.alert(Level.RED, payment("bank:1", payee="account of bank:1"))
    line.bank(BankState.FROZEN, amount=WHOLE)
    line.victim(WHOLE, "bank:1")
    assert (line.here.number, places(line.here)) == (1, {BookLine.FROZEN: WHOLE})


def test_an_erased_case_has_the_same_places() -> None:
    line = paid("bank:1", "bank:2")
    line.bank(BankState.IN_FORCE, "bank:1", WHOLE)
    line.bank(BankState.FROZEN, "bank:2", 400_000)
    line.victim(WHOLE, "bank:2")
    act = HandOverStopAct(order=line.here.orders[0].step, decision="吉公冻字〔2026〕7号", authority="长春市公安局")
    line.act(act, "zhou", role=StaffRole.RELEASE_DESK)
    assert standing(without(line.here)) == standing(line.here)


def test_each_change_is_of_its_day_and_the_days_add_up_to_the_stand() -> None:
    line = paid()
    line.bank(BankState.IN_FORCE, amount=WHOLE, until=line.now + 2 * DAY)
    line.pass_to(DAY)
    line.bank(BankState.FROZEN, amount=WHOLE)
    first, second = "2026-03-02", "2026-03-03"
    assert line.here.booked[first][BookLine.STOPPED] == WHOLE
    assert line.here.booked[second] == {BookLine.STOPPED: -WHOLE, BookLine.FROZEN: WHOLE}


def test_midnight_is_jilins() -> None:
    case = paid().here.model_copy(update={"frozen": {}, "booked": {}})
    evening = datetime(2026, 3, 31, 15, 59, tzinfo=UTC)
    assert list(with_booked(case, evening).booked) == ["2026-03-31"]
    assert list(with_booked(case, evening + timedelta(minutes=1)).booked) == ["2026-04-01"]


def test_a_dissuaded_resident_who_pays_after_all_is_taken_out_again() -> None:
    line = paid(exposure=3 * WHOLE)
    line.dissuaded()
    assert standing(line.here)[BookLine.DISSUADED_EVIDENCED] == 1
    line.pass_to(DAY)
    line.victim(WHOLE, "bank:1")
    assert standing(line.here)[BookLine.DISSUADED_EVIDENCED] == 0
    assert sum(lines.get(BookLine.DISSUADED_EVIDENCED, 0) for lines in line.here.booked.values()) == 0


Step = Callable[[Line], object]
TRANSFERS = st.sampled_from(["bank:1", "bank:2", "bank:3"])
AMOUNTS = st.sampled_from([0, 1, 300_000, 999_999, WHOLE, 7 * WHOLE])


def _bank(state: BankState, transfer: str, amount: int) -> Step:
    return lambda line: line.bank(state, transfer, amount)


def _victim(amount: int, transfer: str | None) -> Step:
    return lambda line: line.victim(amount or 1, transfer)


def _wait(hours: int) -> Step:
    return lambda line: line.pass_to(timedelta(hours=hours))


def _hand_over(number: int) -> Step:
    def act(line: Line) -> None:
        if line.here.orders:
            step = line.here.orders[number % len(line.here.orders)].step
            given = HandOverStopAct(order=step, decision=f"吉冻{number:04}", authority="长春市公安局")
            line.act(given, "zhou", role=StaffRole.RELEASE_DESK)

    return act


def _claim(transfer: str, amount: int, evidence: EvidenceClass) -> Step:
    def act(line: Line) -> None:
        line.act(NoteAct(what="conversation"))
        kept = [{"transfer": transfer, "evidence": evidence, "amount_fen": amount or 1}]
        line.outcome(Outcome.DISSUADED, kept=kept, ground=OutcomeGround.OTHER, note="他儿子打来电话")

    return act


STEPS: st.SearchStrategy[Step] = st.one_of(
    st.builds(_bank, st.sampled_from(BankState), TRANSFERS, AMOUNTS),
    st.builds(_victim, AMOUNTS, st.one_of(st.none(), TRANSFERS)),
    st.builds(_wait, st.sampled_from([1, 11, 49, 200])),
    st.builds(_hand_over, st.integers(0, 5)),
    st.builds(_claim, TRANSFERS, AMOUNTS, st.sampled_from([EvidenceClass.C, EvidenceClass.D])),
    st.just(lambda line: line.alert(Level.RED, payment("bank:4", payee="another"))),
    st.just(lambda line: line.act(CloseAct(reason="办结"))),
)


def _history(steps: Sequence[Step]) -> list[Case]:
    """All versions of a case to which these things happen."""
    line = paid("bank:1", "bank:2", "bank:3", exposure=9 * WHOLE)
    for step in steps:
        step(line)
    cases = [decision.case for decision in line.decisions if decision.case is not None]
    return list({(case.id, case.version): case for case in cases}.values())


@settings(max_examples=40, deadline=None)
@given(st.lists(STEPS, max_size=12))
def test_at_each_moment_each_fen_is_in_one_place_whatever_happens(steps: list[Step]) -> None:
    for case in _history(steps):
        found, totals = standing(case), of_case(case)
        own = sum(each.amount_fen for each in case.payments if not booked_earlier(case, each.transfer))
        assert all(fen >= 0 for fen in found.values())
        assert sum(found[line] for line in PLACES if line is not BookLine.LOST) <= own
        assert found[BookLine.LOST] <= totals.lost
        if UNNAMED not in {loss.id for loss in case.losses}:
            assert sum(found[line] for line in PLACES) <= own
        assert found[BookLine.FROZEN] + found[BookLine.RETURNED] == totals.kept_a
        assert (found[BookLine.CANCELLED], found[BookLine.NOT_MADE]) == (totals.kept_b, totals.kept_c)


@settings(max_examples=40, deadline=None)
@given(st.lists(STEPS, max_size=12), st.randoms(use_true_random=False))
def test_the_days_of_a_case_add_up_to_its_stand_and_the_changes_of_its_versions_to_its_days(
    steps: list[Step], random: Random
) -> None:
    cases = _history(steps)
    by_commit, by_day = Counter[str](), Counter[str]()
    before: dict[str, Case] = {}
    for case in cases:
        by_commit.update(changes(before.get(case.id), case))
        was = standing(before[case.id]) if case.id in before else Counter[BookLine]()
        change = standing(case)
        change.subtract(was)
        by_day.update({f"{day_of(case.updated_at)}|{line}": by for line, by in change.items()})
        before[case.id] = case
        total = Counter[BookLine]()
        for lines in case.booked.values():
            total.update(lines)
        assert +total == standing(case)
    assert {name: by for name, by in by_commit.items() if by} == _folded(cases, random)
    assert {name: by for name, by in by_day.items() if by} == {
        name: by for name, by in by_commit.items() if by and len(name.split("|")[0]) == len("2026-03-02")
    }


def _folded(cases: Sequence[Case], random: Random) -> dict[str, int]:
    """The fold of the journal, whose events come in any order and twice."""
    events: list[CaseEvent] = [event(case, number) for number, case in enumerate(cases)] * 2
    random.shuffle(events)
    return fold_books(events)


def test_a_change_has_three_sums_its_days_its_months_and_its_years() -> None:
    booked = {"2026-03-31": {BookLine.FROZEN: 5}, "2026-04-01": {BookLine.FROZEN: -2}}
    assert named(booked) == {
        "2026-03-31|frozen": 5,
        "2026-04-01|frozen": -2,
        "2026-03|frozen": 5,
        "2026-04|frozen": -2,
        "2026|frozen": 3,
    }


@pytest.mark.parametrize("times", [1, 5])
def test_what_a_case_stores_grows_with_its_days_not_with_its_messages(times: int) -> None:
    line = paid()
    for _ in range(times):
        for state in (BankState.IN_FORCE, BankState.RELEASED):
            line.bank(state, amount=WHOLE)
    assert len(line.here.booked) == 1
    assert len(line.here.booked["2026-03-02"]) <= len(BookLine)
