"""A bank that confirms a hold with an end in the past is told so: the case would ignore its answer."""

from datetime import timedelta

import pytest

from domain.dispatches.ids import parse
from schemas.casework.own_account import OwnHoldAnswerState
from schemas.channels.receipts import OwnHoldReceipt
from schemas.levels import Action
from streams.channels.movements import Tokens
from streams.channels.receipt_inputs import ReceiptBodyError, input_of
from streams.runtime.settings import Settings
from tests.channel_rig import rigged
from tests.dispatched import NOW, dispatch_for
from tests.domain.casework.own_account.holdworld import ordered
from tests.streams.channels.test_receipts import post

LATE = NOW - timedelta(hours=8)  # Beijing time that was sent as UTC


def read(state: OwnHoldAnswerState, dispatch: str) -> object:
    receipt = OwnHoldReceipt(id="1", dispatch=dispatch, state=state, until=LATE)
    return input_of(receipt, parse(dispatch), Action.HOLD_OUTGOING, NOW, Tokens(b"a secret of these tests"))


def test_a_hold_that_is_in_force_and_over_already_is_refused_with_the_fix() -> None:
    dispatch = ordered().last(Action.HOLD_OUTGOING).id
    with pytest.raises(ReceiptBodyError, match="until lies in the past: write the end of the hold with its offset"):
        read(OwnHoldAnswerState.IN_FORCE, dispatch)


@pytest.mark.parametrize("state", [OwnHoldAnswerState.REFUSED, OwnHoldAnswerState.LIFTED])
def test_an_answer_that_a_hold_is_not_in_force_may_name_its_past_end(state: OwnHoldAnswerState) -> None:
    assert getattr(read(state, ordered().last(Action.HOLD_OUTGOING).id), "state", None) is state


async def test_the_bank_gets_a_400_with_the_fix(settings: Settings) -> None:
    async with rigged(settings) as rig:
        await rig.receiving()
        resident = (await rig.resident()).id
        dispatch = await rig.decided(dispatch_for(resident, Action.HOLD_OUTGOING))
        await rig.stands(resident)
        body = {"id": "1", "dispatch": dispatch.id, "state": "in_force", "bank": "icbc"}
        given = await post(rig, "own-holds", body | {"until": LATE.isoformat()}, signer="bank", channel="bank")
        assert (given.status_code, given.json()["reason"].partition(":")[0]) == (400, "until lies in the past")
        assert not await rig.inputs(resident)
