"""The value of claims of class D: an estimate with its interval, calibrated against outcomes.

A case books as D the expected further loss of a dissuaded resident. Many residents would have stopped by themselves, so
totals do not show these claims. The claims are multiplied by the share that was really kept in simulated provinces,
whose true outcomes are known; the interval is given by the lowest and the highest province. Replace the share once
enough outcomes of your own are known.
"""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class KeptShare:
    """The money really kept as a share (0 to 1) of the money claimed: mean of all provinces, lowest and highest
    province.

    `source`: the command that measured the shares.
    """

    low: float
    mean: float
    high: float
    provinces: int
    source: str


KEPT_SHARE = KeptShare(0.63, 1.45, 2.92, 28, "quanzu lab money --seeds 28 --days 10 --first-seed 8001")


class EstimateInterval(NamedTuple):
    """An estimate (`mean`) and the limits of its interval, in fen."""

    low: int
    mean: int
    high: int


def estimate_of(claimed_fen: int, share: KeptShare = KEPT_SHARE) -> EstimateInterval:
    """Return the estimated value of claims of class D, which sum to `claimed_fen`. A negative sum takes earlier claims
    back; `low` is then the greater amount taken back.
    """
    low, high = sorted((round(claimed_fen * share.low), round(claimed_fen * share.high)))
    return EstimateInterval(low, round(claimed_fen * share.mean), high)
