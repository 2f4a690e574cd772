"""A bank's answer that a freeze has ended becomes an input of the case; the simulated bank gives it too."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from domain.dispatches.ids import parse
from schemas.casework.inputs import BankFeedback, BankState
from schemas.channels.receipts import BankReceipt
from schemas.levels import Action
from simulators.providers.bank import Stopping, by_chance
from streams.channels.movements import Tokens
from streams.channels.receipt_inputs import ReceiptBodyError, input_of
from tests.dispatched import NOW

DISPATCH = "raaaaaaaaaaaaaaaa-1:stop.0:1:payment"


@pytest.mark.parametrize(("told", "fen"), [({}, 0), ({"amount_fen": 700}, 700)])
def test_the_end_of_a_freeze_is_read_with_its_amount_or_as_of_the_whole_account(told: dict[str, int], fen: int) -> None:
    body = {"id": "a-1", "dispatch": DISPATCH, "transfer": "cedar:1", "state": "unfrozen", "bank": "icbc", **told}
    receipt = BankReceipt.model_validate(body)
    found = input_of(receipt, parse(DISPATCH), Action.STOP_PAYMENT, NOW, Tokens(b"a secret of these tests"))
    assert isinstance(found, BankFeedback)
    assert (found.state, found.amount_fen, found.id) == (BankState.UNFROZEN, fen, f"{DISPATCH}:unfrozen:a-1")


def test_a_freeze_that_ends_in_the_future_has_not_ended() -> None:
    body = {"id": "a-1", "dispatch": DISPATCH, "transfer": "cedar:1", "state": "unfrozen", "bank": "icbc"}
    for hours, refused in ((-1, False), (0, False), (1, True)):
        receipt = BankReceipt.model_validate(body | {"until": NOW + timedelta(hours=hours)})
        if refused:
            with pytest.raises(ReceiptBodyError, match="once the freeze has ended"):
                input_of(receipt, parse(DISPATCH), Action.STOP_PAYMENT, NOW, Tokens(b"a secret of these tests"))
        else:
            found = input_of(receipt, parse(DISPATCH), Action.STOP_PAYMENT, NOW, Tokens(b"a secret of these tests"))
            assert isinstance(found, BankFeedback)
            assert found.until == receipt.until


def test_a_state_that_no_bank_may_answer_is_refused() -> None:
    with pytest.raises(ValidationError, match="unfrozen"):
        BankReceipt.model_validate({"id": "a-1", "dispatch": DISPATCH, "transfer": "cedar:1", "state": "thawed"})


async def test_the_simulated_bank_ends_some_freezes_and_never_one_of_returned_money() -> None:
    decide = by_chance(1)
    ended = 0
    for number in range(200):
        stopping = Stopping(f"r-{number}", Action.STOP_PAYMENT, "9900000000000001", "cedar:1", 1_000)
        states = [said.state for said in await decide(stopping, NOW)]
        assert states.count(BankState.UNFROZEN) == 0 or BankState.RETURNED not in states
        assert BankState.UNFROZEN not in states or states.index(BankState.FROZEN) < states.index(BankState.UNFROZEN)
        ended += BankState.UNFROZEN in states
    assert 0 < ended < 100
    assert all(said.after > timedelta(0) for said in await decide(stopping, NOW))
