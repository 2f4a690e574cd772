"""The standing approval on the page of a stop order: the limits that may be signed, the limits that were typed, and the
sums that remain.
"""

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
    """The limits of later stops that a person may sign with an order. `limits`: the values that the form shows first;
    `fixed`: True if another person has signed these limits already, so that they cannot be changed.
    """

    rules: LaterStopRules
    limits: LaterLimits
    fixed: bool


class LaterLeft(NamedTuple):
    """A standing approval that at least one person has signed. `accounts`, `amount_fen`: how many accounts and fen may
    still be stopped under it; `in_force`: True if it permits stops now.
    """

    order: StopOrder
    later: StandingApproval
    accounts: int
    amount_fen: int
    in_force: bool


async def later_offer(services: Services, case: Case, order: StopOrder, login: str) -> LaterOffer | None:
    """Return the limits that the person `login` may sign with an order. None if the case's policy is unknown here, if
    it or the order allows no later stops, if the order is decided, or if this person has signed already. Errors of
    Kafka and Redis pass through.
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
    """Return the limits that the form has, the amount in fen; None if `ticked` is not "yes". Raises ValueError if a
    text is no whole number or is out of the bounds of LaterLimits. `hops`, `accounts`: counts; `yuan`: whole yuan;
    `hours`: hours.
    """
    if ticked != "yes":
        return None
    try:
        return LaterLimits(hops=int(hops), accounts=int(accounts), amount_fen=int(yuan) * 100, hours=int(hours))
    except ValidationError as wrong:
        raise ValueError("limits out of bounds") from wrong


def later_left(case: Case, now: datetime) -> list[LaterLeft]:
    """Return the signed standing approvals of the case's orders, in the order of the orders. Those that have ended are
    included, with `in_force` False.
    """
    signed = [(order, order.later) for order in case.orders if order.later is not None]
    return [
        LaterLeft(order, later, *remaining(case, order), standing_approval(case, order, case.steps, now) is not None)
        for order, later in signed
    ]
