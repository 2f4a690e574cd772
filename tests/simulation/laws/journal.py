"""Laws of the journal: one story of each case, and the one that the inputs tell."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from pydantic import BaseModel

from schemas.casework.events import CaseEvent, FactKind, RulesEvent
from tests.simulation.laws.known import Arrived, Known, known
from tests.simulation.laws.observed import Observed

Fields = tuple[str, ...]

OF_EVENT: Fields = ("id", "input", "input_kind", "partition", "offset", "at", "case", "facts", "dispatches")
OF_STANDING: Fields = ("input", "partition", "offset", "at", "policy", "holds", "anew")


def no_fork(observed: Observed) -> Iterator[str]:
    """Each case has one event of each version, from 1 on, and each is the one that the inputs give."""
    here = known(observed)
    yield from _entries_as_decided(here)
    for case, story in sorted(here.stories.items()):
        by_version: defaultdict[int, list[Arrived[CaseEvent]]] = defaultdict(list)
        for each in story:
            by_version[each.what.case.version].append(each)
        for version, told in sorted(by_version.items()):
            if len(told) > 1:
                places = " and ".join(f"{each.what.id} at {each.place}, of input {each.what.input}" for each in told)
                yield f"case {case} has {len(told)} events of version {version}: {places}"
        missing = sorted(set(range(1, max(by_version) + 1)) - set(by_version))
        if missing:
            yield f"case {case} reaches version {max(by_version)} in the journal, but has no event of {_list(missing)}"


def _entries_as_decided(here: Known) -> Iterator[str]:
    for each in here.journal:
        entry = each.what
        if isinstance(entry, CaseEvent):
            expected: BaseModel | None = here.events.get(entry.id)
            fields = OF_EVENT
            name = f"event {entry.id} of case {entry.case.id} (version {entry.case.version})"
        else:
            expected = None if entry.anew else here.standing.get((each.partition, entry.input))
            fields = OF_STANDING
            name = f"the entry on the rules of input {entry.input}"
        if expected is None:
            yield f"{name} is at {each.place}, but no input leads to it (it names case-inputs/{_from(entry)})"
        elif different := [field for field in fields if getattr(expected, field) != getattr(entry, field)]:
            yield f"{name} at {each.place} differs from what case-inputs/{_from(entry)} gives: {_list(different)}"


def _from(entry: CaseEvent | RulesEvent) -> str:
    return f"{entry.partition}/{entry.offset}"


def _list(parts: list[int] | list[str]) -> str:
    return ", ".join(map(str, parts))


def level_only_rises(observed: Observed) -> Iterator[str]:
    """A case's level falls only when somebody lowered it by name and with a reason, or the case was reopened."""
    for case, story in sorted(known(observed).stories.items()):
        for before, after in pairwise(story):
            was, now = before.what.case.level, after.what.case.level
            if now.rank < was.rank and not any(_may_lower(after.what)):
                yield (
                    f"case {case} fell from {was.value} to {now.value} in version {after.what.case.version} "
                    f"({after.place}, input {after.what.input}), and nobody lowered it by name"
                )


def _may_lower(event: CaseEvent) -> Iterator[bool]:
    for fact in event.facts:
        yield fact.kind is FactKind.REOPENED or (fact.kind is FactKind.LEVEL_LOWERED and fact.by is not None)


def one_open_case(observed: Observed) -> Iterator[str]:
    """A resident's next case is opened when the one before is closed."""
    stories = known(observed).stories
    by_resident: defaultdict[str, list[list[Arrived[CaseEvent]]]] = defaultdict(list)
    for story in stories.values():
        by_resident[story[0].what.case.resident].append(story)
    for resident, cases in sorted(by_resident.items()):
        cases.sort(key=lambda story: story[0].what.case.number)
        for before, after in pairwise(cases):
            opening = after[0]
            stood = [each for each in before if _in_order(each) < _in_order(opening)]
            if stood and stood[-1].what.case.open:
                yield (
                    f"resident {resident} has two open cases: {opening.what.case.id} was opened by input "
                    f"case-inputs/{_from(opening.what)} while {before[0].what.case.id} was open"
                )


def _in_order(each: Arrived[CaseEvent]) -> int:
    return each.what.offset
