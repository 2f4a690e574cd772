"""Evidence as a set: the same id merges, the later state wins, and of each kind the freshest is kept.

So it is with the watchlist: of what is said of one suspect the greater stands.
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
FADED = 10  # half-lives, after which a thousandth of a member is left
_HOUR = 3_600_000  # milliseconds
_LATEST, _LONGEST = 10**13 - 1, 10**4 - 1  # what thirteen and four digits hold: the year 2286, a year of hours


def version(evidence: Evidence) -> str:
    """What state the evidence is in, as `VERSION_DIGITS` digits: of two with one id the greater wins.

    First the watchlist's entry it rests on (milliseconds, lifted), then the payment's state, then the call: longer,
    ended. Digits of fixed width, so that strings compare as the numbers do, in Redis too.
    """
    watched = int(evidence.watch_at.timestamp() * 1000) if evidence.watch_at else 0
    ended = not evidence.ongoing
    return f"{watched:014d}{evidence.withdrawn:d}{_STATES[evidence.state]}{evidence.seconds:05d}{ended:d}"


def precedence(entry: WatchEntry) -> str:
    """How an entry of the watchlist ranks, as `ORDER_DIGITS` digits: of two about one suspect the greater stands.

    A decision before a report, then the newer (milliseconds), then lifted.
    """
    decided, lifted = entry.standing is not WatchStatus.REPORTED, entry.standing is WatchStatus.LIFTED
    return f"{decided:d}{round(entry.at.timestamp() * 1000):014d}{lifted:d}"


def supersedes(new: Evidence, old: Evidence | None) -> bool:
    """Whether `new` takes the place of `old`; of equal states the first stays, and the other is a duplicate."""
    return old is None or version(new) > version(old)


def merged(known: Mapping[str, Evidence], more: Iterable[Evidence]) -> dict[str, Evidence]:
    """The union. Neither order nor repetition changes what it says (of equals, the first one's coordinates stay)."""
    union = dict(known)
    for evidence in more:
        if supersedes(evidence, union.get(evidence.id)):
            union[evidence.id] = evidence
    return union


def freshness(evidence: Evidence, rules: RiskRules) -> int:
    """When a plain member of its kind would have to end to be worth as much: milliseconds since 1970.

    Of two of one kind the fresher weighs more at every moment, since they fade alike: the later, unless the other is a
    long call. A later state is no less fresh. Of two kinds it does not tell which weighs more.
    """
    weight = rules.evidence[evidence.kind]
    ended = evidence.at.timestamp() + evidence.seconds
    if evidence.seconds >= rules.call.long.total_seconds():
        ended += weight.half_life.total_seconds() * math.log2(1 + rules.call.long_bits / weight.bits)
    return min(_LATEST, round(ended * 1000))


def lasting(kind: EvidenceKind, rules: RiskRules) -> int:
    """In how many hours a member fades away, so that it is not worth keeping: FADED half-lives."""
    return min(_LONGEST, math.ceil(FADED * rules.evidence[kind].half_life.total_seconds() / 3600))


def keeping(evidence: Evidence, rules: RiskRules) -> str:
    """By what it is kept or not, as `KEEPING_DIGITS` digits: how fresh it is, and in how many hours it fades."""
    return f"{freshness(evidence, rules):013d}{lasting(evidence.kind, rules):04d}"


def bounded(evidence: Mapping[str, Evidence], rules: RiskRules, now: datetime) -> dict[str, Evidence]:
    """What is kept: of each kind the `rules.bound` freshest, as far as they have not faded away by the freshest of all.

    Kind by kind, so that a hundred new payees leave room for the one who is a scammer. Bounding early or late leaves
    the same: in a kind only the least fresh go, and the freshest of all stays. What is said to be of tomorrow lets
    nothing of today fade (`now`). The twin of streams/state/lua/evidence.lua.
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
