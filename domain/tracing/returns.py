"""Each victim's share of the money that a bank holds in one account: 资金返还规定, article 8.

A single deposit, or several that time alone tells apart, go straight back to their victims (paragraphs 1 and 2).
Otherwise the victims share in proportion to what their money brought into this account (paragraph 3), after a public
notice of 30 days in which victims and others, such as the account's holder, may object. What exceeds the victims' money
stays frozen. The bank acts within three working days. A further victim starts a new proposal.
"""

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from domain.tracing.facts import TracedAccount
from domain.tracing.lots import Standing, TracingRule, shares_of
from domain.tracing.tree import MoneyTrace, in_accounts

NOTICE_DAYS = 30


class ReturnGround(StrEnum):
    """The paragraphs of article 8 under which money is returned. DIRECT: 1 and 2; PRO_RATA: 3."""

    DIRECT = "direct"
    PRO_RATA = "pro_rata"


class ReturnProposal(NamedTuple):
    """How held money would be returned; a person decides.

    `shares`: fen by theft; `rest_fen`: stays frozen; `notice_days`: before anything is returned.
    """

    account: TracedAccount
    ground: ReturnGround
    shares: Mapping[str, int]
    rest_fen: int
    notice_days: int

    @property
    def standing(self) -> Standing:
        """Always legal."""
        return Standing.LEGAL


def propose_return(first_in: MoneyTrace, last_in: MoneyTrace, account: TracedAccount, held_fen: int) -> ReturnProposal:
    """Return the shares in the money held in an account.

    `first_in`, `last_in`: traces of the same facts by FIFO and LIFO. Time tells the deposits apart if both attribute
    the balance to the same victims: then the order in which the account paid out decides nothing. Where a bound ended a
    trace, it does not know what the account paid out, and time tells nothing. Raises ValueError if a trace is by
    another rule, or the amount is below zero.
    """
    if (first_in.rule, last_in.rule) != (TracingRule.FIFO, TracingRule.LIFO) or held_fen < 0:
        raise ValueError("a return needs a trace by FIFO, one by LIFO, and an amount of 0 or more")
    left = _left(first_in, account)
    told_apart = left == _left(last_in, account) and not (_ends_at(first_in, account) or _ends_at(last_in, account))
    if told_apart and sum(left.values()) <= held_fen:
        return _proposal(account, held_fen, ReturnGround.DIRECT, left)
    brought = _brought(first_in, account)
    claims = sorted(brought)
    divided = shares_of(min(held_fen, sum(brought.values())), [brought[theft] for theft in claims])
    return _proposal(account, held_fen, ReturnGround.PRO_RATA, dict(zip(claims, divided, strict=True)))


def _proposal(account: TracedAccount, held_fen: int, ground: ReturnGround, shares: Mapping[str, int]) -> ReturnProposal:
    days = NOTICE_DAYS if ground is ReturnGround.PRO_RATA else 0
    due = {theft: fen for theft, fen in sorted(shares.items()) if fen}
    return ReturnProposal(account, ground, due, held_fen - sum(due.values()), days)


def _left(trace: MoneyTrace, account: TracedAccount) -> dict[str, int]:
    """Return the fen of each theft that are still in an account."""
    return {theft: fen for (where, theft), fen in in_accounts(trace).items() if where == account}


def _brought(trace: MoneyTrace, account: TracedAccount) -> Counter[str]:
    """Return the fen of each theft that came into an account."""
    found: Counter[str] = Counter()
    for step in trace.steps:
        if step.payee == account:
            found[step.theft] += step.amount_fen
    return found


def _ends_at(trace: MoneyTrace, account: TracedAccount) -> bool:
    return any(end.account == account for end in trace.ends)
