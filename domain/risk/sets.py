"""Evidence as a set: equal ids merge, the later state wins, and only the freshest evidence of each kind is kept.

Watchlist entries about one suspect are ordered in the same way: the greatest one counts.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from domain.policy.risk import RiskRules
from schemas.risk.evidence import Evidence, EvidenceKind, WatchEntry, WatchStatus
from schemas.risk.signals import TransferState

_STATES = {None: 0, TransferState.ATTEMPTED: 1, TransferState.PENDING: 2, TransferState.SETTLED: 3}
VERSION_DIGITS = 22
KEEPING_DIGITS = 17
ORDER_DIGITS = 16
FADED = 10  # half-lives after which a thousandth of a member's weight is left
_HOUR = 3_600_000  # milliseconds
_LATEST, _LONGEST = 10**13 - 1, 10**4 - 1  # the largest numbers of 13 and 4 digits: ms up to 2286, over a year of hours


def version(evidence: Evidence) -> str:
    """Return the state of a piece of evidence as 22 digits: of two pieces with the same id, the one with the greater
    number replaces the other.

    The number orders by the time of the watchlist entry (ms), then withdrawn after not withdrawn, then the payment's
    state, then the call: longer after shorter, then ended after ongoing. The width is fixed, so strings compare as
    numbers, in Redis too.
    """
    watched = int(evidence.watch_at.timestamp() * 1000) if evidence.watch_at else 0
    ended = not evidence.ongoing
    return f"{watched:014d}{evidence.withdrawn:d}{_STATES[evidence.state]}{evidence.seconds:05d}{ended:d}"


def precedence(entry: WatchEntry) -> str:
    """Return the rank of a watchlist entry as 16 digits: of two entries about one suspect, the one with the greater
    text counts.

    A confirmed, lifted or rated entry ranks above a report, then the newer entry (ms) above the older, then a lift
    above others.
    """
    decided, lifted = entry.standing is not WatchStatus.REPORTED, entry.standing is WatchStatus.LIFTED
    return f"{decided:d}{round(entry.at.timestamp() * 1000):014d}{lifted:d}"


def supersedes(new: Evidence, old: Evidence | None) -> bool:
    """Return True if `new` replaces `old` (None: no evidence of this id is known), because its state is later
    (`version`).

    If both states are equal, `old` stays, and `new` is a duplicate.
    """
    return old is None or version(new) > version(old)


def merged(known: Mapping[str, Evidence], more: Iterable[Evidence]) -> dict[str, Evidence]:
    """Return the union of `known` and `more`, by id, with the latest state of each piece of evidence.

    If two states are equal, the known one stays, with its topic, partition and offset.
    """
    union = dict(known)
    for evidence in more:
        if supersedes(evidence, union.get(evidence.id)):
            union[evidence.id] = evidence
    return union


def freshness(evidence: Evidence, rules: RiskRules) -> int:
    """Return a number (ms since 1970) by which evidence of one kind can be compared: the greater weighs more at every
    moment.

    The number is the time at which the evidence ended. For a long call it is later: the time at which a short call
    would have to end to weigh as much. Evidence of different kinds cannot be compared by it.
    """
    weight = rules.evidence[evidence.kind]
    ended = evidence.at.timestamp() + evidence.seconds
    if evidence.seconds >= rules.call.long.total_seconds():
        ended += weight.half_life.total_seconds() * math.log2(1 + rules.call.long_bits / weight.bits)
    return min(_LATEST, round(ended * 1000))


def lasting(kind: EvidenceKind, rules: RiskRules) -> int:
    """Return the number of hours after which evidence of this kind has faded so far that it is no longer kept: 10
    half-lives, rounded up, at most 9,999.
    """
    return min(_LONGEST, math.ceil(FADED * rules.evidence[kind].half_life.total_seconds() / 3600))


def keeping(evidence: Evidence, rules: RiskRules) -> str:
    """Return a text of 17 digits that orders evidence of one kind by how long it is worth keeping, so that the store
    keeps the greatest: `freshness` (13 digits, ms), then `lasting` (4 digits, hours).
    """
    return f"{freshness(evidence, rules):013d}{lasting(evidence.kind, rules):04d}"


def bounded(evidence: Mapping[str, Evidence], rules: RiskRules, now: datetime) -> dict[str, Evidence]:
    """Return the evidence to keep: of each kind, at most `rules.bound` pieces, and as many withdrawn ones: the freshest
    that have not faded.

    A piece has faded if it is older by `lasting` than the freshest of all, or than `now` if that is earlier. The limit
    is by kind, so that a hundred new payees do not displace the one scammer. Bounding earlier or later gives the same
    result. Must equal streams/state/lua/evidence.lua.
    """
    fresh = {name: freshness(member, rules) for name, member in evidence.items()}
    newest = min(max(fresh.values(), default=0), round(now.timestamp() * 1000))
    kept = {
        name: member for name, member in evidence.items() if fresh[name] + lasting(member.kind, rules) * _HOUR >= newest
    }
    if len(kept) <= rules.bound:
        return kept
    by_kind: defaultdict[tuple[EvidenceKind, bool], list[str]] = defaultdict(list)
    for name in sorted(kept, key=lambda name: (fresh[name], name), reverse=True):
        by_kind[kept[name].kind, kept[name].withdrawn].append(name)
    freshest = {name for names in by_kind.values() for name in names[: rules.bound]}
    return {name: member for name, member in kept.items() if name in freshest}
