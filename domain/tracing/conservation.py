"""The law of every trace: stolen = with the victim + still in an account + cashed out + fees, to the fen.

`ledgers` checks each result before it returns it. The figures come from two sources: money in accounts is read from the
lots that are left, other money from the movements. So a lot that is lost, or paid twice, shows as a difference.
"""

from collections import Counter
from typing import NamedTuple

from domain.tracing.facts import SinkKind, TracedAccount
from domain.tracing.tree import MoneyTrace, in_accounts


class Whereabouts(NamedTuple):
    """The money of a theft, in fen, divided by where it is; the other four fields add up to `stolen`.

    `with_victim`: it never left, or came back. `in_accounts`: it was last seen in an account. `cashed_out`: it left
    through cash, POS, wallets or crypto. `fees`: banks kept it.
    """

    stolen: int
    with_victim: int
    in_accounts: int
    cashed_out: int
    fees: int

    @property
    def error(self) -> int:
        """The fen that are missing, or, below zero, the fen that are too many; 0 in every correct trace."""
        return self.stolen - self.with_victim - self.in_accounts - self.cashed_out - self.fees


class Violation(NamedTuple):
    """Money of a theft that is missing (`missing_fen`, in fen; negative: too much): a breach of the law of
    conservation.

    `account` None: over all accounts. Otherwise in this account: the money that came in, less the money that went out,
    less the money that is left there.
    """

    theft: str
    account: TracedAccount | None
    missing_fen: int


def whereabouts(trace: MoneyTrace) -> dict[str, Whereabouts]:
    """Return where each theft's money is, in fen, by the theft's id."""
    victim: Counter[str] = Counter({id_: one.amount_fen for id_, one in trace.thefts.items() if not one.executed})
    accounts: Counter[str] = Counter()
    sinks: Counter[str] = Counter()
    fees: Counter[str] = Counter()
    for step in trace.steps:
        if step.payee == trace.thefts[step.theft].victim:
            victim[step.theft] += step.amount_fen
        elif isinstance(step.payee, SinkKind):
            (fees if step.payee is SinkKind.FEE else sinks)[step.theft] += step.amount_fen
    for (_, theft), fen in in_accounts(trace).items():
        accounts[theft] += fen
    return {
        theft: Whereabouts(one.amount_fen, victim[theft], accounts[theft], sinks[theft], fees[theft])
        for theft, one in trace.thefts.items()
    }


def violations(trace: MoneyTrace) -> list[Violation]:
    """Return every breach of the law of conservation: first those over a theft as a whole, then those in one account.
    Empty for a correct trace.

    Takes O(steps + lots).
    """
    whole = [Violation(theft, None, found.error) for theft, found in whereabouts(trace).items() if found.error]
    flows = in_accounts(trace)
    flows.subtract(_arrived(trace))
    return whole + [Violation(theft, account, -fen) for (account, theft), fen in flows.items() if fen]


def _arrived(trace: MoneyTrace) -> Counter[tuple[TracedAccount, str]]:
    """Return the fen of each (account, theft) that came in and did not go out again."""
    found: Counter[tuple[TracedAccount, str]] = Counter()
    for step in trace.steps:
        victim = trace.thefts[step.theft].victim
        if isinstance(step.payee, TracedAccount) and step.payee != victim:
            found[step.payee, step.theft] += step.amount_fen
        if step.movement != step.theft:
            found[step.payer, step.theft] -= step.amount_fen
    return found


def checked_trace(trace: MoneyTrace) -> MoneyTrace:
    """Return the trace unchanged. Raises ArithmeticError if it breaks the law of conservation: no result is better than
    a wrong one.
    """
    if found := violations(trace):
        raise ArithmeticError(f"a trace by {trace.rule} loses money: {found[:3]}")
    return trace
