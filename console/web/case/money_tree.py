"""Gathers the tree of a case's money for its page: the accounts' numbers and their banks' names."""

from collections.abc import Mapping
from dataclasses import dataclass

from console.web.kit.services import Services
from console.web.payments.stops import accounts
from domain.casework.trail.tree import Accounted, MoneyTree, PaymentTree, TreeRow, money_tree
from domain.identity.identifiers import own_tokens
from domain.policy import PolicyError
from domain.policy.trace import TraceRules
from schemas.casework.cases import Case
from schemas.people.residents import Resident
from streams.repositories.policies import UnknownPolicyError


@dataclass(frozen=True, slots=True)
class TreeLine:
    """A row of the tree.

    `bank`: the name of the account's bank, its code if the name is unknown; `account`: the account's complete number,
    which the page masks unless the resident's data is revealed. Both are "" if unknown.
    """

    row: TreeRow
    bank: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True)
class DrawnTree:
    """The tree of a case's money. `payments`: (figures, rows from top to bottom) of each payment that has a tree."""

    tree: MoneyTree
    payments: list[tuple[Accounted, list[TreeLine]]]

    @property
    def traced(self) -> frozenset[str]:
        """The payments (transfer ids) of which banks have stated where all money is now."""
        return frozenset(each.transfer for each in self.tree.payments if not each.figures.unknown)


async def drawn_tree(services: Services, case: Case, resident: Resident | None) -> DrawnTree | None:
    """Return the tree of the case's money, within the limits of the case's policy; None if no bank has stated a
    movement. If the policy's text is lost or unreadable here, the default limits apply. `resident`: None if unknown.
    Errors of Kafka and Redis pass through.
    """
    tree = await case_money_tree(services, case, resident)
    if tree is None:
        return None
    numbers = await accounts(services, (token for each in tree.payments for token in _tokens(each)))
    lines = [(each.figures, [_line(services, row, numbers) for row in each.rows]) for each in tree.payments]
    return DrawnTree(tree, lines)


async def case_money_tree(services: Services, case: Case, resident: Resident | None) -> MoneyTree | None:
    """Return the tree of the case's money without the accounts' numbers and their banks' names, within the limits of
    the case's policy (the default limits if its text is lost or unreadable here); None if no bank has stated a
    movement. `resident`: None if unknown. Errors of Kafka and Redis pass through.
    """
    if not case.movements:
        return None
    own = own_tokens(services.line.settings.key(), resident) if resident else set()
    return money_tree(case, await _rules(services, case), own)


async def _rules(services: Services, case: Case) -> TraceRules:
    """Return the trace limits of the policy that last decided the case; the defaults if its text is lost or has another
    version.
    """
    try:
        return (await services.line.policies.get(case.policy)).trace
    except (UnknownPolicyError, PolicyError):
        return TraceRules()


def _tokens(tree: PaymentTree) -> set[str]:
    return {row.account.token for row in tree.rows if row.account}


def _line(services: Services, row: TreeRow, numbers: Mapping[str, str]) -> TreeLine:
    if row.account is None:
        return TreeLine(row)
    known = services.line.outgoing.institutions.by_code.get(row.account.bank)
    return TreeLine(row, known.name if known else row.account.bank, numbers.get(row.account.token, ""))
