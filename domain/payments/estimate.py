"""What a claim of class D is worth: an estimate with its interval, calibrated against outcomes.

A case books as D the expected further loss of a dissuaded resident. Over a whole province these claims are off by a
share that only outcomes show: many residents would have stopped by themselves. So no total shows the claim. It is
multiplied by the share of the claims that simulated provinces, whose truth is known, have really kept; the interval is
that of the share from the lowest to the highest province. Replace it once your own outcomes are many enough.
"""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class KeptShare:
    """The true money as a share of the claimed: over all provinces, and in the lowest and the highest of them.

    `source`: the command that measured it.
    """

    low: float
    mean: float
    high: float
    provinces: int
    source: str


KEPT_SHARE = KeptShare(0.63, 1.45, 2.92, 28, "quanzu lab money --seeds 28 --days 10 --first-seed 8001")


class EstimateInterval(NamedTuple):
    """An estimate in fen, and the limits of its interval."""

    low: int
    mean: int
    high: int


def estimate_of(claimed_fen: int, share: KeptShare = KEPT_SHARE) -> EstimateInterval:
    """Return what claims of class D are worth together. Of negative claims, which take earlier ones back, `low` is the
    greater amount taken back.
    """
    low, high = sorted((round(claimed_fen * share.low), round(claimed_fen * share.high)))
    return EstimateInterval(low, round(claimed_fen * share.mean), high)
