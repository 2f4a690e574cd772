"""The trace: each movement, in order of time, takes lots from its payer's account and adds them to its payee's account.

The result depends only on the set of statements: a late or corrected answer is one more statement, and the trace is
made again from the beginning. Takes O(n log n + parts) for n statements; parts are the lots that the movements carried,
at most one per theft and movement (PRO_RATA), or the lots plus one split per movement (FIFO, LIFO).
"""

from collections import Counter
from collections.abc import Collection, Iterable

from domain.tracing.bounds import Arrival, BoundedReach, TraceBounds
from domain.tracing.conservation import checked_trace
from domain.tracing.facts import FindingKind, History, Movement, Stated, TracedAccount, TraceFinding, history_of
from domain.tracing.lots import Lot, Purse, TracingRule, purse
from domain.tracing.tree import MoneyTrace, Onward, Stolen, TraceEnd


def trace_money(
    statements: Iterable[Stated], thefts: Collection[str], rule: TracingRule, bounds: TraceBounds
) -> MoneyTrace:
    """Return where the money of thefts went, by a rule and within bounds. `thefts`: the ids of the victims' payments.

    A theft whose payment nobody stated becomes a finding. Raises ValueError for an amount below zero, and
    ArithmeticError if the result breaks the law of conservation.
    """
    return follow_history(history_of(statements), thefts, rule, bounds)


def follow_history(past: History, thefts: Collection[str], rule: TracingRule, bounds: TraceBounds) -> MoneyTrace:
    """Return where the money of thefts went by a rule and within bounds, as `trace_money`, from a history that may be
    used for several rules.

    `thefts`: the ids of the victims' payments; one that is not in the history becomes a finding. Raises ArithmeticError
    if the result breaks the law of conservation.
    """
    ledger = _Ledger(past, thefts, rule, bounds)
    for movement in past.movements:
        ledger.move(movement)
    return checked_trace(ledger.trace())


class _Ledger:
    """The accounts while the movements are replayed."""

    def __init__(self, past: History, thefts: Collection[str], rule: TracingRule, bounds: TraceBounds) -> None:
        self._rule = rule
        self._named = set(thefts)
        self._purses: dict[TracedAccount, Purse] = {}
        self._followed = BoundedReach(bounds)
        self._thefts = {
            id_: Stolen(refused.payer, refused.amount_fen, refused.at, executed=False)
            for id_, refused in past.refused.items()
            if id_ in self._named
        }
        self._steps: list[Onward] = []
        self._ends: list[TraceEnd] = []
        self._findings = list(past.findings)
        for account, amount in past.openings.items():
            self._purse(account).add(Lot(None, amount))

    def move(self, movement: Movement) -> None:
        """Apply the next movement to the accounts. A movement from an account to itself changes nothing."""
        if movement.payer == movement.payee:
            return
        lots = self._purse(movement.payer).take(movement.amount_fen)
        missing = movement.amount_fen - sum(lot.amount_fen for lot in lots)
        if movement.id in self._named:
            lots = self._stolen(movement, lots, missing)
        elif missing:
            self._findings.append(TraceFinding(FindingKind.OVERDRAFT, movement.id, missing))
            lots.append(Lot(None, missing))
        self._pay(movement, lots)

    def _stolen(self, movement: Movement, lots: list[Lot], missing: int) -> list[Lot]:
        """Return a theft's payment as its own lots, but for money of an earlier theft, which keeps its origin."""
        earlier = sum(lot.amount_fen for lot in lots if lot.origin is not None)
        if earlier:
            self._findings.append(TraceFinding(FindingKind.OVERLAP, movement.id, earlier))
        self._thefts[movement.id] = Stolen(movement.payer, movement.amount_fen - earlier, movement.at)
        whole = [*lots, Lot(None, missing)]
        return [Lot(movement.id, lot.amount_fen) if lot.origin is None else lot for lot in whole if lot.amount_fen]

    def _pay(self, movement: Movement, lots: list[Lot]) -> None:
        """Carry lots to the payee, each one hop further, in the order in which they were taken."""
        carried: Counter[str] = Counter()
        hops: dict[str, int] = {}
        for lot in lots:
            if lot.origin is not None:
                carried[lot.origin] += lot.amount_fen
                hops[lot.origin] = min(lot.hops + 1, hops.get(lot.origin, lot.hops + 1))
        over = {theft for theft, amount in carried.items() if self._arrives(movement, theft, amount, hops[theft])}
        if isinstance(movement.payee, TracedAccount):
            payee = self._purse(movement.payee)
            for lot in lots:
                free = lot.origin is None or lot.origin in over
                payee.add(Lot(None, lot.amount_fen) if free else lot._replace(hops=lot.hops + 1))

    def _arrives(self, movement: Movement, theft: str, amount: int, hops: int) -> bool:
        """Record money of a theft that reaches the payee. Return True if the trace of this part ends there."""
        stolen, payee = self._thefts[theft], movement.payee
        self._steps.append(Onward(movement.id, theft, movement.payer, payee, amount, movement.at, hops))
        if not isinstance(payee, TracedAccount) or payee == stolen.victim:
            return True
        bound = self._followed.admit(theft, payee, Arrival(amount, hops, movement.at - stolen.at))
        if bound is not None:
            self._ends.append(TraceEnd(theft, payee, amount, bound))
        return bound is not None

    def _purse(self, account: TracedAccount) -> Purse:
        if account not in self._purses:
            self._purses[account] = purse(self._rule)
        return self._purses[account]

    def trace(self) -> MoneyTrace:
        """Return the result."""
        unknown = sorted(self._named - self._thefts.keys())
        findings = [*self._findings, *(TraceFinding(FindingKind.UNKNOWN, theft, 0) for theft in unknown)]
        left = {
            account: tuple(lot for lot in self._purses[account] if lot.origin is not None)
            for account in sorted(self._purses)
        }
        return MoneyTrace(
            self._rule,
            {theft: self._thefts[theft] for theft in sorted(self._thefts)},
            tuple(self._steps),
            {account: lots for account, lots in left.items() if lots},
            tuple(self._ends),
            tuple(findings),
        )
