"""The resident's own accounts as the case page shows them: the accounts' holds, and which accounts can get a hold."""

from dataclasses import dataclass

from console.web.kit.services import Services
from domain.casework.own_account.delays import may_not_delay, open_delays
from domain.casework.own_account.last_resort import may_not_propose
from domain.policy import PolicyError
from domain.policy.approval import OwnAccountRules
from schemas.casework.cases import Case
from schemas.codes.own_account import NotLastResort, OwnAccountRefusal
from schemas.people.residents import Resident
from streams.repositories.policies import UnknownPolicyError


@dataclass(frozen=True, slots=True)
class OwnAccounts:
    """The resident's accounts. `numbers`: the account numbers in the case's order, "" for one that the register no
    longer has.

    `free`: the indexes of those for which a hold may be proposed, at least under duress; `not_yet`: why only under
    duress, or None. `delay`: whether the banks may be asked for a delay now; `delayed`: whether one can be ended.
    `shown`: the policy enables holds, or the case has one.
    """

    numbers: tuple[str, ...]
    free: tuple[int, ...]
    not_yet: OwnAccountRefusal | None
    delay: bool
    delayed: bool
    shown: bool


async def own_accounts(services: Services, case: Case, resident: Resident | None) -> OwnAccounts:
    """Return the accounts of a case's resident, by the policy under which the case was last decided; without that
    policy's text, as if it enabled no holds. `resident`: None if unknown: then no number is known. Errors of Kafka and
    Redis pass through.
    """
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
        delay=may_not_delay(case, rules) is None,
        delayed=bool(open_delays(case)),
        shown=rules.enabled or bool(case.own_holds),
    )


async def _rules(services: Services, case: Case) -> OwnAccountRules:
    """Return the rules of the case's policy, for the page only; rules that enable no holds if the policy is unknown
    here.
    """
    try:
        return (await services.line.policies.get(case.policy)).own_account
    except (UnknownPolicyError, PolicyError):
        return OwnAccountRules()
