"""Writes a proposed table `[channel_order]` into the text of a policy, for two persons to read and approve."""

import re
from collections.abc import Collection, Iterable
from datetime import date, timedelta

from domain.policy.approval import are_two
from domain.policy.channels.order import LEAST_TRIES, ChannelOrder, ContactCounts, ReachedWorth
from domain.policy.file import Policy, PolicyError, load
from schemas.errors import UserError
from schemas.levels import Level

VALID = timedelta(days=90)  # assumed: people's hours change with the seasons
LEVELS = (Level.YELLOW, Level.BLUE)
WORTH = ReachedWorth(sms=0.31, robot_call=0.5)
"""Singapore's police: of 6,464 people reached by SMS alone, 2,016 broke the scam off (31 %). A published trial of
forewarning calls: half as many paid; that an automated call does as well is assumed.
"""
_TABLE = re.compile(r"(^# Past contacts:[^\n]*\n)?^\[channel_order\]\n.*?^\]\n", re.MULTILINE | re.DOTALL)


class OtherTableError(UserError):
    """A policy has a table `[channel_order]` that is written in another way than by `channel_order_text`."""

    def __init__(self) -> None:
        super().__init__("remove the table [channel_order] from the policy first: it is not as this command writes it")


def proposed_order(
    groups: Iterable[ContactCounts], first: date, last: date, in_force: ChannelOrder | None
) -> ChannelOrder:
    """Return the table with these groups, counted from the day `first` to `last` (inclusive), valid for VALID. Its
    levels, worth and share that keeps the plan's order are those in force; without a table in force, the defaults.
    """
    kept = {} if in_force is None else {"levels": in_force.levels, "worth": in_force.worth, "keeps": in_force.keeps}
    fields = {"levels": LEVELS, "worth": WORTH, **kept}
    return ChannelOrder.model_validate(
        {**fields, "counted_from": first, "counted_to": last, "until": last + VALID, "groups": tuple(groups)}
    )


def channel_order_text(order: ChannelOrder) -> str:
    """Return the table as TOML text, a line for each group."""
    levels = ", ".join(f'"{level.value}"' for level in order.levels)
    groups = "\n".join(f"  {_row(each)}," for each in order.groups)
    return (
        f"# Past contacts: a group has at least {LEAST_TRIES} by each channel. In others, the plan's order stands.\n"
        f"[channel_order]\nlevels = [{levels}]\ncounted_from = {order.counted_from}\ncounted_to = {order.counted_to}\n"
        f"until = {order.until}\nkeeps = {order.keeps}\n"
        f"worth = {{ sms = {order.worth.sms}, robot_call = {order.worth.robot_call} }}\ngroups = [\n{groups}\n]\n"
    )


def _row(each: ContactCounts) -> str:
    of = ", ".join(f'{name} = "{value}"' for name, value in each.group._asdict().items())
    counts = ", ".join(
        f"{name} = {{ tries = {count.tries}, reached = {count.reached} }}"
        for name, count in (("sms", each.sms), ("robot_call", each.robot_call))
    )
    return f"{{ {of}, {counts} }}"


def with_channel_order(text: str, order: ChannelOrder) -> str:
    """Return the policy's TOML text with this table in place of one that it has, and everything else as its author
    wrote it.

    Raises OtherTableError if its table is not as `channel_order_text` writes it, and PolicyError if the text is not a
    valid policy.
    """
    before = load(text)
    changed = f"{_TABLE.sub('', text).rstrip()}\n\n{channel_order_text(order)}"
    try:
        after = load(changed)
    except PolicyError:
        raise OtherTableError from None
    same = {"hash": after.hash, "risk": after.risk, "channel_order": after.channel_order}
    if before.model_copy(update=same) != after:
        raise OtherTableError
    return changed


class OnePersonError(UserError):
    """A policy has a new table `[channel_order]`, and only one person stands for it."""

    def __init__(self) -> None:
        super().__init__("a second person must approve a new [channel_order]: name them, or publish a draft")


def check_channel_order(after: Policy, earlier: Iterable[Policy], persons: Collection[str]) -> None:
    """Check whether the table of the policy `after` may be put in force. Return None if it may: it has none, one of the
    `earlier` policies had it too, or two persons stand for it.

    Raises OnePersonError otherwise: the table changes what residents get. `persons`: who wrote and who approves it.
    """
    order = after.channel_order
    approved = order is None or any(each.channel_order == order for each in earlier)
    if not approved and not are_two(persons):
        raise OnePersonError
