"""The weight of evidence at a moment, in bits of log-odds."""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.policy.risk import RiskRules, Together
from schemas.casework.cases import Profile
from schemas.risk.evidence import Evidence, EvidenceKind, PriorLoss
from schemas.risk.signals import TransferState

_PAYEES = (EvidenceKind.SUSPECT_PAYEE, EvidenceKind.REPORTED_PAYEE)
_CALLS = (
    EvidenceKind.CALL_OVERSEAS,
    EvidenceKind.CALL_GOIP,
    EvidenceKind.CALL_SPOOFED,
    EvidenceKind.SUSPECT_CALLER,
    EvidenceKind.RATED_CALLER,
)


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything on which a risk depends at the moment `now`. `members`: the evidence, each piece once, the oldest
    first, without withdrawn ones.

    `settled`: when the resident's last case was settled, or None; evidence that was known by then counts with only a
    fraction of its weight (`rules.residual`). `lost`: the resident's latest loss, or None.
    """

    members: tuple[Evidence, ...]
    profile: Profile
    rules: RiskRules
    now: datetime
    settled: datetime | None
    lost: PriorLoss | None = None


def evidence_bits(scene: Scene) -> float:
    """Return the total weight of the evidence in bits of log-odds: the sums of the groups, plus the combination rules.

    Two pieces of evidence from one signal count once within a group.
    """
    by_group: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for member in scene.members:
        group = by_group[scene.rules.evidence[member.kind].group]
        signal = member.id.rpartition("~")[0]  # two pieces of evidence from one signal count once
        group[signal] = max(group.get(signal, 0.0), bits(member, scene))
    grouped = math.fsum(_group_bits(group, worth.values(), scene.rules) for group, worth in by_group.items())
    return grouped + math.fsum(fused_bits(rule, scene) for rule in scene.rules.together)


def _group_bits(group: str, worth: Iterable[float], rules: RiskRules) -> float:
    strongest, *others = sorted(worth, reverse=True)
    rule = rules.groups[group]
    return strongest + min(rule.cap, rule.repeat * math.fsum(others))


def bits(member: Evidence, scene: Scene) -> float:
    """Return the weight of one piece of evidence at the scene's moment, in bits of log-odds, faded by its age: the
    weight of its kind, plus the weight of its details, such as a long call.

    Evidence that vendors' verdicts give counts only its share. Groups and combinations of evidence are not applied
    here.
    """
    return _share(member) * (scene.rules.evidence[member.kind].bits + _extra(member, scene)) * fade(member, scene)


def _share(member: Evidence) -> float:
    return 1.0 if member.share is None else member.share


def _extra(member: Evidence, scene: Scene) -> float:
    call, money = scene.rules.call, scene.rules.money
    if member.kind in _CALLS:
        long = call.long_bits if _lasted(member, scene) >= call.long else 0.0
        return long + (call.ongoing_bits if live(member, scene) else 0.0)
    if member.kind in _PAYEES and member.state is not TransferState.SETTLED:
        return money.moving_bits
    if member.kind is EvidenceKind.NEW_PAYEE and member.balance_fen:
        return money.share_bits * min(1.0, (member.amount_fen or 0) / member.balance_fen)
    return 0.0


def fade(member: Evidence, scene: Scene) -> float:
    """Return the remaining fraction (0 to 1) of a piece's weight: 1 when fresh, halved with each half-life since its
    end.

    If the piece was known before the last case was settled, the fraction is multiplied by `rules.residual` (0 to 1).
    """
    age = max(timedelta(0), scene.now - end(member, scene))
    before = scene.settled is not None and _known_since(member) <= scene.settled
    residual = scene.rules.residual if before else 1.0
    return float(residual * 0.5 ** (age / scene.rules.evidence[member.kind].half_life))


def _known_since(member: Evidence) -> datetime:
    """Return when it could first be known: not before its payee was confirmed or reported."""
    return max(member.at, member.watch_at or member.at)


def live(member: Evidence, scene: Scene) -> bool:
    """Return True if the evidence is a call that is still going on at the scene's moment: no end was reported, and it
    has not lasted longer than the policy's `most`, or than its known duration if that is longer.
    """
    most = max(scene.rules.call.most, timedelta(seconds=member.seconds))
    return member.ongoing and scene.now < member.at + most


def _lasted(member: Evidence, scene: Scene) -> timedelta:
    known = timedelta(seconds=member.seconds)
    return max(known, min(scene.now - member.at, scene.rules.call.most)) if member.ongoing else known


def end(member: Evidence, scene: Scene) -> datetime:
    """Return the time at which the evidence ended: its time plus its duration, which is 0 for anything but a call. For
    a call that still goes on, this is the scene's moment (`scene.now`), at most the policy's longest duration after its
    start.
    """
    return member.at + _lasted(member, scene)


def fused_bits(rule: Together, scene: Scene) -> float:
    """Return the bits that a rule for two kinds of evidence together adds: the rule's bits times the remaining fraction
    (0 to 1) of the strongest pair of evidence that matches it; 0 if no pair matches. What vendors' verdicts give counts
    only its share here too: a pair is no surer than its weaker piece.
    """
    first = [member for member in scene.members if member.kind in rule.first]
    second = [member for member in scene.members if member.kind in rule.second]
    fades = [
        min(_share(one) * fade(one, scene), _share(other) * fade(other, scene))
        for one in first
        for other in second
        if one.at <= other.at <= end(one, scene) + rule.within
    ]
    return rule.bits * max(fades, default=0.0)
