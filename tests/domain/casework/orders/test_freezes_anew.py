"""An account that is frozen anew without a new order, and a bank that repeats that the former freeze has ended."""

from datetime import datetime, timedelta

import pytest

from domain.payments.freezes import freeze_attention, freeze_in_force
from domain.payments.status import frozen_fen
from schemas.casework.cases import StopState
from schemas.casework.events import FactKind
from schemas.casework.inputs import BankFeedback, BankState
from schemas.casework.orders import EndFreezeAct, Freezing
from schemas.codes.freezes import FormerFreezeEnded, UnclearFreezeEnd
from tests.domain.builders import Line
from tests.domain.casework.orders.test_end_of_a_freeze import END, FREEZE, end_of, state
from tests.domain.casework.orders.test_orders_of_an_account import stopped
from tests.domain.casework.orders.test_running_freezes import AGAIN, DAY, DESK, WHOLE, handed_over

HOUR = timedelta(hours=1)


def free(line: Line, ended: datetime | None = None, fen: int = 0) -> None:
    """The bank says that the freeze has ended, at `ended` if it names the time."""
    asked = line.here.orders[0].step
    line.give(
        BankFeedback(
            id=f"free:{len(line.decisions)}",
            at=line.now,
            resident=line.here.resident,
            case=line.here.id,
            dispatch=f"{line.here.id}:{asked}:1:payment",
            transfer="bank:1",
            state=BankState.UNFROZEN,
            amount_fen=fen,
            until=ended,
            bank="icbc",
        )
    )


def anew(*, by_bank: bool = True) -> tuple[Line, datetime]:
    """A freeze that has ended, and a later one of the same account, two days on, by the same order; when the first
    ended.
    """
    line = handed_over(WHOLE)
    line.now += DAY
    ended = line.now
    if by_bank:
        free(line, ended)
    else:
        line.act(EndFreezeAct(order="stop.0", decision=END), "zhou", role=DESK)
        free(line)  # as it must
    assert end_of(line) is not None
    line.now += DAY
    line.act(AGAIN, "sun", role=DESK)
    line.bank(BankState.FROZEN, amount=WHOLE)
    line.now += HOUR
    assert (state(line), in_force(line).unclear_at, frozen(line)) == (StopState.FROZEN, None, WHOLE)
    return line, ended


def in_force(line: Line) -> Freezing:
    freezing = freeze_in_force(line.here.orders[0])
    assert freezing is not None
    return freezing


def frozen(line: Line) -> int:
    return frozen_fen(line.here, line.here.payments[0])


@pytest.mark.parametrize("fen", [0, WHOLE])
def test_a_repeated_end_that_names_its_time_does_not_lift_the_later_freeze(fen: int) -> None:
    line, ended = anew()
    free(line, ended, fen)
    assert (state(line), in_force(line).unclear_at, frozen(line)) == (StopState.FROZEN, None, WHOLE)
    assert FormerFreezeEnded(ended) in line.facts(FactKind.NOTE)


@pytest.mark.parametrize("by_bank", [True, False])
def test_where_it_cannot_be_known_the_later_freeze_goes_on_and_a_person_asks_the_bank(by_bank: bool) -> None:
    line, _ = anew(by_bank=by_bank)
    free(line)
    assert (state(line), in_force(line).unclear_at, frozen(line)) == (StopState.FROZEN, line.now, WHOLE)
    assert UnclearFreezeEnd() in line.facts(FactKind.STOP_REMINDER)
    assert list(freeze_attention(line.here).values()) == [line.now], "at the desk at once"


def test_an_end_after_the_later_freeze_was_recorded_ends_it() -> None:
    line, _ = anew()
    free(line)
    free(line, line.now)
    assert (state(line), frozen(line), freeze_attention(line.here)) == (StopState.RELEASED, 0, {})


def test_an_answer_that_the_account_is_frozen_makes_it_clear_again() -> None:
    line, _ = anew()
    free(line)
    line.bank(BankState.FROZEN, amount=WHOLE)
    assert (state(line), in_force(line).unclear_at) == (StopState.FROZEN, None)


def test_a_person_ends_a_freeze_of_which_it_is_unclear_whether_it_has_ended() -> None:
    line, _ = anew()
    free(line)
    line.act(EndFreezeAct(order="stop.0", decision=END), "zhou", role=DESK)
    assert (state(line), frozen(line), freeze_attention(line.here)) == (StopState.RELEASED, 0, {})


def test_a_bank_that_has_not_said_so_before_ends_the_later_freeze() -> None:
    line = handed_over(WHOLE)
    line.act(EndFreezeAct(order="stop.0", decision=END), "zhou", role=DESK)
    line.act(AGAIN, "sun", role=DESK)
    line.bank(BankState.FROZEN, amount=WHOLE)
    free(line)
    assert (state(line), frozen(line)) == (StopState.RELEASED, 0)


def test_a_repeated_end_of_a_freeze_that_only_the_bank_knew_does_not_lift_the_recorded_one() -> None:
    line = stopped()
    line.bank(BankState.FROZEN, amount=WHOLE)
    free(line)
    line.act(FREEZE, "sun", role=DESK)
    line.now += HOUR
    free(line)
    assert (state(line), in_force(line).unclear_at) == (StopState.FROZEN, line.now)


def test_a_first_freeze_ends_by_an_answer_without_a_time() -> None:
    line = handed_over(WHOLE)
    free(line)
    assert (state(line), frozen(line)) == (StopState.RELEASED, 0)
