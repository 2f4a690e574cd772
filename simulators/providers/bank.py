"""A bank: stop-payments for 48 hours, at most twice per account, and feedback in stages; holds on a customer's own
account.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from schemas.casework.inputs import BankState
from schemas.casework.own_account import OwnHoldAnswerState
from schemas.channels.receipts import MovementReceipt
from schemas.levels import Action
from simulators.providers.base import Contact, Receipt, RefusedError, SimulatedProvider
from streams.channels.provider import Kind
from streams.runtime.clock import Clock
from streams.security.secrets import bank_signer

OWN_HOLDS = "/own-holds"
STATUSES = "/stop-statuses"
STATUS_AFTER = timedelta(minutes=1)  # assumed: how soon it says that it is working on an order
OWN_HOLD_AFTER = timedelta(minutes=2)  # assumed: how soon it answers about a customer's own account
STOP = timedelta(hours=48)
MOST = 2

# Assumed: probabilities of refusal, of the money still being there, of catching it in flight, of its return, and else
# of the end of its freeze.
REFUSED, STILL_THERE, CAUGHT, RETURNED, UNFROZEN = 0.08, 0.55, 0.12, 0.3, 0.1
UNFROZEN_AFTER = timedelta(hours=40)  # assumed


@dataclass(frozen=True, slots=True)
class Stopping:
    """A request to stop a payee's account, to extend the stop, or to release it, as `action` says.

    `dispatch`: its id; `transfer`, `amount_fen`: the payment to be stopped; `institution`: the payee's bank or payment
    institution, or None if the order does not name it.
    """

    dispatch: str
    action: Action
    account: str
    transfer: str
    amount_fen: int
    institution: str | None = None


class BankSays(NamedTuple):
    """One message of a bank about a stop. `after`: the delay since the request; `amount_fen`: the money that it
    concerns; `bank`: the code of the answering bank, None: unnamed; `movements`: where the money went.
    """

    after: timedelta
    state: BankState
    amount_fen: int
    bank: str | None = None
    movements: tuple[MovementReceipt, ...] = ()


Feedback = Sequence[BankSays]
Deciding = Callable[[Stopping, datetime], Awaitable[Feedback]]
"""A bank's behaviour: `decide(stopping, now)` returns the feedback."""


def by_chance(seed: int) -> Deciding:
    """Return an async function that returns a bank's random messages about a stop. With the same seed, the same
    dispatch always gets the same messages.
    """

    async def decide(stopping: Stopping, now: datetime) -> Feedback:
        chance = Random(f"{seed}:{stopping.dispatch}")
        soon = timedelta(minutes=chance.uniform(1, 6))
        if stopping.action is Action.STOP_RELEASE:
            return [BankSays(soon, BankState.RELEASED, 0)]
        if chance.random() < REFUSED:
            return [BankSays(soon, BankState.REFUSED, 0)]
        if stopping.action is Action.STOP_PAYMENT and chance.random() < CAUGHT:
            return [
                BankSays(soon, BankState.IN_FORCE, 0),
                BankSays(2 * soon, BankState.CANCELLED, stopping.amount_fen),
            ]
        there = stopping.amount_fen if chance.random() < STILL_THERE else round(stopping.amount_fen * chance.random())
        feedback = [
            BankSays(soon, BankState.IN_FORCE, there),
            BankSays(soon + timedelta(minutes=20), BankState.FROZEN, there),
        ]
        if chance.random() < RETURNED and there:
            feedback.append(BankSays(timedelta(hours=30), BankState.RETURNED, there))
        elif chance.random() < UNFROZEN and there:
            feedback.append(BankSays(UNFROZEN_AFTER, BankState.UNFROZEN, 0))
        return feedback

    return decide


@dataclass(frozen=True, slots=True)
class _Stopped:
    """The number of stops of an account, and the time until which it is stopped."""

    times: int
    until: datetime


class Stops:
    """The stops of each account. An account can be stopped twice; a further request during a stop joins that stop and
    does not count.
    """

    def __init__(self) -> None:
        self._stops: dict[str, _Stopped] = {}  # by account

    def take(self, account: str, action: Action, now: datetime) -> None:
        """As `action` says, stop `account` for 48 hours from `now`, extend its stop by 48 hours (STOP_AGAIN), or end it
        (STOP_RELEASE). A request during a stop, and an extension of the second stop, change nothing.

        Raises RefusedError if a new stop is needed and the account was stopped twice already.
        """
        stopped = self._stops.setdefault(account, _Stopped(0, now))
        if action is Action.STOP_RELEASE:
            self._stops[account] = replace(stopped, until=now)
        elif now >= stopped.until or (action is Action.STOP_AGAIN and stopped.times < MOST):
            if stopped.times >= MOST:
                raise RefusedError(f"the account was stopped {MOST} times already")
            self._stops[account] = _Stopped(stopped.times + 1, max(now, stopped.until) + STOP)


class Bank(SimulatedProvider):
    """A simulated bank. By `POST /stop-payments` it takes stops, extensions and releases, as the order's `action` says;
    by `POST /stop-statuses` questions about an order; by `POST /own-holds` orders about a customer's own account, which
    it carries out.

    `decide`: how it behaves about stops; None: at random.
    """

    def __init__(
        self,
        clock: Clock,
        receipts_url: str,
        keys: Mapping[str, bytes],
        mode: Kind = Kind.IDEMPOTENT,
        decide: Deciding | None = None,
    ) -> None:
        super().__init__(clock, receipts_url, keys, mode)
        self._decide = decide or by_chance(0)
        self._stops = Stops()

    def paths(self) -> dict[str, str]:
        """Return the webhook of each path: `bank` for `/stop-payments` and `/stop-statuses`, `own-holds` for
        `/own-holds`.
        """
        return {"/stop-payments": "bank", STATUSES: "bank", OWN_HOLDS: "own-holds"}

    def channel(self, path: str) -> str:
        """Return `bank` for every path: all orders to a bank and their receipts are signed for that channel."""
        return "bank"

    def signer(self, path: str, order: Mapping[str, Any]) -> str:
        """Return the name of the party that signs the order and its receipts: `bank/CODE` of the order's institution if
        that has a key, else `bank`, the gateway.
        """
        own = bank_signer(order.get("institution") or "")
        return own if own in self._keys else super().signer(path, order)

    def contact(self, key: str, path: str, order: dict[str, Any]) -> Contact:
        """Carry out an order to stop an account, extend its stop or release it, and return the entry for the log. For
        `/own-holds` and `/stop-statuses`, only return the entry. `key`: the dispatch's id; `path`: the path to which
        the order was posted.

        Raises RefusedError if the account was stopped twice already, and KeyError or ValueError if the order is
        incomplete or its action is unknown.
        """
        account, action = order["account"], Action(order["action"])
        if path == OWN_HOLDS:
            said = f"{order['number']} {order['until']} {order['allowance_fen']} {order['allowance_span']}"
            return Contact(key, action.value, account, self.clock.now().isoformat(), said)
        if path != STATUSES:
            self._stops.take(account, action, self.clock.now())
        said = f"{order['transfer']} {order['amount_fen']}"
        return Contact(key, action.value, account, self.clock.now().isoformat(), said)

    async def later(self, key: str, path: str, order: dict[str, Any], now: datetime) -> Sequence[Receipt]:
        """Return the bank's messages about an order as receipts, each as (delay after `now`, JSON), in the order of
        `decide`. `key`: the dispatch's id; `path`: the path to which the order was posted. For `/stop-statuses`, one
        receipt, PENDING, after one minute; for `/own-holds`, one receipt, IN_FORCE or LIFTED, after two minutes.

        Raises KeyError if a field of the order is missing, and ValueError if its action is unknown.
        """
        if path == OWN_HOLDS:
            lifts = Action(order["action"]) is Action.LIFT_HOLD
            state = OwnHoldAnswerState.LIFTED if lifts else OwnHoldAnswerState.IN_FORCE
            return [(OWN_HOLD_AFTER, {"state": state.value, "until": None if lifts else order["until"]})]
        if path == STATUSES:
            return [(STATUS_AFTER, {"transfer": order["transfer"], "state": BankState.PENDING.value, "amount_fen": 0})]
        action, amount_fen = Action(order["action"]), order["amount_fen"]
        stopping = Stopping(key, action, order["account"], order["transfer"], amount_fen, order.get("institution"))
        return [(said.after, _told(stopping, said, now + said.after)) for said in await self._decide(stopping, now)]


def _told(stopping: Stopping, said: BankSays, at: datetime) -> dict[str, Any]:
    told: dict[str, Any] = {"transfer": stopping.transfer, "state": said.state.value, "amount_fen": said.amount_fen}
    if said.state is BankState.IN_FORCE:
        told["until"] = (at + STOP).isoformat()
    if said.bank:
        told["bank"] = said.bank
    if said.movements:
        told["movements"] = [each.model_dump(mode="json") for each in said.movements]
    return told
