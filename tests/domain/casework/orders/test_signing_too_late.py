"""Nobody signs a standing approval with an order that has no effect any more, nor after the danger."""

from datetime import timedelta

from schemas.casework.acts import ReleaseStopAct
from schemas.casework.inputs import BankState
from schemas.casework.orders import OrderState
from schemas.codes.refusals import NoOrder
from schemas.levels import Level
from schemas.risk.signals import TransferState
from tests.domain.builders import payment
from tests.domain.casework.journal import Journal
from tests.domain.casework.orders.onward import FIRST_HOP, told
from tests.domain.casework.orders.test_orders_later import DESK, LIMITS, asked_for, first, refusals, sign, states


def in_force() -> Journal:
    """A stop in force, whose approval covers nothing but itself."""
    line = Journal()
    line.approves = False
    line.alert(Level.RED, payment(amount=1_000_000, state=TransferState.SETTLED))
    line.pass_to(timedelta(minutes=2))
    sign(line, None)
    line.bank(BankState.IN_FORCE, amount=1_000_000)
    return line


def test_no_standing_approval_is_signed_after_the_stop_was_lifted() -> None:
    line = in_force()
    lift = ReleaseStopAct(transfer="bank:1", reason="the wrong account", asked_by="li", request="r1")
    line.act(lift, "zhou", role=DESK)
    line.bank(BankState.RELEASED)
    assert refusals(sign(line, LIMITS, by="carl")) == [NoOrder()]
    assert first(line.here).later is None
    line.give(told(line, "bank:1", BankState.IN_FORCE, FIRST_HOP))
    assert states(line)["b1"] is OrderState.PROPOSED
    assert asked_for(line) == ["a1"]


def test_no_standing_approval_is_signed_after_the_danger() -> None:
    line = in_force()
    line.dissuaded()
    assert refusals(sign(line, LIMITS, by="carl")) == [NoOrder()]


def test_one_is_signed_while_the_stop_runs() -> None:
    line = in_force()
    assert refusals(sign(line, LIMITS, by="carl")) == []
    assert first(line.here).later is not None
