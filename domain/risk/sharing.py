"""Decides which confirmed suspects are shared with other centres, and when they are withdrawn again.

A source says with whom a suspect may be shared when it confirms it (`tlp`). Unmarked suspects stay here, and so do
those marked for this organisation only or for named recipients. What another centre marked is its own, and is not
passed on.
"""

from schemas.risk.evidence import WatchEntry, WatchStatus
from schemas.risk.sharing import SharedSuspect, Tlp

LEVELS = (Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER)
"""The levels that may leave the organisation, the widest first: TLP 2.0 keeps amber+strict within it."""

_STRICTER = tuple(Tlp)  # all levels, the widest first


def shareable(tlp: Tlp | None) -> bool:
    """Return True if a suspect with this mark may be shared with other centres: TLP clear, green or amber. False for
    stricter marks and without a mark (None).
    """
    return tlp in LEVELS


def may_receive(tlp: Tlp, highest: Tlp) -> bool:
    """Return True if a recipient who is trusted up to the level `highest` may receive what is marked `tlp`. False if
    either is stricter than amber, because such data never leaves the organisation.
    """
    return tlp in LEVELS and highest in LEVELS and LEVELS.index(tlp) <= LEVELS.index(highest)


def carried(entry: WatchEntry, before: WatchEntry | None) -> WatchEntry:
    """Return a copy of a new watchlist entry with the sharing marks that it inherits from the entry that it replaces
    (`before`; None: there is none). A rating is returned unchanged.

    A confirmation keeps the marks of the confirmations before it, so that a second source does not withdraw what the
    first one shared. Each source may replace only its own mark; of several marks, the strictest counts. Any other
    entry, such as a lift, drops the marks of `before`. `shared_since` and `shared_as` last as long as the suspect is
    shared, and stay in the entry that ends the sharing: so those who received the suspect can be told of its end.
    """
    if entry.standing is WatchStatus.RATED:
        return entry
    confirmed = before is not None and before.standing is WatchStatus.CONFIRMED
    both = confirmed and entry.standing is WatchStatus.CONFIRMED
    marks = dict(before.marks) if before is not None and both else {}
    if entry.tlp is not None:
        marks[entry.uid.partition(":")[0]] = entry.tlp
    tlp = max(marks.values(), key=_STRICTER.index, default=None)
    since, widest = (before.shared_since, before.shared_as) if before is not None else (None, None)
    if shareable(tlp):
        runs = before is not None and confirmed and shareable(before.tlp)
        since, widest = (since, _widest(widest, tlp)) if runs else (entry.at, tlp)
    return entry.model_copy(update={"tlp": tlp, "marks": marks, "shared_since": since, "shared_as": widest})


def shared(entry: WatchEntry, number: str) -> SharedSuspect | None:
    """Return the suspect as it is shared with other centres; None if it is not shared and never was. It is marked as
    revoked if it was shared before and is so no longer.

    `entry`: its watchlist entry in force. `number`: the telephone, account number or link, which the entry itself does
    not have.
    """
    if entry.shared_since is None or entry.shared_as is None:
        return None
    stands = entry.tlp if entry.standing is WatchStatus.CONFIRMED and entry.tlp in LEVELS else None
    return SharedSuspect(
        id=entry.subject,
        suspect=number,
        since=entry.shared_since,
        at=entry.at,
        scam_type=entry.scam_type,
        tlp=stands or entry.shared_as,
        revoked=stands is None,
    )


def _widest(one: Tlp | None, other: Tlp | None) -> Tlp | None:
    return min((each for each in (one, other) if each in LEVELS), key=LEVELS.index, default=None)
