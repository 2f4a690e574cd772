"""Estimates the most likely scam type from the types' shares, the evidence's hints and the at-risk groups."""

import math

from domain.calendar import local_date
from domain.risk.weigh import Scene, fade
from schemas.risk.evidence import EvidenceKind

NAMED_BITS = 8.0  # a type named by the watchlist is 256 times as likely as any other


def likeliest(scene: Scene) -> str:
    """Return the name of the scam type that fits the evidence and the resident best; of several equal ones, the first
    by name.
    """
    ratios = _ratios(scene)
    likely = {scam: bits + math.log2(ratios[scam]) for scam, bits in _hinted(scene).items()}
    return max(sorted(likely), key=lambda scam: likely[scam])


def profile_bits(scene: Scene) -> float:
    """Return how much the resident's profile changes the log-odds, in bits, limited to ± the policy's `profile_bits`.

    Positive: such residents fall victim to the scams at which the evidence hints more often than the average.
    """
    ratios = _ratios(scene)
    odds = {scam: 2**bits for scam, bits in _hinted(scene).items()}
    ratio = math.fsum(share * ratios[scam] for scam, share in odds.items()) / math.fsum(odds.values())
    most = scene.rules.profile_bits
    return max(-most, min(most, math.log2(ratio)))


def _hinted(scene: Scene) -> dict[str, float]:
    """Return the log2 weight of each type: its share of all cases, plus the hints, faded by age."""
    hinted = {scam: math.log2(rule.share) for scam, rule in scene.rules.scams.items()}
    for kind, freshest in sorted(_freshest(scene).items()):
        for scam, bits in scene.rules.evidence[kind].hints.items():
            hinted[scam] += bits * freshest
    for named in {member.scam_type for member in scene.members}:
        if named in hinted:
            hinted[named] += NAMED_BITS
    return hinted


def _freshest(scene: Scene) -> dict[EvidenceKind, float]:
    """Return by kind the remaining fraction of its freshest member: repetition is no further hint."""
    fades: dict[EvidenceKind, float] = {}
    for member in scene.members:
        fades[member.kind] = max(fades.get(member.kind, 0.0), fade(member, scene))
    return fades


def _ratios(scene: Scene) -> dict[str, float]:
    """Return, by scam, how many times as often a resident of this profile falls victim to the scam as the average
    resident.
    """
    ratios = dict.fromkeys(scene.rules.scams, 1.0)
    for group in scene.rules.at_risk:
        if group.fits(scene.profile, local_date(scene.now).year):
            for scam in [group.scam] if group.scam else ratios:
                ratios[scam] *= group.ratio
    return ratios
