"""Which officer should go: on duty, allowed to, near, free, understood, and known to the resident."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from domain.divisions import current_code
from schemas.levels import Level
from schemas.residents import Language
from schemas.rosters import Officer, Role, Task, TaskState

CAPACITY = 3  # open visits; one more would make the first of them late. Assumed

# The reference names the four who visit; the design sends a grid worker for yellow. The rest is assumed.
ELIGIBLE: Mapping[Level, frozenset[Role]] = {
    Level.RED: frozenset({Role.OFFICER, Role.AUXILIARY}),
    Level.ORANGE: frozenset({Role.OFFICER, Role.AUXILIARY, Role.GRID_WORKER}),
    Level.YELLOW: frozenset({Role.AUXILIARY, Role.GRID_WORKER, Role.BUILDING_HEAD}),
    Level.BLUE: frozenset({Role.GRID_WORKER, Role.BUILDING_HEAD}),
}

# Steps of distance: the same street, county, prefecture, province. No coordinates are kept of anybody.
STREET, COUNTY, PREFECTURE, PROVINCE = 0, 1, 4, 12
NOT_UNDERSTOOD = 3  # an interpreter by telephone costs as much as some way
KNOWN = 1  # who was there before is worth one open visit


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit to be made. `never`: who refused it before, or let it become late."""

    level: Level
    division: str
    language: Language
    never: frozenset[str] = frozenset()
    last: str | None = None  # who saw this resident last
    to: str | None = None  # to whom a colleague handed it over


@dataclass(frozen=True, slots=True)
class Choice:
    """Who goes, and why this one."""

    officer: Officer
    because: str


def choose_officer(
    officers: Iterable[Officer], visit: Visit, now: datetime, load: Mapping[str, frozenset[str]]
) -> Choice | None:
    """The officer for whom the visit is least trouble; none when nobody on duty may and can take it.

    `load` are the open visits of each (see `load_of`). Of two alike the lower id goes, so that all workers agree.
    """
    able = [officer for officer in officers if may_go(officer, visit, now) and len(load.get(officer.id, ())) < CAPACITY]
    for officer in able:
        if officer.id == visit.to:
            return Choice(officer, "a colleague handed it over")
    bids = [(_bid(officer, visit, now.date(), len(load.get(officer.id, ()))), officer) for officer in able]
    if not bids:
        return None
    (_, because), officer = min(bids, key=lambda bid: (bid[0][0], bid[1].id))
    return Choice(officer, because)


def may_go(officer: Officer, visit: Visit, now: datetime) -> bool:
    """On duty, of a role that the level allows, and not one who has refused this visit or was late."""
    return on_duty(officer, now) and officer.role in ELIGIBLE[visit.level] and officer.id not in visit.never


def on_duty(officer: Officer, now: datetime) -> bool:
    """Whether a shift of his runs."""
    return any(shift.start <= now < shift.end for shift in officer.shifts)


def load_of(tasks: Iterable[Task]) -> dict[str, frozenset[str]]:
    """Each officer's open visits, each once however often it was written down. Its length: the units that are busy."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for task in tasks:
        if task.state is TaskState.OPEN and task.joins is None:
            found[task.officer].add(task.dispatch)
    return {officer: frozenset(visits) for officer, visits in found.items()}


def _bid(officer: Officer, visit: Visit, today: date, load: int) -> tuple[int, str]:
    """What sending him costs, and what speaks for and against him in words."""
    steps, where = distance(officer.division, visit.division, today)
    words = [where, f"{load} open visits" if load else "free"]
    cost = steps + load
    if visit.language not in officer.languages:
        cost, words = cost + NOT_UNDERSTOOD, [*words, "needs an interpreter"]
    if officer.id == visit.last:
        cost, words = cost - KNOWN, [*words, "was there before"]
    return cost, ", ".join(words)


def distance(one: str, other: str, today: date) -> tuple[int, str]:
    """Steps between two divisions, and in words. Old codes count as the ones that followed them."""
    here, there = (current_code(code, today) or code for code in (one, other))
    if len(here) == 9 and here == there:
        return STREET, "in the same street office"
    if here[:6] == there[:6]:
        return COUNTY, "in the same county"
    if here[:4] == there[:4]:
        return PREFECTURE, "in the same prefecture"
    return PROVINCE, "from elsewhere in the province"
