"""The weight of evidence at a moment, in bits of log-odds."""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.policy.risk import RiskRules, Together
from schemas.casework.cases import Profile
from schemas.risk.evidence import Evidence, EvidenceKind
from schemas.risk.signals import TransferState

_PAYEES = (EvidenceKind.SUSPECT_PAYEE, EvidenceKind.REPORTED_PAYEE)
_CALLS = (
    EvidenceKind.CALL_OVERSEAS,
    EvidenceKind.CALL_GOIP,
    EvidenceKind.CALL_SPOOFED,
    EvidenceKind.SUSPECT_CALLER,
)


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that a risk depends on. `members`: each once, the oldest first, none withdrawn.

    `settled`: when the last case was settled, or None: evidence known by then counts at the residual only.
    """

    members: tuple[Evidence, ...]
    profile: Profile
    rules: RiskRules
    now: datetime
    settled: datetime | None


def evidence_bits(scene: Scene) -> float:
    """Return the total weight of all evidence in bits: the sums of the groups, plus the combination rules."""
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
    """Return the weight of one piece of evidence at the scene's moment, in bits: its kind's and what its details add,
    faded by its age; before it is counted with others.
    """
    return (scene.rules.evidence[member.kind].bits + _extra(member, scene)) * fade(member, scene)


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
    """Return the remaining fraction (0 to 1) of a member's weight: 1 when fresh, halved with each half-life since its
    end; times the policy's residual if it was known before the last case was settled.
    """
    age = max(timedelta(0), scene.now - end(member, scene))
    before = scene.settled is not None and _known_since(member) <= scene.settled
    residual = scene.rules.residual if before else 1.0
    return float(residual * 0.5 ** (age / scene.rules.evidence[member.kind].half_life))


def _known_since(member: Evidence) -> datetime:
    """Return when it could first be known: not before its payee was confirmed or reported."""
    return max(member.at, member.watch_at or member.at)


def live(member: Evidence, scene: Scene) -> bool:
    """Return whether a call is still going on: no end is reported, and it began less than the policy's `most` ago."""
    most = max(scene.rules.call.most, timedelta(seconds=member.seconds))
    return member.ongoing and scene.now < member.at + most


def _lasted(member: Evidence, scene: Scene) -> timedelta:
    known = timedelta(seconds=member.seconds)
    return max(known, min(scene.now - member.at, scene.rules.call.most)) if member.ongoing else known


def end(member: Evidence, scene: Scene) -> datetime:
    """Return when it ended, or now while a call goes on (a call's `at` is its start)."""
    return member.at + _lasted(member, scene)


def fused_bits(rule: Together, scene: Scene) -> float:
    """Return the bits that a combination rule adds, by its freshest matching pair; 0 without one."""
    first = [member for member in scene.members if member.kind in rule.first]
    second = [member for member in scene.members if member.kind in rule.second]
    fades = [
        min(fade(one, scene), fade(other, scene))
        for one in first
        for other in second
        if one.at <= other.at <= end(one, scene) + rule.within
    ]
    return rule.bits * max(fades, default=0.0)
