"""Which bank may sign an answer about which account of a case."""

import pytest

from domain.dispatches.ids import parse
from streams.channels.signatures import AnotherBanksError, check_payment
from tests.domain.casework.orders.onward import B1, FIRST_HOP, paid
from tests.domain.casework.test_movements import answer


def test_an_order_is_not_answered_for_another_account_that_the_money_reached() -> None:
    line = paid()
    line.give(answer(line, FIRST_HOP))
    line.approve()
    first, onward = (parse(f"{line.here.id}:{step}:1:payment") for step in ("stop.0", "stop.t0"))
    with pytest.raises(AnotherBanksError, match="another payment's"):
        check_payment(line.here, first, B1)
    check_payment(line.here, onward, B1)
    check_payment(line.here, first, "bank:9")  # the case has no such payment, and says so itself
    check_payment(None, first, B1)
