"""The end of a freeze (解除冻结): by the bank's word, by the authority's decision, or because its period is over."""

from datetime import datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calendar import JILIN, local_date, months_after
from domain.casework.draft import DecisionBuilder
from domain.casework.orders.freeze_ends import FREEZE_CLOCK
from domain.casework.payments import may_not_ask
from domain.payments.books import standing
from domain.payments.freezes import REMINDED, with_unfrozen
from domain.payments.ledger import of_case, with_frozen, with_loss_avoided, with_returned
from domain.payments.status import PaymentStatus, frozen_fen, status_of
from schemas.casework.books import BookLine
from schemas.casework.cases import StopState
from schemas.casework.events import FactKind
from schemas.casework.inputs import BankState
from schemas.casework.orders import EndFreezeAct, FreezeEnd, FreezeEndKind, HandOverStopAct, StopOrder
from schemas.codes.freezes import (
    AnotherPersonEnds,
    FreezeLifted,
    FreezeOver,
    FreezePeriod,
    FreezeRenewed,
    FreezeRunsOut,
    NoFreeze,
)
from schemas.codes.money import BankUnfroze, MoneyUnfrozen
from schemas.codes.refusals import RoleMayNotApprove
from schemas.codes.stop_orders import StopHandedOver
from schemas.levels import EvidenceClass, Level
from schemas.people.staff import StaffRole
from schemas.risk.evidence import WatchStatus
from tests.domain.builders import NOON, Line, payment
from tests.domain.casework.orders.test_orders_of_an_account import stopped

DAY = timedelta(days=1)
DESK = StaffRole.RELEASE_DESK
AUTHORITY, DECISION, END = "长春市公安局", "吉公冻字〔2026〕17号", "吉公解冻字〔2026〕3号"
FREEZE = HandOverStopAct(order="stop.0", decision=DECISION, authority=AUTHORITY)


def frozen_by_bank(fen: int | None = None) -> tuple[Line, int]:
    """A stopped payment whose bank has frozen `fen` of it (None: all), and the payment's amount."""
    line = stopped()
    amount = line.here.payments[0].amount_fen
    line.bank(BankState.FROZEN, amount=fen or amount)
    return line, amount


def handed_over(**more: object) -> Line:
    line = stopped()
    line.act(FREEZE.model_copy(update=more), "sun", role=DESK)
    return line


def order(line: Line) -> StopOrder:
    return line.here.orders[0]


def end_of(line: Line) -> FreezeEnd | None:
    """The end of the freeze that the first order records."""
    freezing = order(line).freezing
    assert freezing is not None
    return freezing.ended


def state(line: Line) -> StopState:
    """The state of the first payment's stop."""
    stop = line.here.payments[0].stop
    assert stop is not None
    return stop.state


def test_money_that_a_bank_has_unfrozen_is_free_and_no_loss_avoided() -> None:
    line, amount = frozen_by_bank()
    line.pass_to(49 * timedelta(hours=1))  # the stop is over
    assert status_of(line.here, line.here.payments[0]).status is PaymentStatus.FROZEN
    line.bank(BankState.UNFROZEN)
    assert frozen_fen(line.here, line.here.payments[0]) == 0
    assert status_of(line.here, line.here.payments[0]) == (PaymentStatus.UNFROZEN, amount)
    assert (line.here.kept.get(line.here.payments[0].transfer), of_case(line.here).frozen) == (None, 0)
    assert standing(line.here)[BookLine.FROZEN] == 0
    assert MoneyUnfrozen(amount) in line.facts(FactKind.UNFROZEN)


def test_the_end_of_a_freeze_does_not_end_the_stop() -> None:
    line = Line()
    line.alert(Level.RED, payment(watched=WatchStatus.CONFIRMED))
    line.pass_to(timedelta(minutes=2))
    amount = line.here.payments[0].amount_fen
    line.bank(BankState.IN_FORCE, amount=amount)
    line.bank(BankState.FROZEN, amount=amount)
    line.bank(BankState.UNFROZEN)
    assert state(line) is StopState.IN_FORCE
    assert standing(line.here)[BookLine.STOPPED] == amount


def test_a_part_of_the_money_may_be_freed() -> None:
    line, amount = frozen_by_bank()
    line.bank(BankState.UNFROZEN, amount=100)
    kept = line.here.kept[line.here.payments[0].transfer]
    assert (frozen_fen(line.here, line.here.payments[0]), kept.amount_fen) == (amount - 100, amount - 100)


def test_no_more_is_shown_as_freed_than_was_frozen() -> None:
    line, _ = frozen_by_bank(400)
    line.pass_to(49 * timedelta(hours=1))
    line.bank(BankState.UNFROZEN)
    assert status_of(line.here, line.here.payments[0]) == (PaymentStatus.UNFROZEN, 400)


@pytest.mark.parametrize("freed", [1_000_000, 400_000])
def test_money_that_a_bank_frees_in_an_account_that_an_authority_froze_is_held_no_more(freed: int) -> None:
    line = Line()
    line.alert(Level.RED, payment(amount=1_000_000, watched=WatchStatus.CONFIRMED))
    line.pass_to(timedelta(minutes=2))
    line.bank(BankState.IN_FORCE, amount=1_000_000)
    line.act(FREEZE, "sun", role=DESK)
    line.bank(BankState.FROZEN, amount=1_000_000)
    line.bank(BankState.UNFROZEN, amount=freed)
    assert standing(line.here)[BookLine.FROZEN] == 1_000_000 - freed
    assert standing(line.here)[BookLine.FREEZING_DECIDED] == 0
    assert (end_of(line) is not None) is (freed == 1_000_000)


def test_what_was_returned_stays_avoided_when_the_rest_of_the_freeze_ends() -> None:
    line, _ = frozen_by_bank()
    line.bank(BankState.RETURNED, amount=300)
    line.bank(BankState.UNFROZEN)
    kept = line.here.kept[line.here.payments[0].transfer]
    assert (kept.evidence, kept.amount_fen) == (EvidenceClass.A, 300)
    assert status_of(line.here, line.here.payments[0]) == (PaymentStatus.RETURNED, 300)


def test_a_late_answer_that_the_money_is_frozen_freezes_nothing_again() -> None:
    line = stopped()
    line.bank(BankState.UNFROZEN)
    assert BankUnfroze() in line.facts(FactKind.NOTE)
    line.bank(BankState.FROZEN, amount=500)
    assert frozen_fen(line.here, line.here.payments[0]) == 0
    assert line.here.payments[0].transfer not in line.here.kept


@given(st.permutations(["frozen", "returned", "unfrozen"]), st.integers(1, 500), st.integers(1, 500))
def test_the_order_of_a_banks_answers_changes_no_sum(names: list[str], back: int, freed: int) -> None:
    line = stopped()
    transfer = line.here.payments[0].transfer
    for name in names:
        if name == "frozen":
            line.bank(BankState.FROZEN, amount=500)
        elif name == "returned":
            line.bank(BankState.RETURNED, amount=back)
        else:
            line.bank(BankState.UNFROZEN, amount=freed)
    case = with_returned(with_frozen(stopped().here, transfer, 500), transfer, back)
    case = with_loss_avoided(case, transfer, EvidenceClass.A, 500)
    expected = with_unfrozen(case, transfer, freed)
    assert line.here.kept == expected.kept
    assert frozen_fen(line.here, line.here.payments[0]) == max(0, 500 - back - freed)


def test_an_authoritys_end_of_its_freeze_frees_the_account_and_is_told() -> None:
    line = handed_over()
    line.bank(BankState.FROZEN, amount=700)
    line.act(EndFreezeAct(order="stop.0", decision=END), "zhou", role=DESK)
    assert end_of(line) == FreezeEnd(kind=FreezeEndKind.DECISION, at=line.now, decision=END, by="zhou")
    assert state(line) is StopState.RELEASED
    assert frozen_fen(line.here, line.here.payments[0]) == 0
    assert standing(line.here)[BookLine.FREEZING_DECIDED] == 0
    assert FreezeLifted("zhou", AUTHORITY, END) in line.facts(FactKind.STOP)
    assert not [step for step in line.here.steps if step.id.startswith(FREEZE_CLOCK)]


def test_only_who_may_decide_on_the_order_ends_its_freeze_and_only_once() -> None:
    line = stopped()
    end = EndFreezeAct(order="stop.0", decision=END)
    line.act(end, "zhou", role=DESK)
    assert NoFreeze() in line.facts(FactKind.REFUSED)
    line.act(FREEZE, "sun", role=DESK)
    line.act(end, "wang", role=StaffRole.AUDITOR)
    assert RoleMayNotApprove() in line.facts(FactKind.REFUSED)
    line.act(end, "sun", role=DESK)
    assert AnotherPersonEnds() in line.facts(FactKind.REFUSED)
    line.act(end, "zhou", role=DESK)
    line.act(end, "zhou", role=DESK)
    assert line.facts(FactKind.REFUSED).count(NoFreeze()) == 2


def test_a_freeze_ends_by_itself_after_six_months_and_a_reminder_comes_a_week_before() -> None:
    line = handed_over()
    until = months_after(line.now, 6)
    line.pass_to(until - REMINDED - NOON)
    assert FreezeRunsOut(AUTHORITY, until) in line.facts(FactKind.STOP_REMINDER)
    assert end_of(line) is None
    line.pass_to(until - NOON)
    assert end_of(line) == FreezeEnd(kind=FreezeEndKind.PERIOD, at=until)
    assert FreezeOver(AUTHORITY, DECISION) in line.facts(FactKind.STOP)
    assert state(line) is StopState.RELEASED


def test_a_renewed_freeze_lasts_until_its_new_end() -> None:
    line = handed_over()
    later = months_after(line.now, 9)
    line.act(FREEZE.model_copy(update={"decision": "吉公续冻字5号", "until": later}), "sun", role=DESK)
    assert FreezeRenewed("sun", AUTHORITY, "吉公续冻字5号", later) in line.facts(FactKind.STOP)
    line.pass_to(months_after(line.now, 7) - NOON)
    assert end_of(line) is None
    line.pass_to(later - NOON)
    assert end_of(line) is not None


def test_a_renewal_lasts_up_to_a_year_from_the_former_end_although_it_is_recorded_before() -> None:
    line = handed_over()
    former = months_after(line.now, 6)
    line.pass_to(former - REMINDED - NOON)
    for days, ends in ((2, former), (0, months_after(former, 12))):
        renewal = {"decision": "吉公续冻字5号", "until": months_after(former, 12) + days * DAY}
        line.act(FREEZE.model_copy(update=renewal), "sun", role=DESK)
        freezing = order(line).freezing
        assert freezing is not None
        assert freezing.until == ends


def test_the_last_day_of_a_freeze_of_a_year_counts_whole() -> None:
    line = stopped()
    last = datetime.combine(local_date(months_after(line.now, 12)) + DAY, time(), JILIN)
    line.act(FREEZE.model_copy(update={"until": last}), "sun", role=DESK)
    assert order(line).freezing is not None


@pytest.mark.parametrize("days", [-1, 0, 367])
def test_a_freeze_ends_within_a_year(days: int) -> None:
    line = stopped()
    line.act(FREEZE.model_copy(update={"until": line.now + days * DAY}), "sun", role=DESK)
    assert FreezePeriod() in line.facts(FactKind.REFUSED)
    assert order(line).freezing is None


def test_a_bank_that_has_ended_an_authoritys_freeze_ends_it_in_the_case() -> None:
    line = handed_over()
    line.bank(BankState.UNFROZEN)
    assert end_of(line) == FreezeEnd(kind=FreezeEndKind.BANK, at=line.now)
    assert state(line) is StopState.RELEASED


def test_after_its_end_the_account_may_be_frozen_again_and_the_money_counts_again() -> None:
    line = handed_over()
    line.bank(BankState.FROZEN, amount=700)
    line.act(EndFreezeAct(order="stop.0", decision=END), "zhou", role=DESK)
    line.act(FREEZE.model_copy(update={"decision": "吉公冻字〔2026〕99号"}), "sun", role=DESK)
    assert state(line) is StopState.FROZEN
    line.bank(BankState.FROZEN, amount=600)
    assert frozen_fen(line.here, line.here.payments[0]) == 600


def test_an_account_of_which_a_part_was_returned_may_be_frozen_again() -> None:
    line = handed_over()
    line.bank(BankState.FROZEN, amount=700)
    line.bank(BankState.RETURNED, amount=300)
    line.act(EndFreezeAct(order="stop.0", decision=END), "zhou", role=DESK)
    line.act(FREEZE.model_copy(update={"decision": "吉公冻字〔2026〕99号"}), "sun", role=DESK)
    assert StopHandedOver("sun", AUTHORITY, "吉公冻字〔2026〕99号") in line.facts(FactKind.STOP)
    assert end_of(line) is None


def test_an_ended_freeze_hinders_no_further_stop_by_itself() -> None:
    line = handed_over()
    assert type(may_not_ask_of(line)).__name__ == "AccountFrozen"
    line.act(EndFreezeAct(order="stop.0", decision=END), "zhou", role=DESK)
    assert may_not_ask_of(line) is None


def may_not_ask_of(line: Line) -> object:
    draft = DecisionBuilder.of(line.here, line.rules, line.now)
    return may_not_ask(draft, line.here.payments[0].transfer)
