"""How far two divisions lie apart, and how long the way takes. No coordinates are kept of anybody."""

from datetime import date, timedelta

from domain.identity.divisions import current_code
from domain.policy.visits import VisitRules

# Steps of distance: the same street, county, prefecture, province.
STREET, COUNTY, PREFECTURE, PROVINCE = 0, 1, 4, 12


def distance(one: str, other: str, today: date) -> tuple[int, str]:
    """Steps between two divisions, and in words. Old codes count as the ones that followed them."""
    here, there = current_code(one, today) or one, current_code(other, today) or other
    if len(here) == 9 and here == there:
        return STREET, "in the same street office"
    if here[:6] == there[:6]:
        return COUNTY, "in the same county"
    if here[:4] == there[:4]:
        return PREFECTURE, "in the same prefecture"
    return PROVINCE, "from elsewhere in the province"


def way(steps: int, rules: VisitRules) -> timedelta:
    """How long it takes to go so many steps."""
    ways = rules.way
    return {STREET: ways.street, COUNTY: ways.county, PREFECTURE: ways.prefecture, PROVINCE: ways.province}[steps]
