"""Swaps of shifts: one person asks, another accepts, a supervisor approves; the roster's shifts change only then."""

from datetime import datetime, timedelta

from domain.visits.rostering import RosterError, Wrong, accepted, exchanged, named
from schemas.people.rosters import Officer, Roster, Shift, Swap, SwapState

NEAR = timedelta(days=14)  # the greatest distance between two exchanged shifts
OPEN = (SwapState.ASKED, SwapState.ACCEPTED)


def ask(roster: Roster, swap: Swap, now: datetime) -> Roster:
    """Return a copy of the roster with a swap request added, for another shift in return (`swap.wanted`) or for
    nothing.

    Raises RosterError if a shift has begun or does not exist, if the asker has an open request for the same shift, if a
    person is not on the roster or asks themselves, or if the exchange would cause a conflict, too little rest included.
    """
    for given in (swap.shift, swap.wanted):
        if given and given.start <= now:
            raise RosterError(Wrong.OVER, swap.asker, given)
    if swap.asker == swap.other:
        raise RosterError(Wrong.NOBODY, swap.other)
    if any(each.state in OPEN and each.shift == swap.shift and each.asker == swap.asker for each in roster.swaps):
        raise RosterError(Wrong.TWICE, swap.asker, swap.shift)
    _exchange(roster, swap, waived=False)
    return roster.model_copy(update={"swaps": [*roster.swaps, swap]})


def accept(roster: Roster, swap_id: str, officer: str, now: datetime) -> Roster:
    """Return a copy of the roster with the swap accepted by `officer` (an id), the person asked. Shifts do not change
    before a supervisor approves.

    Raises RosterError if the swap does not wait for this answer, if another person was asked, or if a shift has begun.
    """
    swap = _open(roster, swap_id, SwapState.ASKED)
    if swap.other != officer:
        raise RosterError(Wrong.GONE)
    _refuse_begun(swap, officer, now)
    return _put(roster, swap, SwapState.ACCEPTED, officer)


def decline(roster: Roster, swap_id: str, officer: str) -> Roster:
    """Return a copy of the roster with the swap refused, if `officer` (an id) is the person asked, or withdrawn, if
    they are the asker.

    Raises RosterError for any other person, and if the swap is not open.
    """
    swap = _open(roster, swap_id, *OPEN)
    if officer == swap.asker:
        return _put(roster, swap, SwapState.WITHDRAWN, officer)
    if officer == swap.other:
        return _put(roster, swap, SwapState.REFUSED, officer)
    raise RosterError(Wrong.GONE)


def approve(roster: Roster, swap_id: str, by: str, now: datetime, *, waived: bool = False) -> Roster:
    """Return a copy of the roster with a swap approved by a supervisor (`by`) and the shifts exchanged.

    `waived`: True to accept less than 11 hours of rest. Raises RosterError if the swap is not accepted, if a shift has
    begun or does not exist, or for a conflict.
    """
    swap = _open(roster, swap_id, SwapState.ACCEPTED)
    _refuse_begun(swap, swap.asker, now)
    return _put(_exchange(roster, swap, waived=waived), swap, SwapState.APPROVED, by)


def _refuse_begun(swap: Swap, officer: str, now: datetime) -> None:
    """Raise RosterError if the shift, or the one that is given in return, has begun."""
    for shift in (swap.shift, swap.wanted):
        if shift is not None and shift.start <= now:
            raise RosterError(Wrong.OVER, officer, shift)


def refuse(roster: Roster, swap_id: str, by: str) -> Roster:
    """Return a copy of the roster with a swap refused by a supervisor (`by`). Raises RosterError if the swap is not
    open (asked or accepted).
    """
    return _put(roster, _open(roster, swap_id, *OPEN), SwapState.REFUSED, by)


def could_take(roster: Roster, asker: str, shift: Shift, now: datetime) -> list[tuple[Officer, Shift | None]]:
    """Return (person, shift in return) for each way in which `asker` (an id) could give a shift away without a
    conflict, in the roster's order; None: for nothing in return.

    The shift in return starts in the future, within 14 days of the other, and at other hours. Raises RosterError if
    `asker` is not on the roster.
    """
    named(roster, asker)
    others = [officer for officer in roster.officers if officer.id != asker]
    offers: list[tuple[Officer, Shift | None]] = []
    for officer in others:
        coming = [each for each in officer.shifts if each.start > now and each != shift and _near(each, shift)]
        offers += [(officer, back) for back in (None, *coming) if _possible(roster, asker, shift, officer.id, back)]
    return offers


def _near(one: Shift, other: Shift) -> bool:
    return abs(one.start - other.start) <= NEAR


def _possible(roster: Roster, asker: str, shift: Shift, other: str, back: Shift | None) -> bool:
    pair = roster.model_copy(update={"officers": [named(roster, asker), named(roster, other)]})
    try:
        accepted(pair, exchanged(pair, (asker, shift), other, back))
    except RosterError:
        return False
    return True


def _exchange(roster: Roster, swap: Swap, *, waived: bool) -> Roster:
    after = exchanged(roster, (swap.asker, swap.shift), swap.other, swap.wanted)
    return accepted(roster, after, waived=waived)


def _open(roster: Roster, swap_id: str, *states: SwapState) -> Swap:
    found = next((each for each in roster.swaps if each.id == swap_id and each.state in states), None)
    if found is None:
        raise RosterError(Wrong.GONE)
    return found


def _put(roster: Roster, swap: Swap, state: SwapState, by: str) -> Roster:
    changed = swap.model_copy(update={"state": state, "by": by})
    return roster.model_copy(update={"swaps": [changed if each.id == swap.id else each for each in roster.swaps]})
