"""Shifts of a station's people: what may not be, and each change of a roster as a new roster.

A change is refused for what it would make wrong, never for what was wrong before it: else nobody could mend it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.ids import short_hash
from schemas.errors import UserError
from schemas.people.rosters import Absence, Officer, OpenShift, Roster, Shift

# Assumed, here and nowhere else: the figures that Chinese police rosters are held to differ by province.
REST = timedelta(hours=11)  # between two shifts of one person; as the EU's directive 2003/88/EC, article 3, has it
LONGEST = timedelta(hours=24)  # a longer shift is a wrong date
KEPT = timedelta(days=60)  # shifts, absences and swaps that ended before are left out of what is written anew
MOST_SHIFTS = 400  # of one person, as the schema has it


class Wrong(StrEnum):
    """Why a change of a roster is refused."""

    NOT_FORWARD = "not_forward"
    TOO_LONG = "too_long"
    OVERLAP = "overlap"
    SHORT_REST = "short_rest"  # which a supervisor may let pass
    ABSENT = "absent"
    NOBODY = "nobody"  # no such person on the roster
    GONE = "gone"  # the shift, swap or absence is not there any more
    OVER = "over"  # it has ended, or begun
    TWICE = "twice"
    FULL = "full"


class RosterError(UserError, ValueError):
    """A change that cannot be made; `officer` and `shift`: whom and what it is about."""

    def __init__(self, wrong: Wrong, officer: str = "", shift: Shift | None = None) -> None:
        super().__init__(f"roster: {wrong} ({officer})")
        self.wrong, self.officer, self.shift = wrong, officer, shift


@dataclass(frozen=True, slots=True)
class Clash:
    """Something that should not stand on a roster, and with which of the person's shifts."""

    officer: str
    wrong: Wrong
    shift: Shift


def shift(start: datetime, end: datetime) -> Shift:
    """A new shift. Raises RosterError when it ends before it starts, or lasts too long."""
    if end <= start:
        raise RosterError(Wrong.NOT_FORWARD)
    if end - start > LONGEST:
        raise RosterError(Wrong.TOO_LONG)
    return Shift(start=start, end=end)


def clashes(roster: Roster) -> list[Clash]:
    """Overlaps, too little rest, and shifts in an absence."""
    found = []
    for officer in roster.officers:
        away = [absence for absence in roster.absences if absence.officer == officer.id]
        found += [Clash(officer.id, wrong, where) for wrong, where in _clashes(officer.shifts, away)]
    return found


def add(roster: Roster, officer: str, new: Shift, now: datetime, *, waived: bool = False) -> Roster:
    """One shift more. `waived`: though there is little rest. Raises RosterError."""
    if new.end <= now:
        raise RosterError(Wrong.OVER, officer, new)
    person = named(roster, officer)
    return accepted(roster, _with(roster, {officer: [*person.shifts, new]}), waived=waived)


def change(roster: Roster, officer: str, old: Shift, new: Shift, now: datetime, *, waived: bool = False) -> Roster:
    """A shift at other hours; one that is over stays as it was. Raises RosterError."""
    if old.end <= now or new.end <= now:
        raise RosterError(Wrong.OVER, officer, old)
    left = _without(named(roster, officer), old)
    return accepted(roster, _with(roster, {officer: [*left, new]}), waived=waived)


def end(roster: Roster, officer: str, old: Shift, now: datetime) -> Roster:
    """A shift that runs ends now, one that is still to come is taken out. Raises RosterError."""
    left = _without(named(roster, officer), old)
    if old.end <= now:
        raise RosterError(Wrong.OVER, officer, old)
    ran = [Shift(start=old.start, end=now)] if old.start < now else []
    return _with(roster, {officer: [*left, *ran]})


def absent(roster: Roster, absence: Absence, now: datetime) -> Roster:
    """Somebody is away: what he would have worked in that time is open, the rest of a shift stays his.

    Raises RosterError.
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
    """An absence is taken back: what nobody has taken over is his again. Raises RosterError."""
    absence = next((each for each in roster.absences if each.id == absence_id), None)
    if absence is None:
        raise RosterError(Wrong.GONE)
    person = named(roster, absence.officer)
    again = [each.shift for each in roster.open_shifts if each.absence == absence_id]
    after = _with(roster, {person.id: list(_joined([*person.shifts, *again]))}).model_copy(
        update={
            "absences": [each for each in roster.absences if each.id != absence_id],
            "open_shifts": [each for each in roster.open_shifts if each.absence != absence_id],
        }
    )
    return accepted(roster, after, waived=True)


def take(roster: Roster, open_id: str, officer: str, now: datetime, *, waived: bool = False) -> Roster:
    """Somebody takes an open shift over. Raises RosterError."""
    found = opened(roster, open_id)
    return add(drop(roster, open_id), officer, found.shift, now, waived=waived)


def drop(roster: Roster, open_id: str) -> Roster:
    """An open shift that nobody shall take. Raises RosterError."""
    opened(roster, open_id)
    return roster.model_copy(update={"open_shifts": [each for each in roster.open_shifts if each.id != open_id]})


def candidates(roster: Roster, wanted: OpenShift, now: datetime) -> list[Officer]:
    """Who could take an open shift: on the roster, not away nor on another shift, and rested before and after it."""
    return [officer for officer in roster.officers if _could(roster, wanted, officer.id, now)]


def exchanged(roster: Roster, gives: tuple[str, Shift], other: str, back_for: Shift | None) -> Roster:
    """The roster when `other` takes the shift, and gives `back_for` in return; nothing is judged.

    Raises RosterError when one of them has no such shift (any more), or is not there.
    """
    asker, given = gives
    mine, theirs = _without(named(roster, asker), given), list(named(roster, other).shifts)
    if back_for:
        theirs = _without(named(roster, other), back_for)
        mine.append(back_for)
    return _with(roster, {asker: mine, other: [*theirs, given]})


def without(roster: Roster, officer: str) -> Roster:
    """Somebody is taken off the roster, with his shifts, absences and swaps. Raises RosterError."""
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
    """The roster that follows. Raises RosterError for what is wrong in it and was not before."""
    known = set(clashes(before))
    for clash in clashes(after):
        if clash not in known and not (waived and clash.wrong is Wrong.SHORT_REST):
            raise RosterError(clash.wrong, clash.officer, clash.shift)
    full = next((officer.id for officer in after.officers if len(officer.shifts) > MOST_SHIFTS), None)
    if full is not None:
        raise RosterError(Wrong.FULL, full)
    return after


def pruned(roster: Roster, now: datetime) -> Roster:
    """Without what is long over: a roster does not grow for good."""
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
    """The person of this id. Raises RosterError when he is not on the roster."""
    found = next((each for each in roster.officers if each.id == officer), None)
    if found is None:
        raise RosterError(Wrong.NOBODY, officer)
    return found


def opened(roster: Roster, open_id: str) -> OpenShift:
    """The open shift of this id. Raises RosterError when somebody has it by now."""
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
    """What is wrong with one person's shifts, by start."""
    longest: Shift | None = None  # of those before, the one that ends last
    for one in sorted(shifts, key=lambda each: (each.start, each.end)):
        if longest and one.start < longest.end:
            yield Wrong.OVERLAP, one
        elif longest and one.start - longest.end < REST:
            yield Wrong.SHORT_REST, one
        if any(one.start < absence.end and absence.start < one.end for absence in away):
            yield Wrong.ABSENT, one
        longest = one if longest is None or one.end > longest.end else longest


def _with(roster: Roster, shifts: dict[str, list[Shift]]) -> Roster:
    """The roster with these people's shifts, by start; all others as they are."""
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
    """What is left of a shift before and after an absence."""
    if _inside(old, absence) is None:
        yield old
        return
    if old.start < absence.start:
        yield Shift(start=old.start, end=absence.start)
    if absence.end < old.end:
        yield Shift(start=absence.end, end=old.end)


def _joined(shifts: Iterable[Shift]) -> Iterator[Shift]:
    """Shifts that follow one another without a pause as one: an absence had cut them."""
    held: Shift | None = None
    for one in sorted(shifts, key=lambda each: each.start):
        if held and held.end == one.start:
            held = Shift(start=held.start, end=one.end)
            continue
        if held:
            yield held
        held = one
    if held:
        yield held
