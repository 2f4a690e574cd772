"""Revealing residents' data: which reasons are sufficient, how many reveals an hour allows, and which a second person
reviews.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from domain.ids import short_hash
from schemas.administration.audit import AuditEntry
from schemas.people.staff import StaffRole

LEAST_REASON = 4  # characters: two words in Chinese
LEAST_DIFFERENT = 3  # of its letters: aaaa and 核实核实 say nothing
WINDOW = timedelta(hours=1)
SAMPLE = 10  # reveals of a day that are reviewed in an area
REVEALING = frozenset({"look-unmask", "look-export", "look-recording"})  # of the audit; of exports only of one case
ROLES = frozenset(
    {StaffRole.OPERATOR, StaffRole.OFFICER, StaffRole.SUPERVISOR, StaffRole.RELEASE_DESK, StaffRole.AUDITOR}
)
"""The roles that may reveal data."""


class Quota(NamedTuple):
    """The most residents whose data a person may reveal within an hour.

    `usual`: the limit for all reveals except those for red cases that the person has claimed. `red`: the limit for all
    reveals together, at least `usual`.
    """

    usual: int
    red: int


class Revealed(NamedTuple):
    """A reveal of one resident's data. `red`: True if it was a red case of the person's own."""

    at: datetime
    red: bool


def quotas(text: str) -> Mapping[StaffRole, Quota]:
    """Return each role's quota of reveals per hour, from the text of a setting such as `operator=20/60,officer=10/30`
    (usual limit/limit with red cases).

    Raises ValueError if a part is invalid or a role that may reveal data has no quota.
    """
    found = dict(_quota(part.strip()) for part in text.split(","))
    if missing := ROLES - found.keys():
        raise ValueError(f"no quota for {min(missing)}")
    return found


def _quota(part: str) -> tuple[StaffRole, Quota]:
    name, _, limits = part.partition("=")
    usual, _, red = limits.partition("/")
    if name not in ROLES or not usual.isdecimal() or not red.isdecimal() or not 0 < int(usual) <= int(red):
        raise ValueError(f"{part!r}: write role=20/60, the second figure not below the first")
    return StaffRole(name), Quota(int(usual), int(red))


def is_sufficient_reason(reason: str) -> bool:
    """Return True if a stated reason is long enough: at least 4 characters (blanks around it not counted), with at
    least 3 different letters or digits.
    """
    return len(reason.strip()) >= LEAST_REASON and len({each for each in reason if each.isalnum()}) >= LEAST_DIFFERENT


def free_again(before: Sequence[Revealed], red: bool, quota: Quota, now: datetime) -> datetime | None:
    """Return the time from which a person may reveal one more resident's data, or None if they may now.

    `before`: the person's earlier reveals, of other residents; those of the hour before `now` count. `red`: True for a
    red case that the person has claimed, which counts only towards the higher limit (`quota.red`); any other counts
    towards both.
    """
    recent = sorted(each for each in before if each.at > now - WINDOW)
    usual = [] if red else [each.at for each in recent if not each.red]
    waits = [_freed([each.at for each in recent], quota.red), _freed(usual, quota.usual)]
    return max((each for each in waits if each), default=None)


def _freed(times: Sequence[datetime], limit: int) -> datetime | None:
    """Return when fewer than `limit` of the times, the oldest first, are within WINDOW; None if it is so now."""
    return times[len(times) - limit] + WINDOW if len(times) >= limit else None


def is_reveal(entry: AuditEntry) -> bool:
    """Return True if an audit entry is about one resident's revealed data: the data was shown, or one case was
    exported. False for all other acts, also for an export of many cases.
    """
    return entry.act in REVEALING and "-" in entry.on


def reveal_id(entry: AuditEntry) -> str:
    """Return the id of a reveal in the audit, a hash of its time, person and subject. A review names the reveal by this
    id.
    """
    return short_hash("reveal", entry.at.isoformat(), entry.by, entry.on)


def sample(entries: Iterable[AuditEntry]) -> list[AuditEntry]:
    """Return up to 10 reveals for a review: first one of each person, then a second of each, and so on.

    `entries`: the reveals of a day. The same entries give the same sample; nobody can choose what is reviewed.
    """
    by_person = defaultdict[str, list[AuditEntry]](list)
    for entry in sorted(entries, key=reveal_id):
        by_person[entry.by].append(entry)
    ranked = [(turn, reveal_id(each), each) for mine in by_person.values() for turn, each in enumerate(mine)]
    return [each for _, _, each in sorted(ranked, key=lambda each: each[:2])[:SAMPLE]]
