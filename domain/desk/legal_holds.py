"""Orders to keep a person's data: each beginning and each early end needs two persons; nothing is erased meanwhile."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from schemas.people.legal_holds import LegalHold, LegalHoldDeed, LegalHoldEntry, LegalHoldState
from schemas.people.residents import ResidentId

LONGEST = timedelta(days=731)  # our choice: longer needs a new document, so that none is forgotten

_STEPS: Mapping[LegalHoldDeed, tuple[LegalHoldState, LegalHoldState] | None] = {
    LegalHoldDeed.ENTERED: None,
    LegalHoldDeed.CONFIRMED: (LegalHoldState.ASKED, LegalHoldState.IN_FORCE),
    LegalHoldDeed.DROPPED: (LegalHoldState.ASKED, LegalHoldState.DROPPED),
    LegalHoldDeed.LIFT_ASKED: (LegalHoldState.IN_FORCE, LegalHoldState.LIFTING),
    LegalHoldDeed.LIFT_REFUSED: (LegalHoldState.LIFTING, LegalHoldState.IN_FORCE),
    LegalHoldDeed.LIFTED: (LegalHoldState.LIFTING, LegalHoldState.LIFTED),
}
"""The state that each act needs, and the state after it. None: the act begins an order."""

_BY_ANOTHER = frozenset({LegalHoldDeed.CONFIRMED, LegalHoldDeed.LIFTED})
_PROTECTS = frozenset({LegalHoldState.IN_FORCE, LegalHoldState.LIFTING})
_OVER = frozenset({LegalHoldState.LIFTED, LegalHoldState.DROPPED})


class LegalHoldBar(StrEnum):
    """Why an act on an order is refused. CHANGED: the order is not in the state that the page showed, or has ended;
    SAME_PERSON: whoever asked may not agree too.
    """

    CHANGED = "changed"
    SAME_PERSON = "same_person"


class LegalHoldError(ValueError):
    """An act on an order is refused; nothing was changed. `bar`: the reason."""

    def __init__(self, bar: LegalHoldBar) -> None:
        super().__init__(bar.value)
        self.bar = bar


def after_deed(hold: LegalHold, entry: LegalHoldEntry, now: datetime) -> LegalHold:
    """Return a copy of the order after one more act; the order unchanged if it has an entry with this id.

    Beginning and lifting need two persons: whoever made the latest entry, by which they entered the order or asked to
    lift it, may not confirm it. Raises LegalHoldError if the act does not fit the state (CHANGED), the order has
    reached its end (CHANGED), or the person may not do it (SAME_PERSON).
    """
    if any(known.id == entry.id for known in hold.entries):
        return hold
    after = _state_after(hold, entry.did, entry.by, now)
    if isinstance(after, LegalHoldBar):
        raise LegalHoldError(after)
    return hold.model_copy(update={"state": after, "entries": [*hold.entries, entry]})


def deeds_open(hold: LegalHold, by: str, now: datetime) -> list[LegalHoldDeed]:
    """Return the acts that the person with the login `by` may do on the order at `now`, in the order of LegalHoldDeed;
    empty if there are none, such as after its end.
    """
    return [deed for deed in LegalHoldDeed if isinstance(_state_after(hold, deed, by, now), LegalHoldState)]


def _state_after(hold: LegalHold, deed: LegalHoldDeed, by: str, now: datetime) -> LegalHoldState | LegalHoldBar:
    """Return the order's state after an act of the login `by`, or why it is refused."""
    step = _STEPS[deed]
    if step is None or hold.state is not step[0] or hold.until <= now:
        return LegalHoldBar.CHANGED
    return LegalHoldBar.SAME_PERSON if deed in _BY_ANOTHER and hold.entries[-1].by == by else step[1]


def protects(hold: LegalHold, now: datetime) -> bool:
    """Return True if the order forbids erasing the resident's data at `now`: it is in force or being lifted, and has
    not reached its end.
    """
    return hold.state in _PROTECTS and now < hold.until


def hold_ended(hold: LegalHold, now: datetime) -> bool:
    """Return True if the order has no effect and cannot get one: it was lifted or dropped, or `now` is its end or
    later.
    """
    return hold.state in _OVER or hold.until <= now


def protected(holds: Iterable[LegalHold], residents: Iterable[ResidentId], now: datetime) -> LegalHold | None:
    """Return the order that forbids erasing data of one of the residents at `now`; of several, the one that ends last.
    None if no order does.
    """
    asked = set(residents)
    found = [each for each in holds if each.resident in asked and protects(each, now)]
    return max(found, key=lambda each: (each.until, each.id), default=None)
