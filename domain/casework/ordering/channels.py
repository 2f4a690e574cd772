"""Whether the automated call comes before the SMS in a case's plan, by the past contacts in the policy.

Only the times of these two contacts change places: nothing is left out, nothing comes later than the plan's own last
automated contact, and no person's call, visit or stop changes its time.

An estimate is the mean of a Beta distribution: the group's contacts, and WEIGHT more with the share of all groups. The
later contact comes first only if it is worth more by 1.645 standard errors, the lower bound of 95 %: where the counts
do not tell, the plan's authors do. An interval of the mean alone would let the greatest of many unsure groups win.

Nobody is tried by lot in the order that the plan does not have: that would be an experiment, which must be registered.
The order of a group that changed is drawn, by the case's id, for the plan's own order in a share of cases (`keeps`).
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from math import sqrt
from typing import NamedTuple

from domain.policy.channels.groups import contact_group
from domain.policy.channels.order import ChannelOrder, ContactCounts, ReachedCount
from domain.policy.file import Policy
from domain.policy.plan import StepRule
from domain.policy.schedule import earliest
from schemas.casework.cases import Case
from schemas.levels import Action
from schemas.risk.signals import TransferState

WEIGHT = 20.0  # contacts for which the share of all groups counts; assumed
_SURE = 1.645  # standard errors: the lower bound of 95 %
_CHANNELS = (Action.SMS, Action.ROBOT_CALL)


class StepSwap(NamedTuple):
    """Two steps of a plan that change their times. `first`: the name of the later one, which comes first now; `other`:
    the name of the earlier one. `counts`: by which.
    """

    first: str
    first_action: Action
    other: str
    other_action: Action
    counts: ContactCounts


class ReachedEstimate(NamedTuple):
    """How often contacts reach a resident: `mean`, from 0 to 1, and its standard error `error`."""

    mean: float
    error: float


def reached_estimate(count: ReachedCount, usual: float) -> ReachedEstimate:
    """Return the share of contacts that reach a resident, from a group's contacts and the share `usual` of all."""
    weight = count.tries + WEIGHT
    mean = (count.reached + WEIGHT * usual) / weight
    return ReachedEstimate(mean, sqrt(mean * (1 - mean) / (weight + 1)))


def is_better(one: Action, other: Action, counts: ContactCounts, order: ChannelOrder) -> bool:
    """Return True if a first contact by `one` is worth more than by `other`, by the lower bound. Both are SMS or
    ROBOT_CALL.
    """
    (first, worth), (second, less) = ((_estimate(each, counts, order), order.worth.of(each)) for each in (one, other))
    error = sqrt((worth * first.error) ** 2 + (less * second.error) ** 2)
    return worth * first.mean - less * second.mean > _SURE * error


def _estimate(action: Action, counts: ContactCounts, order: ChannelOrder) -> ReachedEstimate:
    every = [each.count(action) for each in order.groups]
    usual = sum(each.reached for each in every) / sum(each.tries for each in every)
    return reached_estimate(counts.count(action), usual)


def swap_of(case: Case, policy: Policy, planned: Sequence[tuple[str, StepRule]], now: datetime) -> StepSwap | None:
    """Return the steps of a plan that begins `now` whose times change places, or None if the plan's order stands.

    `planned`: the case's steps by name, in the plan's order. It stands if the policy has no counts, or none for this
    level, group or day; if the counts do not show that the later contact is better; if the case keeps it (`keeps`);
    during a suspicious call or while a payment is under way, because contacts then fare differently; while an operator
    has the case; and if a contact would wait for the end of quiet hours. The caller checks for experiments.
    """
    order = policy.channel_order
    if order is None or case.level not in order.levels or _is_live(case) or case.claimed_by:
        return None
    if now.astimezone(timezone(policy.plan.utc)).date() > order.until or _drawn(case.id, order) < order.keeps:
        return None
    counts = order.counts_of(contact_group(case.profile, now, policy.plan.utc))
    pair = _pair(planned)
    if counts is None or pair is None:
        return None
    (other, earlier), (first, later) = pair
    times = [earliest(now + rule.after, case, policy.plan, rule) - now for rule in (earlier, later)]
    if times != [earlier.after, later.after] or not is_better(later.action, earlier.action, counts, order):
        return None
    return StepSwap(first, later.action, other, earlier.action, counts)


def _pair(planned: Sequence[tuple[str, StepRule]]) -> list[tuple[str, StepRule]] | None:
    """Return the plan's SMS and its automated call, the earlier first; None unless it has one of each, at different
    times, neither of which waits for the hours at which people are at home.
    """
    found = sorted((each for each in planned if each[1].action in _CHANNELS), key=_after)
    apart = len({_after(each) for each in found}) == len({rule.action for _, rule in found}) == len(found) == 2
    return found if apart and not any(rule.at_home for _, rule in found) else None


def _after(step: tuple[str, StepRule]) -> timedelta:
    return step[1].after


def _is_live(case: Case) -> bool:
    under_way = any(payment.state is not TransferState.SETTLED for payment in case.payments)
    return case.danger.call_since is not None or under_way


def _drawn(case: str, order: ChannelOrder) -> float:
    """Return a number from 0 (inclusive) to 1, uniform over cases, from a SHA-256 of the case's id. Each table draws
    anew, by the day to which it counted.
    """
    digest = hashlib.sha256(f"{order.counted_to}\x1f{case}".encode()).digest()
    return int.from_bytes(digest[:7]) / 2**56
