"""A freeze that runs longer than its case; banks' answers that are repeated after a later order; renewals recorded
late; several payments to a frozen account.
"""

from datetime import datetime, time, timedelta

import pytest

from domain.calendar import JILIN, local_date, months_after
from domain.payments.books import standing
from domain.payments.freezes import REMINDED, freeze_attention
from domain.payments.status import PaymentStatus, frozen_fen, status_of
from schemas.casework.acts import AskStopAct, CloseAct
from schemas.casework.books import BookLine
from schemas.casework.cases import CaseState, StopState
from schemas.casework.events import FactKind
from schemas.casework.inputs import BankState, Erase
from schemas.casework.orders import EndFreezeAct, FreezeEndKind, HandOverStopAct
from schemas.codes.freezes import FreezeEndsLater, FreezeOver
from schemas.codes.refusals import NoStop
from schemas.levels import Action, Level
from schemas.people.staff import StaffRole
from schemas.risk.evidence import WatchStatus
from tests.domain.builders import NOON, RESIDENT, Line, payment
from tests.domain.casework.orders.test_end_of_a_freeze import AUTHORITY, END, FREEZE, end_of, frozen_by_bank, state
from tests.domain.casework.orders.test_orders_of_an_account import stopped

DAY = timedelta(days=1)
DESK = StaffRole.RELEASE_DESK
WHOLE = 1_000_000
AGAIN = FREEZE.model_copy(update={"decision": "吉公冻字〔2026〕99号"})


def frozen(line: Line, transfer: str = "bank:1") -> int:
    """How much of a payment of the case is frozen, in fen."""
    return next(frozen_fen(line.here, each) for each in line.here.payments if each.transfer == transfer)


def kept(line: Line) -> int:
    """The loss avoided of the case's first payment, in fen."""
    entry = line.here.kept.get("bank:1")
    return entry.amount_fen if entry else 0


def handed_over(fen: int) -> Line:
    """An account that an authority has frozen; its bank has confirmed `fen` of it."""
    line = stopped()
    line.act(FREEZE, "sun", role=DESK)
    line.bank(BankState.FROZEN, amount=fen)
    return line


def closed(line: Line, days: int = 60) -> Line:
    """The same closed, and `days` later."""
    line.act(CloseAct(reason="办结"))
    line.pass_to(days * DAY)
    return line


# A freeze that runs longer than its case


def test_a_freeze_that_runs_is_watched_to_its_end_although_the_resident_is_in_danger_again() -> None:
    line = closed(handed_over(WHOLE))
    line.alert(Level.RED, payment("bank:2", payee="a2", at=line.now))
    assert (line.here.number, line.state(), frozen(line)) == (1, CaseState.CONTACTING, WHOLE)
    closed(line)
    line.pass_to(months_after(NOON, 7) - NOON)
    ended = end_of(line)
    assert ended is not None
    assert ended.kind is FreezeEndKind.PERIOD
    assert standing(line.here)[BookLine.FROZEN] == 0


def test_the_end_of_a_freeze_that_only_a_bank_confirmed_counts_after_danger_again() -> None:
    line, _ = frozen_by_bank()
    closed(line).alert(Level.YELLOW)
    line.bank(BankState.UNFROZEN, dispatch=f"{RESIDENT}-1:stop.0:1:payment")
    assert (frozen(line), standing(line.here)[BookLine.FROZEN]) == (0, 0)


def test_a_second_case_opens_once_nothing_is_frozen_any_more() -> None:
    line = handed_over(WHOLE)
    line.act(EndFreezeAct(order="stop.0", decision=END), "zhou", role=DESK)
    closed(line).alert(Level.YELLOW)
    assert line.here.number == 2


def test_money_that_a_bank_froze_without_a_known_period_is_watched_for_a_year() -> None:
    line, _ = frozen_by_bank()
    closed(line, 400).alert(Level.YELLOW)
    assert line.here.number == 2


def test_a_freeze_of_several_payments_ends_as_a_whole_after_an_erasure() -> None:
    line = two_payments()
    line.act(FREEZE, "sun", role=DESK)
    closed(line, 1)
    line.give(Erase(id="erase", at=line.now, resident=RESIDENT, by="wang"))
    line.pass_to(months_after(NOON, 7) - NOON)
    assert [order.freezing and order.freezing.ended is not None for order in line.here.orders] == [True, True]


# Answers that are repeated after a later order


def asked_again(line: Line) -> str:
    """Ask for a further stop after the end of the first, which nobody extends; the id of the first request."""
    first = next(out.id for out in line.sent() if out.action is Action.STOP_PAYMENT)
    line.approves = False
    line.pass_to(49 * timedelta(hours=1))
    line.approves = True
    line.act(AskStopAct(transfer="bank:1"), "sun", role=DESK)
    assert line.last(Action.STOP_PAYMENT).id != first
    return first


def ended_and_asked_again() -> tuple[Line, str]:
    """A freeze by the bank that has ended, and whose account the bank is asked to stop again after the stop's end."""
    line, _ = frozen_by_bank(700)
    line.bank(BankState.UNFROZEN)
    return line, asked_again(line)


def test_a_repeated_answer_that_money_is_frozen_freezes_nothing_again_after_a_later_order() -> None:
    line, first = ended_and_asked_again()
    line.bank(BankState.FROZEN, amount=700, dispatch=first)
    assert (frozen(line), kept(line), state(line)) == (0, 0, StopState.ASKED)
    line.bank(BankState.FROZEN, amount=600)
    assert (frozen(line), kept(line)) == (600, 600)


@pytest.mark.parametrize("fen", [0, 700])
def test_a_repeated_end_of_a_former_freeze_does_not_end_a_later_one(fen: int) -> None:
    line, first = ended_and_asked_again()
    line.bank(BankState.FROZEN, amount=600)
    line.bank(BankState.UNFROZEN, amount=fen, dispatch=first)
    assert (frozen(line), kept(line)) == (600, 600)
    line.bank(BankState.UNFROZEN)
    assert (frozen(line), kept(line)) == (0, 0)


def test_the_late_end_of_a_former_freeze_does_not_hinder_a_later_one() -> None:
    line = stopped()
    first = asked_again(line)
    line.bank(BankState.UNFROZEN, dispatch=first)
    line.bank(BankState.FROZEN, amount=600)
    assert frozen(line) == 600


def test_a_repeated_end_of_a_former_freeze_ends_no_recorded_one() -> None:
    line, first = ended_and_asked_again()
    line.bank(BankState.IN_FORCE)
    line.act(FREEZE.model_copy(update={"order": line.here.orders[-1].step}), "sun", role=DESK)
    line.bank(BankState.UNFROZEN, dispatch=first)
    assert state(line) is StopState.FROZEN


def extended() -> tuple[Line, str]:
    """A freeze that has ended while the stop runs, whose extension is asked for; the first request's id."""
    line = stopped()
    line.bank(BankState.FROZEN, amount=700)
    line.bank(BankState.UNFROZEN)
    line.pass_to(46 * timedelta(hours=1))
    assert line.last(Action.STOP_AGAIN)
    return line, next(out.id for out in line.sent() if out.action is Action.STOP_PAYMENT)


def test_a_repeated_answer_freezes_nothing_again_after_an_extension_was_asked_for() -> None:
    line, first = extended()
    line.bank(BankState.FROZEN, amount=700, dispatch=first)
    assert (frozen(line), kept(line)) == (0, 0)


def test_a_freeze_that_a_bank_reports_on_the_extension_counts() -> None:
    line, first = extended()
    line.bank(BankState.FROZEN, amount=600)
    line.bank(BankState.UNFROZEN, dispatch=first)
    assert (frozen(line), kept(line)) == (600, 600)


# What is frozen again


def test_a_freeze_that_is_renewed_late_holds_what_its_bank_never_freed() -> None:
    line = handed_over(700)
    line.bank(BankState.RETURNED, amount=200)
    line.pass_to(months_after(NOON, 6) + DAY - NOON)
    assert (frozen(line), kept(line)) == (0, 200)
    line.act(AGAIN, "sun", role=DESK)
    assert (frozen(line), kept(line)) == (500, 700)
    assert standing(line.here)[BookLine.FROZEN] == 500


def test_a_freeze_that_its_bank_has_ended_too_is_not_renewed_late() -> None:
    line = handed_over(700)
    line.pass_to(months_after(NOON, 6) + DAY - NOON)
    line.bank(BankState.UNFROZEN)
    line.act(AGAIN, "sun", role=DESK)
    assert (end_of(line), frozen(line)) == (None, 0)


def test_a_late_renewal_holds_no_payment_that_its_bank_has_freed_meanwhile() -> None:
    line = frozen_together()
    line.pass_to(months_after(NOON, 6) + DAY - NOON)
    line.bank(BankState.UNFROZEN, "bank:1", amount=WHOLE)
    line.act(AGAIN, "sun", role=DESK)
    assert (frozen(line), frozen(line, "bank:2")) == (0, WHOLE)


def test_a_freeze_after_an_authoritys_end_brings_nothing_of_a_lapsed_one_back() -> None:
    line = handed_over(700)
    line.pass_to(months_after(NOON, 6) + DAY - NOON)
    line.act(AGAIN, "sun", role=DESK)
    line.act(EndFreezeAct(order="stop.0", decision=END), "zhou", role=DESK)
    line.act(AGAIN, "sun", role=DESK)
    assert frozen(line) == 0


def test_money_that_is_frozen_again_after_a_part_was_returned_counts_whole() -> None:
    line = handed_over(700)
    line.bank(BankState.RETURNED, amount=300)
    line.act(EndFreezeAct(order="stop.0", decision=END), "zhou", role=DESK)
    line.act(AGAIN, "sun", role=DESK)
    line.bank(BankState.FROZEN, amount=400)
    assert (frozen(line), kept(line)) == (400, 700)
    assert standing(line.here)[BookLine.RETURNED] == 300
    line.bank(BankState.RETURNED, amount=500)
    assert (frozen(line), kept(line)) == (200, 700)
    line.bank(BankState.UNFROZEN)
    assert (frozen(line), kept(line)) == (0, 500)


# Several payments to an account


def two_payments() -> Line:
    """Two payments to one account, which the bank has stopped."""
    line = Line()
    both = [payment(name, watched=WatchStatus.CONFIRMED) for name in ("bank:1", "bank:2")]
    line.alert(Level.RED, *both)
    line.pass_to(timedelta(minutes=2))
    for each in both:
        line.bank(BankState.IN_FORCE, each.transfer, amount=WHOLE)
    return line


def frozen_together() -> Line:
    """The same frozen by an authority, as the bank has confirmed."""
    line = two_payments()
    line.act(FREEZE, "sun", role=DESK)
    for name in ("bank:1", "bank:2"):
        line.bank(BankState.FROZEN, name, amount=WHOLE)
    return line


def test_a_payment_whose_money_is_freed_is_free_although_the_account_stays_frozen_for_another() -> None:
    line = frozen_together()
    line.bank(BankState.UNFROZEN, "bank:1", amount=WHOLE)
    first, second = line.here.payments
    assert status_of(line.here, first) == (PaymentStatus.UNFROZEN, WHOLE)
    assert (state(line), second.stop and second.stop.state) == (StopState.RELEASED, StopState.FROZEN)
    assert (end_of(line), frozen(line, "bank:2")) == (None, WHOLE)


def test_a_freeze_ends_once_all_payments_to_its_account_are_freed() -> None:
    line = frozen_together()
    line.bank(BankState.UNFROZEN, "bank:1", amount=WHOLE)
    line.bank(BankState.UNFROZEN, "bank:2", amount=WHOLE)
    ended = end_of(line)
    assert ended is not None
    assert ended.kind is FreezeEndKind.BANK


def test_all_payments_to_an_account_are_free_when_its_bank_ends_a_freeze_that_nobody_recorded() -> None:
    line = two_payments()
    for name in ("bank:1", "bank:2"):
        line.bank(BankState.FROZEN, name, amount=WHOLE)
    line.bank(BankState.UNFROZEN, "bank:1")
    assert (frozen(line), frozen(line, "bank:2")) == (0, 0)


# A period that one person recorded as short


def test_one_person_does_not_end_a_freeze_by_recording_that_it_ends_today() -> None:
    line = stopped()
    tonight = datetime.combine(local_date(line.now) + DAY, time(), JILIN)
    line.act(FREEZE.model_copy(update={"until": tonight}), "sun", role=DESK)
    line.pass_to(2 * DAY)
    last = datetime.combine(local_date(months_after(line.here.orders[0].freezing.at, 6)), time(), JILIN)  # type: ignore[union-attr]
    assert (end_of(line), state(line)) == (None, StopState.FROZEN)
    assert FreezeEndsLater(AUTHORITY, tonight, last) in line.facts(FactKind.STOP_REMINDER)
    line.act(EndFreezeAct(order="stop.0", decision=END), "sun", role=DESK)
    assert end_of(line) is None
    line.act(EndFreezeAct(order="stop.0", decision=END), "zhou", role=DESK)
    assert (end_of(line) is not None, state(line)) == (True, StopState.RELEASED)


def test_the_freezes_that_end_within_a_week_are_listed_once_each_the_earliest_first() -> None:
    listed, ends = {}, {}
    for number, days in ((1, 6), (2, 3), (3, 8)):
        line = two_payments()
        ends[number] = line.now + days * DAY
        line.act(FREEZE.model_copy(update={"until": ends[number]}), "sun", role=DESK)
        found = freeze_attention(line.here)
        assert found == {f"stop.0|{line.here.profile.division}": ends[number] - REMINDED}, "of two orders, one"
        listed[number] = min(found.values())
    due = [number for number, when in listed.items() if when <= line.now]
    assert sorted(due, key=lambda number: listed[number]) == [2, 1]
    line.act(EndFreezeAct(order="stop.0", decision=END), "zhou", role=DESK)
    assert freeze_attention(line.here) == {}


def test_a_freeze_that_is_recorded_as_shorter_ends_by_itself_after_six_months() -> None:
    line = stopped()
    line.act(FREEZE.model_copy(update={"until": line.now + 30 * DAY}), "sun", role=DESK)
    line.pass_to(months_after(NOON, 6) + DAY - NOON)
    ended = end_of(line)
    assert ended is not None
    assert ended.kind is FreezeEndKind.PERIOD
    assert [type(each) for each in line.facts(FactKind.STOP)].count(FreezeOver) == 1


def test_no_freeze_is_recorded_of_an_account_that_no_bank_has_stopped() -> None:
    line = Line(approves=False)
    line.alert(Level.RED, payment(watched=WatchStatus.REPORTED))
    line.pass_to(timedelta(minutes=2))
    order = line.here.orders[-1].step
    line.act(HandOverStopAct(order=order, decision="吉公冻字1号", authority=AUTHORITY), "sun", role=DESK)
    assert NoStop() in line.facts(FactKind.REFUSED)
