"""Shifts of a station's people: finds conflicts, and makes each change of a roster as a new roster.

A change is refused only for new conflicts, not for existing ones: otherwise nobody could repair them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.ids import short_hash
from schemas.errors import UserError
from schemas.people.rosters import Absence, Officer, OpenShift, Roster, Shift

# Assumed, only here: the limits for Chinese police rosters differ by province.
REST = timedelta(hours=11)  # between two shifts of one person, as in EU directive 2003/88/EC, article 3
LONGEST = timedelta(hours=24)  # a longer shift is a wrong date
KEPT = timedelta(days=60)  # age after which ended shifts, absences and swaps are dropped when a roster is rewritten
MOST_SHIFTS = 400  # of one person, as in the schema


class Wrong(StrEnum):
    """The reason why a change of a roster is refused.

    NOT_FORWARD: the shift does not end after it starts. TOO_LONG: it lasts over 24 hours. OVERLAP: with another shift.
    SHORT_REST: under 11 hours between two shifts, which a supervisor may waive. ABSENT: during an absence. NOBODY: no
    such person on the roster. GONE: the shift (also an open one), swap or absence no longer exists. OVER: it has ended
    or begun. TWICE: it is in an open request. FULL: over 400 shifts.
    """

    NOT_FORWARD = "not_forward"
    TOO_LONG = "too_long"
    OVERLAP = "overlap"
    SHORT_REST = "short_rest"
    ABSENT = "absent"
    NOBODY = "nobody"
    GONE = "gone"
    OVER = "over"
    TWICE = "twice"
    FULL = "full"


class RosterError(UserError, ValueError):
    """A change of a roster is refused. `wrong`: the reason.

    `officer`: the person concerned, or "". `shift`: the shift concerned, or None.
    """

    def __init__(self, wrong: Wrong, officer: str = "", shift: Shift | None = None) -> None:
        super().__init__(f"roster: {wrong} ({officer})")
        self.wrong, self.officer, self.shift = wrong, officer, shift


@dataclass(frozen=True, slots=True)
class Clash:
    """A conflict on a roster. `officer`: the person's id. `wrong`: the kind of conflict. `shift`: the shift
    concerned.
    """

    officer: str
    wrong: Wrong
    shift: Shift


def shift(start: datetime, end: datetime) -> Shift:
    """Return a new shift.

    Raises RosterError if it does not end after it starts or lasts over 24 hours, and ValidationError if a time is not
    within 2000 to 2099.
    """
    if end <= start:
        raise RosterError(Wrong.NOT_FORWARD)
    if end - start > LONGEST:
        raise RosterError(Wrong.TOO_LONG)
    return Shift(start=start, end=end)


def clashes(roster: Roster) -> list[Clash]:
    """Return the conflicts of a roster, person by person, in its order; empty if there are none.

    Conflicts are overlapping shifts, less than 11 hours of rest, and shifts during an absence.
    """
    found = []
    for officer in roster.officers:
        away = [absence for absence in roster.absences if absence.officer == officer.id]
        found += [Clash(officer.id, wrong, where) for wrong, where in _clashes(officer.shifts, away)]
    return found


def add(roster: Roster, officer: str, new: Shift, now: datetime, *, waived: bool = False) -> Roster:
    """Return a copy of the roster with one more shift of `officer` (an id). `waived`: True to accept less than 11 hours
    of rest.

    Raises RosterError if the shift is over, if the person is not on the roster, or for a conflict: an overlap, less
    than 11 hours of rest, an absence, or over 400 shifts.
    """
    if new.end <= now:
        raise RosterError(Wrong.OVER, officer, new)
    person = named(roster, officer)
    return accepted(roster, _with(roster, {officer: [*person.shifts, new]}), waived=waived)


def change(roster: Roster, officer: str, old: Shift, new: Shift, now: datetime, *, waived: bool = False) -> Roster:
    """Return a copy of the roster with the shift `old` of `officer` (an id) moved to the hours of `new`. `waived`: True
    to accept less than 11 hours of rest.

    Raises RosterError if either is over, if the person or the old shift is not on the roster, or for a new conflict.
    """
    if old.end <= now or new.end <= now:
        raise RosterError(Wrong.OVER, officer, old)
    left = _without(named(roster, officer), old)
    return accepted(roster, _with(roster, {officer: [*left, new]}), waived=waived)


def end(roster: Roster, officer: str, old: Shift, now: datetime) -> Roster:
    """Return a copy of the roster with a running shift ended at `now`, or a future one removed. `officer`: an id.

    Raises RosterError if the shift is over, or if the shift or the person is not on the roster.
    """
    left = _without(named(roster, officer), old)
    if old.end <= now:
        raise RosterError(Wrong.OVER, officer, old)
    ran = [Shift(start=old.start, end=now)] if old.start < now else []
    return _with(roster, {officer: [*left, *ran]})


def absent(roster: Roster, absence: Absence, now: datetime) -> Roster:
    """Return a copy of the roster with an absence added. The person loses the parts of their shifts within it; those
    parts that are not over at `now` become open shifts. Parts outside it stay.

    Raises RosterError if the person is not on the roster.
    """
    person = named(roster, absence.officer)
    kept = [part for old in person.shifts for part in _outside(old, absence)]
    freed = [_inside(old, absence) for old in person.shifts]
    new = [
        OpenShift(id=short_hash(absence.id, part.start.isoformat()), shift=part, officer=person.id, absence=absence.id)
        for part in freed
        if part and part.end > now
    ]
    return _with(roster, {person.id: kept}).model_copy(
        update={"absences": [*roster.absences, absence], "open_shifts": [*roster.open_shifts, *new]}
    )


def back(roster: Roster, absence_id: str) -> Roster:
    """Return a copy of the roster without an absence: its open shifts that nobody took return to the person, also those
    that are over, and are joined to the parts from which the absence cut them (to 24 hours at most).

    Parts that were over when the absence was added do not return, nor do open shifts that were removed since. Raises
    RosterError if the absence no longer exists, if the person is not on the roster, if they have over 400 shifts, or
    for a new conflict other than too little rest.
    """
    absence = next((each for each in roster.absences if each.id == absence_id), None)
    if absence is None:
        raise RosterError(Wrong.GONE)
    person = named(roster, absence.officer)
    again = [each.shift for each in roster.open_shifts if each.absence == absence_id]
    after = _with(roster, {person.id: list(_joined([*person.shifts, *again], again, absence))}).model_copy(
        update={
            "absences": [each for each in roster.absences if each.id != absence_id],
            "open_shifts": [each for each in roster.open_shifts if each.absence != absence_id],
        }
    )
    return accepted(roster, after, waived=True)


def take(roster: Roster, open_id: str, officer: str, now: datetime, *, waived: bool = False) -> Roster:
    """Return a copy of the roster with an open shift taken over by `officer` (an id). `waived`: True to accept less
    than 11 hours of rest.

    Raises RosterError if the open shift no longer exists or is over, if the officer is not on the roster, or for a
    conflict.
    """
    found = open_shift(roster, open_id)
    return add(drop(roster, open_id), officer, found.shift, now, waived=waived)


def drop(roster: Roster, open_id: str) -> Roster:
    """Return a copy of the roster without an open shift. Raises RosterError if the open shift was taken or no longer
    exists.
    """
    open_shift(roster, open_id)
    return roster.model_copy(update={"open_shifts": [each for each in roster.open_shifts if each.id != open_id]})


def candidates(roster: Roster, wanted: OpenShift, now: datetime) -> list[Officer]:
    """Return the people who could take an open shift, in the roster's order: those who are not absent, not on another
    shift, rested before and after it, and have under 400 shifts. Empty if the shift is over or no longer
    exists.
    """
    return [officer for officer in roster.officers if _could(roster, wanted, officer.id, now)]


def exchanged(roster: Roster, gives: tuple[str, Shift], other: str, back_for: Shift | None) -> Roster:
    """Return a copy of the roster in which `other` (an id) has taken a shift from another person. `gives`: that
    person's id, and the shift. Conflicts are not checked.

    `back_for`: the shift that `other` gives in return, or None. Raises RosterError if a person is not on the roster or
    does not have the shift.
    """
    asker, given = gives
    mine, theirs = _without(named(roster, asker), given), list(named(roster, other).shifts)
    if back_for:
        theirs = _without(named(roster, other), back_for)
        mine.append(back_for)
    return _with(roster, {asker: mine, other: [*theirs, given]})


def without(roster: Roster, officer: str) -> Roster:
    """Return a copy of the roster without a person (an id) and their shifts, absences, swaps and calendar feeds. Open
    shifts that the absences made stay: others may still take them.

    Raises RosterError if the person is not on the roster.
    """
    named(roster, officer)
    return roster.model_copy(
        update={
            "officers": [each for each in roster.officers if each.id != officer],
            "absences": [each for each in roster.absences if each.officer != officer],
            "swaps": [each for each in roster.swaps if officer not in (each.asker, each.other)],
            "feeds": [each for each in roster.feeds if each.officer != officer],
        }
    )


def accepted(before: Roster, after: Roster, *, waived: bool = False) -> Roster:
    """Return `after`, unchanged, if it has no conflicts that `before` lacks. `waived`: True to accept less than 11
    hours of rest.

    Raises RosterError for the first new conflict, or if a person has over 400 shifts.
    """
    known = set(clashes(before))
    for clash in clashes(after):
        if clash not in known and not (waived and clash.wrong is Wrong.SHORT_REST):
            raise RosterError(clash.wrong, clash.officer, clash.shift)
    full = next((officer.id for officer in after.officers if len(officer.shifts) > MOST_SHIFTS), None)
    if full is not None:
        raise RosterError(Wrong.FULL, full)
    return after


def pruned(roster: Roster, now: datetime) -> Roster:
    """Return a copy of the roster without outdated entries: open shifts that are over; shifts and absences that ended
    over 60 days ago; and swaps that were asked for over 60 days ago.
    """
    oldest = now - KEPT
    fresh = _with(roster, {each.id: [one for one in each.shifts if one.end > oldest] for each in roster.officers})
    return fresh.model_copy(
        update={
            "absences": [each for each in roster.absences if each.end > oldest],
            "open_shifts": [each for each in roster.open_shifts if each.shift.end > now],
            "swaps": [each for each in roster.swaps if each.at > oldest],
        }
    )


def named(roster: Roster, officer: str) -> Officer:
    """Return the person with this id. Raises RosterError if the person is not on the roster."""
    found = next((each for each in roster.officers if each.id == officer), None)
    if found is None:
        raise RosterError(Wrong.NOBODY, officer)
    return found


def open_shift(roster: Roster, open_id: str) -> OpenShift:
    """Return the open shift with this id. Raises RosterError if it was taken or no longer exists."""
    found = next((each for each in roster.open_shifts if each.id == open_id), None)
    if found is None:
        raise RosterError(Wrong.GONE)
    return found


def _could(roster: Roster, wanted: OpenShift, officer: str, now: datetime) -> bool:
    alone = roster.model_copy(update={"officers": [named(roster, officer)]})
    try:
        take(alone, wanted.id, officer, now)
    except RosterError:
        return False
    return True


def _clashes(shifts: Sequence[Shift], away: Sequence[Absence]) -> Iterator[tuple[Wrong, Shift]]:
    """Yield the conflicts of one person's shifts, by start."""
    longest: Shift | None = None  # the earlier shift that ends last
    for one in sorted(shifts, key=lambda each: (each.start, each.end)):
        if longest and one.start < longest.end:
            yield Wrong.OVERLAP, one
        elif longest and one.start - longest.end < REST:
            yield Wrong.SHORT_REST, one
        if any(one.start < absence.end and absence.start < one.end for absence in away):
            yield Wrong.ABSENT, one
        longest = one if longest is None or one.end > longest.end else longest


def _with(roster: Roster, shifts: dict[str, list[Shift]]) -> Roster:
    """Return the roster with these people's shifts replaced, sorted by start."""
    officers = [
        officer.model_copy(update={"shifts": sorted(shifts[officer.id], key=lambda each: each.start)})
        if officer.id in shifts
        else officer
        for officer in roster.officers
    ]
    return roster.model_copy(update={"officers": officers})


def _without(officer: Officer, old: Shift) -> list[Shift]:
    left = list(officer.shifts)
    if old not in left:
        raise RosterError(Wrong.GONE, officer.id, old)
    left.remove(old)
    return left


def _inside(old: Shift, absence: Absence) -> Shift | None:
    start, finish = max(old.start, absence.start), min(old.end, absence.end)
    return Shift(start=start, end=finish) if start < finish else None


def _outside(old: Shift, absence: Absence) -> Iterator[Shift]:
    """Yield the parts of a shift before and after an absence."""
    if _inside(old, absence) is None:
        yield old
        return
    if old.start < absence.start:
        yield Shift(start=old.start, end=absence.start)
    if absence.end < old.end:
        yield Shift(start=absence.end, end=old.end)


def _joined(shifts: Iterable[Shift], again: Sequence[Shift], absence: Absence) -> Iterator[Shift]:
    """Yield the shifts by start, with a part that returns (`again`) joined to what the absence cut it from."""
    cuts = (absence.start, absence.end)
    held: Shift | None = None
    for one in sorted(shifts, key=lambda each: each.start):
        cut = held and held.end == one.start in cuts and (held in again or one in again or held.end == absence.end)
        if held and cut and one.end - held.start <= LONGEST:
            held = Shift(start=held.start, end=one.end)
            continue
        if held:
            yield held
        held = one
    if held:
        yield held
