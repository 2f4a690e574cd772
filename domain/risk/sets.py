"""Evidence as a set: equal ids merge, the later state wins, and only the freshest members of each kind are kept.

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
    """Return the state of evidence as 22 digits: of two with one id, the greater wins.

    First the time of its watchlist entry (ms, then lifted), then the payment's state, then the call: longer, then
    ended. The width is fixed, so that strings compare as numbers, in Redis too.
    """
    watched = int(evidence.watch_at.timestamp() * 1000) if evidence.watch_at else 0
    ended = not evidence.ongoing
    return f"{watched:014d}{evidence.withdrawn:d}{_STATES[evidence.state]}{evidence.seconds:05d}{ended:d}"


def precedence(entry: WatchEntry) -> str:
    """Return a watchlist entry's rank as 16 digits: of two about one suspect, the greater counts.

    A decision ranks above a report, then the newer (ms), then a lift.
    """
    decided, lifted = entry.standing is not WatchStatus.REPORTED, entry.standing is WatchStatus.LIFTED
    return f"{decided:d}{round(entry.at.timestamp() * 1000):014d}{lifted:d}"


def supersedes(new: Evidence, old: Evidence | None) -> bool:
    """Return whether `new` replaces `old`. Of equal states the first stays, and the other is a duplicate."""
    return old is None or version(new) > version(old)


def merged(known: Mapping[str, Evidence], more: Iterable[Evidence]) -> dict[str, Evidence]:
    """Return the union of `known` and `more` by id, with the latest state of each. Of equal states, the first one's
    coordinates stay.
    """
    union = dict(known)
    for evidence in more:
        if supersedes(evidence, union.get(evidence.id)):
            union[evidence.id] = evidence
    return union


def freshness(evidence: Evidence, rules: RiskRules) -> int:
    """Return the time, in ms since 1970, at which a plain member of its kind would have to end to weigh as much.

    Of two members of one kind, the fresher weighs more at every moment, because they fade alike: the later one, unless
    the other is a long call. A later state is no less fresh. Members of different kinds cannot be compared by it.
    """
    weight = rules.evidence[evidence.kind]
    ended = evidence.at.timestamp() + evidence.seconds
    if evidence.seconds >= rules.call.long.total_seconds():
        ended += weight.half_life.total_seconds() * math.log2(1 + rules.call.long_bits / weight.bits)
    return min(_LATEST, round(ended * 1000))


def lasting(kind: EvidenceKind, rules: RiskRules) -> int:
    """Return in how many hours (10 half-lives, rounded up, at most 9,999) a member of this kind fades until it is not
    worth keeping.
    """
    return min(_LONGEST, math.ceil(FADED * rules.evidence[kind].half_life.total_seconds() / 3600))


def keeping(evidence: Evidence, rules: RiskRules) -> str:
    """Return the sort key for keeping evidence, as 17 digits: its freshness (ms), and the hours until it has faded."""
    return f"{freshness(evidence, rules):013d}{lasting(evidence.kind, rules):04d}"


def bounded(evidence: Mapping[str, Evidence], rules: RiskRules, now: datetime) -> dict[str, Evidence]:
    """Return the evidence to keep: of each kind the `rules.bound` freshest that have not faded.

    Fading is measured against the freshest of all. By kind, so that a hundred new payees leave room for the one
    scammer. Bounding earlier or later gives the same result, because only the least fresh of a kind go. Evidence dated
    after `now` does not make other evidence fade. Must equal streams/state/lua/evidence.lua.
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
