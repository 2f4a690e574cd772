"""A stop follows the money from bank to bank: each account beyond the payee's waits for a person's approval."""

from datetime import timedelta

from domain.identity.identifiers import account_token
from schemas.casework.acts import OutcomeAct
from schemas.casework.cases import StopState
from schemas.casework.inputs import BankState
from schemas.casework.movements import MovementKind
from schemas.casework.orders import OrderState
from schemas.channels.receipts import AccountNumber, MovementReceipt
from schemas.levels import Action, Outcome, Result
from simulators.providers.bank import BankSays
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call, transfer

MINUTE = timedelta(minutes=1)


async def test_the_stop_follows_the_money_over_two_hops_and_no_bank_is_asked_before_a_person_approved(
    line: Line,
) -> None:
    line.approves = False
    first, second, third = (
        AccountNumber(bank=bank, account=line.account()) for bank in ("icbc", "abc", "some-other-bank")
    )
    began, resident = line.house.clock.now(), await line.resident(calls=[Result.ACKNOWLEDGED])

    def onward(payer: AccountNumber, payee: AccountNumber, fen: int, minutes: float) -> MovementReceipt:
        at = began + minutes * MINUTE
        return MovementReceipt(
            payer=payer, payee=payee, kind=MovementKind.TRANSFER, amount_fen=fen, at=at, sequence=round(minutes * 60)
        )

    banks = line.house.behaviour.banks
    stopped = BankSays(MINUTE, BankState.IN_FORCE, 1_000_000, "icbc", (onward(first, second, 2_000_000, 0.5),))
    banks[first.account] = [stopped, stopped._replace(after=2 * MINUTE)]  # told twice
    banks[second.account] = [
        BankSays(MINUTE, BankState.IN_FORCE, 500_000, "abc", (onward(second, third, 1_500_000, 1),))
    ]
    await line.signal(call(line, resident), transfer(line, resident, first.account))
    await line.advance(minutes=1)
    await line.operator(resident, OutcomeAct(outcome=Outcome.ALREADY_DEFRAUDED))
    await line.approve(resident)
    line.expect_stop(first.account)
    await line.advance(minutes=5)
    assert line.bank.left == []
    (hop,) = (await line.case(resident)).traced
    assert hop.payee == account_token(line.house.settings.key(), second.account)
    assert (hop.amount_fen, hop.institution, hop.stop) == (2_000_000, "abc", None)
    await line.approve(resident)
    line.expect_stop(second.account)
    await line.advance(minutes=5)
    assert line.bank.left == []
    await line.approve(resident)
    line.expect_stop(third.account)
    await line.advance(minutes=5)
    case = await line.case(resident)
    assert [each.amount_fen for each in case.traced] == [2_000_000, 1_500_000]
    assert [each.stop.state for each in case.traced if each.stop] == [StopState.IN_FORCE, StopState.IN_FORCE]
    assert [(order.action, order.state) for order in case.orders] == [(Action.STOP_PAYMENT, OrderState.APPROVED)] * 3
    assert all(order.approvals and order.carried_out for order in case.orders)
    assert line.bank.left == []
    written = case.model_dump_json()
    assert not [each.account for each in (first, second, third) if each.account in written]
