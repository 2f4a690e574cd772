"""How late deadlines fired: from when a step fell due, and was known to, until its input was there or not needed."""

from collections.abc import Iterator
from dataclasses import dataclass

from domain.casework import deadlines
from schemas.casework.events import CaseEvent
from streams.state.keys import milliseconds, moment
from tests.tools.chaos.faults.base import OWNED_SECONDS
from tests.tools.chaos.judging.books import Books
from tests.tools.chaos.judging.seen import Arrived

Name = tuple[str, str, int]
"""Case, step, and when it falls due in ms of the province's time."""


@dataclass(slots=True)
class Standing:
    """A deadline as the journal tells of it; seconds since 1970."""

    known: float
    until: float


@dataclass(frozen=True, slots=True)
class Acted:
    """When a deadline fell due, and was known to, and when it was acted on; seconds since 1970."""

    name: Name
    due: float
    at: float
    fired: bool  # else it was not needed any more
    stalled: float  # seconds for which the whole machine stood still meanwhile, or the servers waited for a processor
    slower: float  # seconds by which the machine's pace made the second longer in which it has to be acted on

    @property
    def late(self) -> float:
        return max(0.0, self.at - self.due - self.stalled)


def late(books: Books) -> Iterator[str]:
    """A second while the partition has an owner; over a fault what its kind allows.

    To that is added what was measured of the machine meanwhile: by how much its pace makes a second longer, and for
    how long it stood still or let the servers wait for a processor.
    """
    for each in acted(books):
        excused = max([each.due + OWNED_SECONDS, *_excuses(books, each.due, each.at)])
        over = each.at - excused - each.stalled - each.slower
        if over > 0:
            how = "fired" if each.fired else "had not fired"
            yield (
                f"{each.name[0]} {each.name[1]}: {how} {each.at - each.due:.2f} s after it was due, "
                f"{over:.2f} s more than is allowed"
            )


def acted(books: Books) -> Iterator[Acted]:
    """Every deadline that fell due. Once the workers were told to stop nobody has to fire it."""
    fired: dict[Name, float] = {}
    for each in books.seen.deadlines:
        fired.setdefault((each.what.case, each.what.step, milliseconds(each.what.due)), each.at)
    for name, standing in _standing(books).items():
        due = max(standing.known, books.wall(moment(name[2])))
        at = min(fired.get(name, standing.until), standing.until, books.ended)
        if at >= due:
            slower = (books.pace.around(due, at) - 1) * OWNED_SECONDS
            stalled = max(_stalled(books, due, at), books.pace.waited(due, at))
            yield Acted(name, due, at, name in fired, stalled, slower)


def recoveries(books: Books) -> dict[str, float]:
    """By kind: the longest from when a fault was over to when what fell due over it was acted on, in seconds.

    Where several faults held something up, it counts for the one that was over last.
    """
    found: dict[str, float] = {}
    struck = [window for window in books.windows if window.struck]
    for each in acted(books):
        over = [w for w in struck if w.began <= each.at and each.due <= w.ended + w.tolerance]
        if over:
            last = max(over, key=lambda window: window.ended)
            seconds = each.at - max(each.due, last.ended)
            found[last.kind] = max(seconds, found.get(last.kind, 0.0))
    return found


def _standing(books: Books) -> dict[Name, Standing]:
    """Each deadline there was, with the time for which it stood."""
    found: dict[Name, Standing] = {}
    stood: dict[str, set[Name]] = {}  # by case
    for each in _in_order(books):
        case = each.what.case
        now = {(case.id, step, milliseconds(due)) for step, due in deadlines(case).items()}
        for name in stood.get(case.id, set()) - now:
            found[name].until = each.at
        for name in now - stood.get(case.id, set()):
            found.setdefault(name, Standing(each.at, books.ended))
        stood[case.id] = now
    return found


def _in_order(books: Books) -> list[Arrived[CaseEvent]]:
    first: dict[str, Arrived[CaseEvent]] = {}
    for each in books.seen.events:
        first.setdefault(each.what.id, each)
    return sorted(first.values(), key=lambda each: (each.what.case.id, each.what.case.version))


def _excuses(books: Books, due: float, acted: float) -> Iterator[float]:
    for window in books.windows:
        if window.began <= acted and due <= window.ended + window.tolerance:
            yield window.ended + window.tolerance


def _stalled(books: Books, since: float, until: float) -> float:
    return sum(max(0.0, min(until, ended) - max(since, began)) for began, ended in books.stalls)
