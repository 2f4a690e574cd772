"""Evidence as a set: the same id merges, the later state wins, and what is kept is bounded by a fixed order.

So it is with the watchlist: of what is said of one suspect the greater stands.
"""

import math
from collections.abc import Iterable, Mapping

from domain.policy.risk import RiskRules
from schemas.evidence import Evidence, Standing, WatchEntry
from schemas.signals import TransferState

_STATES = {None: 0, TransferState.ATTEMPTED: 1, TransferState.PENDING: 2, TransferState.SETTLED: 3}
VERSION_DIGITS = 22
ORDER_DIGITS = 16


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
    decided, lifted = entry.standing is not Standing.REPORTED, entry.standing is Standing.LIFTED
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


def rank(evidence: Evidence, rules: RiskRules) -> float:
    """A fixed order: log2 of the weight plus time in half-lives. It does not change as time goes by.

    Of two that fade alike the one that ranks higher weighs more at every moment.
    """
    weight = rules.evidence[evidence.kind]
    return math.log2(weight.bits) + evidence.at.timestamp() / weight.half_life.total_seconds()


def bounded(evidence: Mapping[str, Evidence], rules: RiskRules) -> dict[str, Evidence]:
    """The `rules.bound` greatest by rank, then id: bounding early or late leaves the same."""
    if len(evidence) <= rules.bound:
        return dict(evidence)
    order = sorted(evidence.values(), key=lambda member: (rank(member, rules), member.id), reverse=True)
    return {member.id: member for member in order[: rules.bound]}
