"""Which scam it is most likely: the types' shares, what the evidence hints at, and who is hit by which."""

import math

from domain.risk.weigh import Scene, fade
from schemas.risk.evidence import EvidenceKind

NAMED_BITS = 8.0  # the watchlist says which scam it is: 256 times as likely as any other


def likeliest(scene: Scene) -> str:
    """The scam type that fits best; of equals the first by name."""
    ratios = _ratios(scene)
    likely = {scam: bits + math.log2(ratios[scam]) for scam, bits in _hinted(scene).items()}
    return max(sorted(likely), key=lambda scam: likely[scam])


def profile_bits(scene: Scene) -> float:
    """How much more often such a resident is hit by the scams that the evidence hints at, within the policy's limit."""
    ratios = _ratios(scene)
    odds = {scam: 2**bits for scam, bits in _hinted(scene).items()}
    ratio = math.fsum(share * ratios[scam] for scam, share in odds.items()) / math.fsum(odds.values())
    most = scene.rules.profile_bits
    return max(-most, min(most, math.log2(ratio)))


def _hinted(scene: Scene) -> dict[str, float]:
    """Log2 of each type's weight: its share among all cases, and the hints as far as they have not faded."""
    hinted = {scam: math.log2(rule.share) for scam, rule in scene.rules.scams.items()}
    for kind, freshest in sorted(_freshest(scene).items()):
        for scam, bits in scene.rules.evidence[kind].hints.items():
            hinted[scam] += bits * freshest
    for named in {member.scam_type for member in scene.members}:
        if named in hinted:
            hinted[named] += NAMED_BITS
    return hinted


def _freshest(scene: Scene) -> dict[EvidenceKind, float]:
    """By kind what is left of its freshest member: repetition is no further hint."""
    fades: dict[EvidenceKind, float] = {}
    for member in scene.members:
        fades[member.kind] = max(fades.get(member.kind, 0.0), fade(member, scene))
    return fades


def _ratios(scene: Scene) -> dict[str, float]:
    """By scam how much more often such a resident is hit by it than the whole."""
    ratios = dict.fromkeys(scene.rules.scams, 1.0)
    for group in scene.rules.at_risk:
        if group.fits(scene.profile, scene.now.year):
            for scam in [group.scam] if group.scam else ratios:
                ratios[scam] *= group.ratio
    return ratios
