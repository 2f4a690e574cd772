"""Estimates for the real rate of scams, from provinces in which people are hooked far more often.

Residents are a stratified sample: how often each depth of scam occurs is known, for the simulated and for the real
province. So a mean over real residents is the mean within each depth, times the real share of residents of that depth.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

import numpy as np

from schemas.people.residents import ResidentId
from simulators.assumptions.pace import DAY_HOURS, Pace
from simulators.fit.learn import UnlearnableError
from simulators.fit.rows import Depth, Lived, Row
from simulators.fit.scores import Floats

DRAWS = 1000  # of the bootstrap
_TAIL = 2.5  # per cent on each side of an interval

Count = tuple[str, ...]
"""The name of a resident's count: what is counted, and where."""


def real_shares(pace: Pace, length: timedelta) -> dict[Depth, float]:
    """Return the share (0 to 1) of residents whose scam begins within `length` at this pace, by its depth. The shares,
    with that of residents who are not hooked, sum to 1.
    """
    hooked = pace.stories(1) * DAY_HOURS * (length / timedelta(days=1))
    shares = {Depth(depth): hooked * share for depth, share in pace.depths.items()}
    return {Depth.NOT_HOOKED: 1 - sum(shares.values()), **shares}


def sizes(provinces: Sequence[Lived]) -> dict[Depth, int]:
    """Return the number of simulated residents by the depth of their scam. Raises UnlearnableError if one is 0, because
    then these provinces say nothing about such residents.
    """
    found = Counter(hooked.depth for lived in provinces for hooked in lived.hooked.values())
    found[Depth.NOT_HOOKED] = sum(lived.world.residents for lived in provinces) - found.total()
    if missing := [depth for depth in Depth if found[depth] <= 0]:
        raise UnlearnableError(f"no resident is {missing[0]}: live through more unseen provinces, or for longer")
    return {depth: found[depth] for depth in Depth}


def depth_of(lived: Lived, resident: ResidentId) -> Depth:
    """Return how far the resident's scam goes in this province."""
    return lived.hooked[resident].depth if resident in lived.hooked else Depth.NOT_HOOKED


def weights_by_depth(provinces: Sequence[Lived], pace: Pace) -> dict[Depth, float]:
    """Return how many residents of a real province of the same size stand behind each simulated one, by depth."""
    found = sizes(provinces)
    total, shares = sum(found.values()), real_shares(pace, provinces[0].world.length)
    return {depth: shares.get(depth, 0.0) * total / number for depth, number in found.items()}


def prior_shift(provinces: Sequence[Lived], pace: Pace) -> float:
    """Return the bits to add to log-odds that were learnt in these provinces, so that they have the real rate of scams:
    the log-odds of a scam among weighted moments with new evidence, minus those among unweighted ones. (King and Zeng's
    prior correction.) It is exact only if the evidence says equally much about each depth without payments.

    Raises UnlearnableError if all or none of these moments are in a scam that asks for money.
    """
    by_depth = weights_by_depth(provinces, pace)
    news = [(row.scam, by_depth[depth_of(lived, row.resident)]) for lived in provinces for row in _news(lived)]
    scams, others = ([weight for scam, weight in news if scam is wanted] for wanted in (True, False))
    if not scams or not others:
        raise UnlearnableError("nothing can be learnt: live through more provinces, or for longer")
    return float(np.log2(sum(scams) / sum(others)) - np.log2(len(scams) / len(others)))


def news_by_resident(lived: Lived) -> dict[ResidentId, list[Row]]:
    """Return the moments with new evidence by resident, in order of time. Residents without any are missing."""
    found: defaultdict[ResidentId, list[Row]] = defaultdict(list)
    for row in _news(lived):
        found[row.resident].append(row)
    return found


def _news(lived: Lived) -> list[Row]:
    return [row for row in lived.rows if row.news]


def per_resident(
    counted: Mapping[Depth, Sequence[Mapping[Count, float]]],
    numbers: Mapping[Depth, int],
    shares: Mapping[Depth, float],
) -> dict[Count, Floats]:
    """Return the mean over real residents of each count, as an array: first the estimate, then DRAWS values of a
    bootstrap over residents (each one's counts are drawn together, Poisson times, within their depth).

    `counted`: by depth, the counts of each simulated resident who has any, by name; a missing count is 0. `numbers`:
    simulated residents by depth, those without counts too; `shares`: real shares of residents by depth.
    """
    names = sorted({name for each in counted.values() for counts in each for name in counts})
    chance = np.random.default_rng(7)
    total = np.zeros((DRAWS + 1, len(names)))
    for depth, number in numbers.items():
        values = np.asarray([[counts.get(name, 0.0) for name in names] for counts in counted.get(depth, ())])
        values = values.reshape(-1, len(names))
        times = chance.poisson(1.0, (DRAWS, len(values)))
        rest = chance.poisson(number - len(values), DRAWS)  # of those without counts only the number matters
        size = np.maximum(times.sum(axis=1) + rest, 1)
        total[0] += shares.get(depth, 0.0) * values.sum(axis=0) / number
        total[1:] += shares.get(depth, 0.0) * (times @ values) / size[:, None]
    return dict(zip(names, total.T, strict=True))


def figure(values: Floats) -> dict[str, float | None]:
    """Return the estimate with the ends, `low` and `high`, of its 95 % interval (percentiles of the bootstrap).
    `values`: the estimate first. All are None if the estimate is not a number (0 of 0). If the simulation has no case
    of something, its interval is 0 to 0 and means nothing.
    """
    if not np.isfinite(values[0]):
        return {"estimate": None, "low": None, "high": None}
    low, high = np.nanpercentile(values[1:], (_TAIL, 100 - _TAIL))
    return {"estimate": float(values[0]), "low": float(low), "high": float(high)}


def ratio(part: Floats, whole: Floats) -> Floats:
    """Return `part` by `whole`, element by element; not a number where `whole` is 0."""
    found: Floats = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return found
