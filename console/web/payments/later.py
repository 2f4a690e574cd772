"""The standing approval on an order's page: what may be signed with it, what was typed, and what remains."""

from datetime import datetime
from typing import NamedTuple

from pydantic import ValidationError

from console.web.kit.services import Services
from domain.casework.orders.later_limits import may_not_approve_later, remaining, standing_approval
from domain.policy import PolicyError
from domain.policy.approval import LaterStopRules
from schemas.casework.cases import Case
from schemas.casework.orders import LaterLimits, OrderState, StandingApproval, StopOrder
from streams.repositories.policies import UnknownPolicyError


class LaterOffer(NamedTuple):
    """What a person may sign with an order. `limits`: what the form shows first; `fixed`: another person has signed
    them already, so the form only repeats them.
    """

    rules: LaterStopRules
    limits: LaterLimits
    fixed: bool


class LaterLeft(NamedTuple):
    """A standing approval of a case that is signed or in force, with what remains of it."""

    order: StopOrder
    later: StandingApproval
    accounts: int
    amount_fen: int
    in_force: bool


async def later_offer(services: Services, case: Case, order: StopOrder, login: str) -> LaterOffer | None:
    """Return what a person may sign with an order, or None: the policy or the order does not allow it, it is decided,
    or this person has signed.
    """
    try:
        policy = await services.line.policies.get(case.policy)
    except (UnknownPolicyError, PolicyError):
        return None
    rules, later = policy.plan.stop.later, order.later
    if rules is None or order.state not in (OrderState.PROPOSED, OrderState.APPROVED):
        return None
    if may_not_approve_later(case, order, None, rules, policy.trace) is not None:
        return None
    if later is None:
        return LaterOffer(rules, rules.usual, fixed=False)
    signed = any(each.by == login for each in later.approvals)
    return None if signed else LaterOffer(rules, later.limits, fixed=True)


def typed_limits(ticked: str, hops: str, accounts: str, yuan: str, hours: str) -> LaterLimits | None:
    """Return the limits of the form; None if the option is not ticked. Raises ValueError for anything but numbers
    within the bounds that every policy keeps.
    """
    if ticked != "yes":
        return None
    try:
        return LaterLimits(hops=int(hops), accounts=int(accounts), amount_fen=int(yuan) * 100, hours=int(hours))
    except ValidationError as wrong:
        raise ValueError("limits out of bounds") from wrong


def later_left(case: Case, now: datetime) -> list[LaterLeft]:
    """Return the standing approvals of a case's orders, ended ones too, in the order of the orders."""
    signed = [(order, order.later) for order in case.orders if order.later is not None]
    return [
        LaterLeft(order, later, *remaining(case, order), standing_approval(order, now) is not None)
        for order, later in signed
    ]
