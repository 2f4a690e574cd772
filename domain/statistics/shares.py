"""Shares with Wilson's intervals."""

from math import sqrt
from typing import NamedTuple

NORMAL_QUANTILE = 1.959964  # of 97.5 %: both ends of a 95 % interval


class ShareEstimate(NamedTuple):
    """A share of `k` in `n`, with its 95 % interval; `share`, `low` and `high` are None if `n` is 0."""

    n: int
    k: int
    share: float | None
    low: float | None
    high: float | None


def share_of(k: int, n: int) -> ShareEstimate:
    """Return the share (0 to 1) of `k` in `n` with the limits of Wilson's 95 % interval; all three are None if `n` is
    0.

    Wilson, Journal of the American Statistical Association 22 (1927), 209; recommended for small counts by Brown, Cai
    and DasGupta, Statistical Science 16 (2001), 101. Raises ValueError unless 0 <= k <= n.
    """
    if not 0 <= k <= n:
        raise ValueError("k of n must lie between 0 and n")
    if n == 0:
        return ShareEstimate(0, 0, None, None, None)
    share, square = k / n, NORMAL_QUANTILE**2
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = NORMAL_QUANTILE / (1 + square / n) * sqrt(share * (1 - share) / n + square / (4 * n * n))
    return ShareEstimate(n, k, share, 0.0 if k == 0 else middle - half, 1.0 if k == n else middle + half)
