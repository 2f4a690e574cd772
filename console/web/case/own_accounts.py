"""The resident's own accounts as the case page shows them: the holds, and whether one may be proposed."""

from dataclasses import dataclass

from console.web.kit.services import Services
from domain.casework.own_account.last_resort import may_not_propose
from domain.policy import PolicyError
from domain.policy.approval import OwnAccountRules
from schemas.casework.cases import Case
from schemas.codes.own_account import NotLastResort, OwnAccountRefusal
from schemas.people.residents import Resident
from streams.repositories.policies import UnknownPolicyError


@dataclass(frozen=True, slots=True)
class OwnAccounts:
    """The resident's accounts in the case's order, by number ("" if the register has it no longer).

    `free`: the indexes of those for which a hold may be proposed, at least under duress; `not_yet`: why only under
    duress, or None. `shown`: the policy enables holds, or the case has one.
    """

    numbers: tuple[str, ...]
    free: tuple[int, ...]
    not_yet: OwnAccountRefusal | None
    shown: bool


async def own_accounts(services: Services, case: Case, resident: Resident | None) -> OwnAccounts:
    """Return the accounts of a case's resident, by the policy under which the case was last decided."""
    rules = await _rules(services, case)
    outgoing, tokens = services.line.outgoing, case.accounts
    known = [outgoing.own_account(resident, token, former=True) if resident else None for token in tokens]
    places = range(len(tokens))
    free = tuple(number for number in places if may_not_propose(case, rules, number, duress=True) is None)
    not_yet = may_not_propose(case, rules, free[0], duress=False) if free else None
    return OwnAccounts(
        numbers=tuple(number or "" for number in known),
        free=free,
        not_yet=not_yet if isinstance(not_yet, NotLastResort) else None,
        shown=rules.enabled or bool(case.own_holds),
    )


async def _rules(services: Services, case: Case) -> OwnAccountRules:
    """Return the policy's rules, for the page alone; none are enabled if the policy is not known here."""
    try:
        return (await services.line.policies.get(case.policy)).own_account
    except (UnknownPolicyError, PolicyError):
        return OwnAccountRules()
