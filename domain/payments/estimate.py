"""The value of claims of class D: an estimate with its interval, calibrated against outcomes.

A case books as D the expected further loss of a dissuaded resident. Many residents would have stopped by themselves, so
totals do not show these claims. The claims are multiplied by the share that was really kept in simulated provinces,
whose true outcomes are known; the lowest and the highest province are the limits of the interval. Replace the share
once enough outcomes of your own are known.
"""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class KeptShare:
    """The money really kept, as a share of the money claimed, in the simulated provinces: `low`, in the lowest of them;
    `mean`, of all; `high`, in the highest. A share above 1 means that more was kept than claimed.

    `provinces`: their number. `source`: the command that measured the shares.
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
    """Return the estimated value (fen) of claims of class D that sum to `claimed_fen`: the sum times the mean, the
    lowest and the highest of `share`, rounded.

    A negative sum withdraws earlier claims; the interval is then negative too, with `low` still the lesser limit.
    """
    low, high = sorted((round(claimed_fen * share.low), round(claimed_fen * share.high)))
    return EstimateInterval(low, round(claimed_fen * share.mean), high)
