"""Each victim's share of the money that a bank holds in one account: 资金返还规定, article 8.

A single deposit, or several that can be distinguished by time alone, go straight back to their victims (paragraphs 1
and 2). Otherwise the victims share in proportion to the money that each brought into this account (paragraph 3), after
a public notice of 30 days in which victims and others, such as the account's holder, may object. Money beyond the
victims' stays frozen. The bank acts within three working days. A further victim starts a new proposal.
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
    """The paragraphs of article 8 under which money is returned.

    DIRECT: 1 and 2, each theft gets its own money back. PRO_RATA: 3, the thefts share the held money.
    """

    DIRECT = "direct"
    PRO_RATA = "pro_rata"


class ReturnProposal(NamedTuple):
    """A proposal for the return of held money; a person decides about it.

    `shares`: fen for each theft, by the id of the victim's payment; thefts without a share are left out. `rest_fen`:
    the fen that stay frozen. `notice_days`: days of public notice before anything is returned; 0 if DIRECT.
    """

    account: TracedAccount
    ground: ReturnGround
    shares: Mapping[str, int]
    rest_fen: int
    notice_days: int

    @property
    def standing(self) -> Standing:
        """LEGAL, always."""
        return Standing.LEGAL


def propose_return(first_in: MoneyTrace, last_in: MoneyTrace, account: TracedAccount, held_fen: int) -> ReturnProposal:
    """Return a proposal to divide the money held in an account (`held_fen`) among the thefts whose money came in.

    `first_in`, `last_in`: traces of the same facts by FIFO and by LIFO. DIRECT: each theft gets the rest of its money
    in the account; only if both traces leave the same amounts, the held money covers them, and no bound ended a trace
    in this account. PRO_RATA otherwise: the thefts share in proportion to what they brought into the account, and none
    gets more than that. Raises ValueError if a trace is by another rule, or `held_fen` is below zero.
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
