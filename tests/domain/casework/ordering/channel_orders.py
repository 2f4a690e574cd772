"""Tables of past contacts for tests of the order of channels."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from domain.casework import Rules
from domain.policy.channels.groups import AgeGroup, AreaKind, ContactGroup, PartOfWeek
from domain.policy.channels.order import ChannelOrder
from schemas.levels import Level
from schemas.people.residents import Language
from tests.domain import builders

HERE = ContactGroup(AgeGroup.FROM_60, Language.CHINESE, AreaKind.CITY, PartOfWeek.DAY)
"""The group of the builders' resident at noon."""


def row(group: ContactGroup, sms: tuple[int, int], call: tuple[int, int]) -> dict[str, object]:
    """Return a row of the table: the contacts of a group by SMS and by automated call, each as (tries, reached)."""
    counted = {"sms": sms, "robot_call": call}
    return {**group._asdict(), **{name: {"tries": n, "reached": k} for name, (n, k) in counted.items()}}


def channel_order(*rows: dict[str, object], **changes: object) -> ChannelOrder:
    """Return the table with these groups, for yellow and blue. `changes`: other values of its fields.

    An answered call is worth more than a delivered message, and the smallest share of cases keeps the plan's order.
    """
    fields: dict[str, object] = {
        "levels": [Level.YELLOW, Level.BLUE],
        "counted_from": date(2025, 12, 1),
        "counted_to": date(2026, 2, 28),
        "until": date(2026, 5, 31),
        "keeps": 0.05,
        "worth": {"sms": 0.3, "robot_call": 0.5},
        "groups": rows,
    }
    return ChannelOrder.model_validate(fields | changes)


def under(order: ChannelOrder | None, rules: Rules | None = None) -> Rules:
    """Jilin's rules with this table."""
    found = rules or builders.rules()
    return replace(found, policy=found.policy.model_copy(update={"channel_order": order}))


def every_group() -> Iterable[ContactGroup]:
    """All groups of residents and hours."""
    return (
        ContactGroup(age, language, place, part)
        for age in AgeGroup
        for language in Language
        for place in AreaKind
        for part in PartOfWeek
    )
