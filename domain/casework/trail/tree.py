"""The tree of a case's money: each payment's way from account to account, and where the money is now.

The figures obey the law of the trace: stolen = with the victim + held + unknown + cashed out + fees, to the fen.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from domain.casework.trail.movements import VICTIM, traced
from domain.payments.status import PaymentStatus, frozen_fen, status_of
from domain.policy.trace import TraceRules
from domain.tracing.conservation import Whereabouts, whereabouts
from domain.tracing.facts import Destination, FindingKind, SinkKind, TracedAccount
from domain.tracing.lots import Standing
from domain.tracing.tree import MoneyTrace, Onward, in_accounts
from schemas.casework.cases import Case, Payment, StopState
from schemas.casework.movements import MOST_MOVEMENTS


class Accounted(NamedTuple):
    """The stolen money of a payment, in fen, divided by where it is now; all fields but `stolen` add up to `stolen`.

    `held`: in accounts that a bank has stopped or frozen. `unknown`: last seen in an account from which it may have
    left. `cashed_out`: through cash, POS, wallets or crypto. `with_victim`: never left the victim, or came back.
    `fees`: kept by banks.
    """

    stolen: int = 0
    with_victim: int = 0
    held: int = 0
    unknown: int = 0
    cashed_out: int = 0
    fees: int = 0


class TreeRow(NamedTuple):
    """Money that reached an account or left the accounts, `depth` movements after the payment (0: the payment itself).

    `payee`: the account, or the way in which the money left. `after`: time since the payment. `left_fen`: this
    payment's money that is still in the account; `held_fen`: the part of it that a bank holds; both only in the first
    row of the account. `ends`: True if the policy's bounds ended the trace here.
    """

    depth: int
    payee: Destination
    amount_fen: int
    at: datetime
    after: timedelta
    left_fen: int = 0
    held_fen: int = 0
    ends: bool = False

    @property
    def account(self) -> TracedAccount | None:
        """The account that the money reached; None if the money left the accounts or came back to the resident."""
        return self.payee if isinstance(self.payee, TracedAccount) and self.payee != VICTIM else None

    @property
    def sink(self) -> SinkKind | None:
        """The way in which the money left the accounts; None if it did not leave them."""
        return self.payee if isinstance(self.payee, SinkKind) else None


class PaymentTree(NamedTuple):
    """The way of one payment's money, in tree order: after each row come the rows of the money that went on from there.

    `transfer`: the payment. `doubtful`: True if the bank has returned, or holds, more than the movements leave in the
    payee's account.
    """

    transfer: str
    figures: Accounted
    rows: tuple[TreeRow, ...]
    doubtful: bool


class MoneyTree(NamedTuple):
    """The trees of a case's payments. `total`: the sums over all of them.

    `doubtful`: True if banks contradict each other or themselves, or if more left an account than is known to have come
    in. `full`: True if the case has so many movements that some may be missing.
    """

    standing: Standing
    total: Accounted
    payments: tuple[PaymentTree, ...]
    doubtful: bool
    full: bool


def money_tree(case: Case, rules: TraceRules, own: Collection[str] = ()) -> MoneyTree | None:
    """Return the tree of the case's money (fen), payments in the case's order; None if no bank has stated a movement.
    `own`: tokens of the resident's accounts, beside those in the case.

    Its standing is INVESTIGATIVE: it shows where to ask, not whose money it is.
    """
    if not case.movements:
        return None
    trace = traced(case, rules, own)
    parts = _parts(trace)
    stops = _Stops(case)
    found = tuple(
        _tree(case, payment, part, stops) for payment in case.payments if (part := parts.get(payment.transfer))
    )
    total = Accounted(*map(sum, zip(*(each.figures for each in found), strict=True))) if found else Accounted()
    doubts = {FindingKind.CONTRADICTION, FindingKind.OVERDRAFT}
    doubtful = any(finding.kind in doubts for finding in trace.findings) or any(each.doubtful for each in found)
    full = len(case.movements) == MOST_MOVEMENTS
    return MoneyTree(Standing.INVESTIGATIVE, total, found, doubtful, full)


class _Part(NamedTuple):
    """The result of a trace for one payment's money. `left`: the fen still in each account; `ended`: the accounts at
    which a bound ended the trace.
    """

    since: datetime
    where: Whereabouts
    steps: list[Onward]
    left: dict[TracedAccount, int]
    ended: set[TracedAccount]


def _parts(trace: MoneyTrace) -> dict[str, _Part]:
    """Return a trace by payment. The trace is read once for any number of payments."""
    where = whereabouts(trace)
    parts = {theft: _Part(stolen.at, where[theft], [], {}, set()) for theft, stolen in trace.thefts.items()}
    for step in trace.steps:
        parts[step.theft].steps.append(step)
    for (account, theft), fen in in_accounts(trace).items():
        if fen:
            parts[theft].left[account] = fen
    for end in trace.ends:
        parts[end.theft].ended.add(end.account)
    return parts


def _tree(case: Case, payment: Payment, part: _Part, stops: "_Stops") -> PaymentTree:
    payee = _payee(part, payment)
    there = part.left.get(payee, 0) if payee else 0
    due, told = _due_back(case, payment, part, payee), _there(case, payment)
    back = min(there, due)
    left = part.left | {payee: there - back} if payee else part.left
    held = {account: fen for account, fen in stops.held(left, payee, told).items() if fen}
    rows = tuple(_Rows(part, payment.transfer, left, held).walk())
    figures = _figures(part.where, back, sum(held.values()))
    return PaymentTree(payment.transfer, figures, rows, doubtful=due > there or (told or 0) > there)


def _figures(found: Whereabouts, back: int, held: int) -> Accounted:
    unknown = found.in_accounts - back - held
    return Accounted(found.stolen, found.with_victim + back, held, unknown, found.cashed_out, found.fees)


def _payee(part: _Part, payment: Payment) -> TracedAccount | None:
    payees = (step.payee for step in part.steps if step.movement == payment.transfer)
    return next((payee for payee in payees if isinstance(payee, TracedAccount)), None)


def _due_back(case: Case, payment: Payment, part: _Part, payee: TracedAccount | None) -> int:
    """Return how much (fen) the bank has given back beyond the movements that already say so."""
    status = status_of(case, payment)
    if status.status is not PaymentStatus.RETURNED:
        return 0
    back = case.returned.get(payment.transfer, status.amount_fen)
    told = sum(step.amount_fen for step in part.steps if step.payer == payee and step.payee == VICTIM)
    return max(0, back - told)


def _there(case: Case, payment: Payment) -> int | None:
    """Return how much (fen) of a payment the payee's bank states to hold: frozen (even after its stop has ended), or
    still in the account when it was stopped. None if the bank has not stated it, or holds nothing any more.
    """
    if frozen := frozen_fen(case, payment):
        return frozen
    return payment.stop.there_fen if payment.stop and payment.stop.in_force else None


class _Stops:
    """The accounts that banks have stopped, and those beyond the payees' in which they have frozen money.

    For an account beyond the payees', its bank may have stated how much is in it. Each fen of that counts for one
    payment only, the earliest in the case first.
    """

    def __init__(self, case: Case) -> None:
        stopped = [each for each in (*case.payments, *case.traced) if _holds(each)]
        frozen = {each.payee: fen for each in case.traced if (fen := frozen_fen(case, each)) and not _holds(each)}
        self._tokens = {each.payee for each in stopped} | frozen.keys()
        stated = ((each.payee, each.stop.there_fen) for each in stopped if each.stop and each.movement is not None)
        told = (*frozen.items(), *stated)
        self._there = {token: fen for token, fen in told if fen is not None}

    def held(
        self, left: Mapping[TracedAccount, int], payee: TracedAccount | None, told: int | None
    ) -> dict[TracedAccount, int]:
        """Return how much of a payment's money banks hold in each stopped account: at most the amount that the
        account's bank has stated, and at most what the movements leave there.

        `told`: the amount stated for the payee's account.
        """
        stopped = (each for each in left if each.token in self._tokens)
        held = {account: self._take(account.token, left[account]) for account in stopped}
        if told is not None and payee is not None:
            held[payee] = min(left[payee], told)
        return held

    def _take(self, token: str, fen: int) -> int:
        there = self._there.get(token)
        if there is None:
            return fen
        taken = min(fen, there)
        self._there[token] = there - taken
        return taken


def _holds(payment: Payment) -> bool:
    return payment.stop is not None and (payment.stop.in_force or payment.stop.state is StopState.FROZEN)


class _Rows:
    """The rows of one payment's tree. An account's onward movements follow its first row only."""

    def __init__(
        self, part: _Part, theft: str, left: Mapping[TracedAccount, int], held: Mapping[TracedAccount, int]
    ) -> None:
        self._steps: defaultdict[object, list[Onward]] = defaultdict(list)
        for step in part.steps:
            self._steps[None if step.movement == theft else step.payer].append(step)
        self._since, self._ended = part.since, part.ended
        self._left, self._held = dict(left), dict(held)

    def walk(self) -> Iterator[TreeRow]:
        """Yield the rows. No recursion: money in a circle, or over many hops, is walked once."""
        waiting = [(0, step) for step in reversed(self._steps.pop(None, []))]
        while waiting:
            depth, step = waiting.pop()
            yield self._row(depth, step)
            waiting += [(depth + 1, onward) for onward in reversed(self._steps.pop(step.payee, []))]

    def _row(self, depth: int, step: Onward) -> TreeRow:
        left = held = 0
        if isinstance(step.payee, TracedAccount):
            left, held = self._left.pop(step.payee, 0), self._held.pop(step.payee, 0)
        after = max(step.at - self._since, timedelta(0))
        return TreeRow(depth, step.payee, step.amount_fen, step.at, after, left, held, ends=step.payee in self._ended)
