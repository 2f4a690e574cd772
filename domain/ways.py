"""How far two divisions lie apart, and how long the way takes. No coordinates are kept of anybody."""

from datetime import date, timedelta
from functools import lru_cache

from domain.divisions import current_code
from domain.policy.visits import VisitRules

# Steps of distance: the same street, county, prefecture, province.
STREET, COUNTY, PREFECTURE, PROVINCE = 0, 1, 4, 12
_OF = {STREET: "street", COUNTY: "county", PREFECTURE: "prefecture", PROVINCE: "province"}


def distance(one: str, other: str, today: date) -> tuple[int, str]:
    """Steps between two divisions, and in words. Old codes count as the ones that followed them."""
    here, there = _current(one, today), _current(other, today)
    if len(here) == 9 and here == there:
        return STREET, "in the same street office"
    if here[:6] == there[:6]:
        return COUNTY, "in the same county"
    if here[:4] == there[:4]:
        return PREFECTURE, "in the same prefecture"
    return PROVINCE, "from elsewhere in the province"


def way(steps: int, rules: VisitRules) -> timedelta:
    """How long it takes to go so many steps."""
    found: timedelta = getattr(rules.way, _OF[steps])
    return found


@lru_cache(maxsize=65_536)  # a visit asks for the way of everybody on duty; of pairs there are too many to keep
def _current(code: str, today: date) -> str:
    return current_code(code, today) or code
