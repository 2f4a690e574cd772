"""A complaint's way: taken down, answered, decided; and its two clocks."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from schemas.people.complaints import Complaint, ComplaintKind, ComplaintState, Deed, Entry

# Assumed, until a centre says otherwise: both run on days off too.
FIRST_ANSWER = timedelta(hours=24)
DECISION = timedelta(days=7)

_STATES = {
    Deed.ANSWERED: ComplaintState.ANSWERED,
    Deed.UPHELD: ComplaintState.UPHELD,
    Deed.NOT_UPHELD: ComplaintState.NOT_UPHELD,
}
_FOLLOWS = {
    ComplaintKind.WARNED_WRONGLY: (Deed.FALSE_ALARM, Deed.NO_CALLS),
    ComplaintKind.TOO_OFTEN: (Deed.NO_CALLS,),
    ComplaintKind.DATA_WRONG: (Deed.DATA_REFERRED,),
    ComplaintKind.STOP_WRONG: (Deed.RELEASE_ASKED, Deed.FALSE_ALARM),
    ComplaintKind.OTHER: (Deed.NO_CALLS, Deed.DATA_REFERRED),
}


class EndedError(ValueError):
    """The complaint was decided: nothing but what follows from it may be done."""


class ChangedError(ValueError):
    """Somebody did something with it meanwhile: what was seen is older."""


def taken(
    name: str,
    entry: Entry,
    kind: ComplaintKind,
    text: str,
    area: str,
    *,
    resident: str | None = None,
    case: str | None = None,
) -> Complaint:
    """A new complaint; its clocks begin with the entry."""
    return Complaint(
        id=name,
        at=entry.at,
        by=entry.by,
        kind=kind,
        text=text,
        area=area,
        resident=resident,
        case=case,
        answer_due=entry.at + FIRST_ANSWER,
        end_due=entry.at + DECISION,
        entries=[entry],
    )


def done(complaint: Complaint, entry: Entry, seen: int, assigned: str | None = None) -> Complaint:
    """The complaint after one more thing was done; the same for an entry that it has already.

    `seen`: the version on the screen. Raises ChangedError when there is a newer one, EndedError when it was decided.
    What follows from it (a flag, a release) may be noted at any time.
    """
    if any(known.id == entry.id for known in complaint.entries):
        return complaint
    if complaint.version != seen:
        raise ChangedError(f"the complaint has changed since: version {complaint.version}, seen was {seen}")
    changes: dict[str, object] = {"entries": [*complaint.entries, entry]}
    if entry.did in (Deed.ASSIGNED, *_STATES) and complaint.ended:
        raise EndedError("the complaint was decided")
    if entry.did is Deed.ASSIGNED:
        changes["assigned"] = assigned
    changes["state"] = _STATES.get(entry.did, complaint.state)
    return complaint.model_copy(update=changes)


def follows(complaint: Complaint) -> list[Deed]:
    """What may be done about it, that was not done yet."""
    did = {entry.did for entry in complaint.entries}
    return [deed for deed in _FOLLOWS[complaint.kind] if deed not in did and _possible(complaint, deed)]


def due(complaint: Complaint) -> datetime | None:
    """By when something is owed next: the first answer, then the decision; none once it is decided."""
    if complaint.ended:
        return None
    return complaint.answer_due if complaint.state is ComplaintState.OPEN else complaint.end_due


def overdue(complaint: Complaint, now: datetime) -> bool:
    """Whether an answer or the decision is late."""
    owed = due(complaint)
    return owed is not None and owed <= now


def order(complaints: Iterable[Complaint]) -> list[Complaint]:
    """Those still open first, by what is owed soonest; then the decided ones, the latest first."""
    return sorted(complaints, key=_rank)


def _rank(complaint: Complaint) -> tuple[bool, float]:
    owed = due(complaint)
    return owed is None, owed.timestamp() if owed else -complaint.entries[-1].at.timestamp()


def _possible(complaint: Complaint, deed: Deed) -> bool:
    if deed in (Deed.FALSE_ALARM, Deed.RELEASE_ASKED):
        return complaint.case is not None
    return complaint.resident is not None
