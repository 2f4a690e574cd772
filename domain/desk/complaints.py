"""Complaints: recorded, answered, decided, with a deadline for the answer and one for the decision."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from schemas.base import Partial
from schemas.people.complaints import Complaint, ComplaintKind, ComplaintState, Deed, Entry

# Assumed, until a centre decides otherwise. Both run on days off too.
FIRST_ANSWER = timedelta(hours=24)
DECISION = timedelta(days=7)

_STATES = Partial(
    {
        Deed.ANSWERED: ComplaintState.ANSWERED,
        Deed.UPHELD: ComplaintState.UPHELD,
        Deed.NOT_UPHELD: ComplaintState.NOT_UPHELD,
    }
)
_FOLLOWS = {
    ComplaintKind.WARNED_WRONGLY: (Deed.FALSE_ALARM, Deed.NO_CALLS),
    ComplaintKind.TOO_OFTEN: (Deed.NO_CALLS,),
    ComplaintKind.DATA_WRONG: (Deed.DATA_REFERRED,),
    ComplaintKind.STOP_WRONG: (Deed.RELEASE_ASKED, Deed.FALSE_ALARM),
    ComplaintKind.OTHER: (Deed.NO_CALLS, Deed.DATA_REFERRED),
}


class EndedError(ValueError):
    """The complaint is decided: it can no longer be assigned, answered or decided. Consequences can still
    be recorded.
    """


class ChangedError(ValueError):
    """The complaint has changed since it was displayed: its version is not the one that was seen. Nothing was changed
    now.
    """


def new_complaint(
    name: str,
    entry: Entry,
    kind: ComplaintKind,
    text: str,
    area: str,
    *,
    resident: str | None = None,
    holders: Sequence[str] = (),
    case: str | None = None,
) -> Complaint:
    """Return a new complaint with the id `name`. Its answer is due 24 hours after the entry, its decision 7 days after.

    `entry`: its first entry, by the person who recorded it; `area`: the first digits of a division's code, only people
    of that area see the complaint; `resident`, `case`: the ids of those that it is about, or None; `holders`: of
    the residents among whom somebody has to choose. Raises ValidationError if a field is invalid.
    """
    return Complaint(
        id=name,
        at=entry.at,
        by=entry.by,
        kind=kind,
        text=text,
        area=area,
        resident=resident,
        holders=list(holders),
        case=case,
        answer_due=entry.at + FIRST_ANSWER,
        end_due=entry.at + DECISION,
        entries=[entry],
    )


def with_entry(complaint: Complaint, entry: Entry, seen: int, assigned: str | None = None) -> Complaint:
    """Return a copy of the complaint with one more entry, and the state that follows from it; the complaint unchanged
    if it has an entry with this id.

    `seen`: the displayed version. `assigned`: the login that an entry ASSIGNED names; None: nobody. Raises ChangedError
    if `seen` is not the current version, and EndedError if the complaint is decided and the entry assigns, answers or
    decides it. Other entries are consequences (a flag, a release), which may be recorded after the decision too and
    leave the state as it is.
    """
    if any(known.id == entry.id for known in complaint.entries):
        return complaint
    if complaint.version != seen:
        raise ChangedError(f"the complaint has changed since: version {complaint.version}, seen was {seen}")
    changes: dict[str, object] = {"entries": [*complaint.entries, entry]}
    if (entry.did is Deed.ASSIGNED or entry.did in _STATES) and complaint.ended:
        raise EndedError("the complaint was decided")
    if entry.did is Deed.ASSIGNED:
        changes["assigned"] = assigned
    changes["state"] = _STATES.get(entry.did, complaint.state)
    return complaint.model_copy(update=changes)


def open_consequences(complaint: Complaint) -> list[Deed]:
    """Return the consequences that may still be recorded for the complaint: those of its kind that are possible with
    its case or resident and not recorded yet, in a fixed order for each kind.
    """
    did = {entry.did for entry in complaint.entries}
    return [deed for deed in _FOLLOWS[complaint.kind] if deed not in did and _possible(complaint, deed)]


def next_due(complaint: Complaint) -> datetime | None:
    """Return the time by which the complaint must be answered, or, once it is answered, decided; None once it is
    decided.
    """
    if complaint.ended:
        return None
    return complaint.answer_due if complaint.state is ComplaintState.OPEN else complaint.end_due


def overdue(complaint: Complaint, now: datetime) -> bool:
    """Return True if the complaint's answer or decision is due at `now` or before; False once it is decided."""
    owed = next_due(complaint)
    return owed is not None and owed <= now


def sorted_complaints(complaints: Iterable[Complaint]) -> list[Complaint]:
    """Return the complaints sorted: the open ones by due time, the earliest first; then the decided ones, the one with
    the latest entry first.
    """
    return sorted(complaints, key=_rank)


def _rank(complaint: Complaint) -> tuple[bool, float]:
    owed = next_due(complaint)
    return owed is None, owed.timestamp() if owed else -complaint.entries[-1].at.timestamp()


def _possible(complaint: Complaint, deed: Deed) -> bool:
    if deed in (Deed.FALSE_ALARM, Deed.RELEASE_ASKED):
        return complaint.case is not None
    return complaint.resident is not None or bool(complaint.holders)
