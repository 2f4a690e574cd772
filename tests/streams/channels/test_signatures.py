"""Which bank may sign an answer about which account of a case."""

from datetime import date

import pytest

from domain.dispatches.ids import parse
from domain.payments.institutions import Institution, Institutions
from schemas.levels import Level
from streams.channels.signatures import AnotherBanksError, Signatures, Signed, other_bank
from tests.domain.builders import Line, payment
from tests.domain.casework.orders.test_orders_onward import B1, FIRST_HOP, paid
from tests.domain.casework.test_movements import answer

BANKS = Institutions(date(2030, 1, 1), {code: Institution(code=code, name=code) for code in ("a", "b")})


def test_a_bank_does_not_answer_with_its_own_orders_id_for_an_account_of_another_bank() -> None:
    line = paid()
    line.give(answer(line, FIRST_HOP))
    line.approve()
    first, onward = (parse(f"{line.here.id}:{step}:1:payment") for step in ("stop.0", "stop.t0"))
    assert other_bank(line.here, first, B1, BANKS) == "b"
    assert other_bank(line.here, onward, B1, BANKS) == "", "whom the order went to is checked already"
    assert other_bank(line.here, first, "bank:9", BANKS) == "", "the case has no such payment"
    assert other_bank(None, first, B1, BANKS) == ""
    signatures = Signatures({})
    signatures.check_bank(Signed("n", "bank/b"), "b")
    with pytest.raises(AnotherBanksError):
        signatures.check_bank(Signed("n", "bank/a"), "b")


def test_two_payments_to_accounts_of_one_bank_are_answered_with_either_orders_id() -> None:
    line = Line()
    both = [payment(name, payee=name).model_copy(update={"institution": "a"}) for name in ("bank:1", "bank:2")]
    line.alert(Level.RED, *both)
    dispatch = parse(f"{line.here.id}:stop.0:1:payment")
    assert other_bank(line.here, dispatch, "bank:2", BANKS) == "a"
