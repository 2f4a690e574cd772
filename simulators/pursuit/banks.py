"""The simulated banks: how long each takes to answer a stop order, and what it answers."""

from datetime import datetime, timedelta
from typing import NamedTuple

from schemas.casework.inputs import BankState
from schemas.casework.movements import MOST_STATED, MovedAccount
from simulators.assumptions.chance import seconds, stream
from simulators.assumptions.figures import FROZEN_AFTER
from simulators.assumptions.stolen_money import StolenMoney
from simulators.pursuit.money import MoneyTruth, MuleMovement

BY_DAY = range(8, 20)  # hours in which a staffed desk is open
BEIJING = timedelta(hours=8)
AGAIN_AFTER = timedelta(minutes=5)


class StopAnswer(NamedTuple):
    """An answer of a bank to a stop order.

    `after`: the delay since the bank decided; `state`: the stop's state; `amount_fen`: the money that the bank says is
    still in the account; `onward`: the movements out of the account that it states.
    """

    after: timedelta
    state: BankState
    amount_fen: int = 0
    onward: tuple[MuleMovement, ...] = ()


class Banks:
    """All banks of the province. With one seed, the same order at the same moment always gets the same answer."""

    def __init__(self, seed: int, assumed: StolenMoney, money: MoneyTruth) -> None:
        self._seed, self._assumed, self._money = seed, assumed, money

    def delay(self, bank: str, order: str, now: datetime) -> timedelta:
        """Return how long a bank takes to decide on an order that reaches it at `now` (UTC). `order`: the order's id.
        By day in Beijing (8:00 to 20:00), a staffed desk decides sooner than at night.
        """
        assumed, chance = self._assumed, stream(self._seed, "delay", bank, order)
        if stream(self._seed, "desk", bank).random() < assumed.by_machine:
            return seconds(chance, assumed.machine_seconds, assumed.machine_spread)
        open_now = (now + BEIJING).hour in BY_DAY
        return seconds(chance, (assumed.desk_minutes if open_now else assumed.night_minutes) * 60, assumed.desk_spread)

    def decide(self, account: MovedAccount, order: str, asked_fen: int, since: datetime) -> tuple[StopAnswer, ...]:
        """Decide on an order, and return the bank's answers, at least one. A refusal is the only answer; otherwise the
        account is stopped now, and IN_FORCE comes first (sometimes twice), then FROZEN if money is there.

        `order`: the order's id. `asked_fen`: the amount of the order's payment in fen. `since`: when that payment was
        made; the answers state only movements after it.
        """
        chance = stream(self._seed, "answer", account.bank, order)
        if chance.random() < self._assumed.refuses:
            return (StopAnswer(timedelta(0), BankState.REFUSED),)
        self._money.stop(account)
        there = min(self._money.balance(account), asked_fen)
        stated = there // 2 if chance.random() < self._assumed.errs else there
        answers = [StopAnswer(timedelta(0), BankState.IN_FORCE, stated, self._stated(account, since))]
        if chance.random() < self._assumed.twice:
            answers.append(answers[0]._replace(after=AGAIN_AFTER))
        if there:
            answers.append(StopAnswer(FROZEN_AFTER, BankState.FROZEN, there))
        return tuple(answers)

    def _stated(self, account: MovedAccount, since: datetime) -> tuple[MuleMovement, ...]:
        return tuple(self._money.onward(account, since)[:MOST_STATED])
