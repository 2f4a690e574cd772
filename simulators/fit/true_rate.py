"""How policies do at the real rate of scams: alerts a day, precision and recall by level, and reliability.

An alert is a resident whose log-odds reach the level at a moment with new evidence. Each resident counts once in the
simulated time, at the first such moment. Nobody is warned, and no case is closed.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from domain.policy.risk import RiskRules
from schemas.levels import Level
from simulators.assumptions.pace import Pace
from simulators.fit.judge import FREE, LEARNT, PLACES
from simulators.fit.reweighting import (
    Count,
    depth_of,
    figure,
    news_by_resident,
    per_resident,
    prior_shift,
    ratio,
    real_shares,
    sizes,
    weights_by_depth,
)
from simulators.fit.rows import Depth, Hooked, Lived, Row
from simulators.fit.scores import Floats, Scale, probability

AS_MANY = "free_as_many"  # the free weights, with thresholds at which they give as many alerts as the learnt ones
_PLACES = {**PLACES, AS_MANY: PLACES[FREE]}
_MILLION = 1_000_000
_LOWEST_BIN = -7  # power of ten; smaller predictions are in it too

Thresholds = Mapping[tuple[str, Level], float]
"""Log-odds in bits from which a level is reached, by policy and level."""
Counted = Mapping[Depth, Sequence[Mapping[Count, float]]]
"""The counts of simulated residents, by the depth of their scam."""


def at_the_true_rate(
    known: Sequence[Lived],
    unseen: Sequence[Lived],
    rules: Mapping[str, RiskRules],
    scales: Mapping[str, Scale],
    pace: Pace,
) -> dict[str, Any]:
    """Return, ready for JSON, how each policy does on the provinces `unseen` if scams are as frequent as at `pace`.

    `known`: the provinces of learning, from which the predictions' base rate is corrected; `rules`, `scales`: by policy
    (`by_hand`, `free`, `learnt`). Each figure has an `estimate`, `low` and `high` (95 %). The keys of the result:
    `levels`, by level and policy: see `of_level`; `constraint`, by level: the recall of `learnt`, of `free_as_many` and
    by how much the latter is `more`; `reliability`, by policy: see `reliability`; `victims`: the number of `all` that
    are asked for money, and of the `counted` ones, whose last payment settles within the simulated time.

    Raises UnlearnableError if the provinces have no resident of some depth.
    """
    thresholds = {(whose, level): rules[whose].levels[level] for whose in PLACES for level in Level}
    thresholds |= {(AS_MANY, level): bits for level, bits in as_many_alerts(unseen, thresholds, pace).items()}
    shift = prior_shift(known, pace)
    scale = {
        whose: Scale(each.factor, each.intercept + shift - each.factor * rules[whose].prior)
        for whose, each in scales.items()
    }
    length = unseen[0].world.length
    counted = resident_counts(unseen, thresholds, scale)
    means = per_resident(counted, sizes(unseen), real_shares(pace, length))
    victims = [each for lived in unseen for each in lived.hooked.values() if each.paid]
    return {
        "levels": {level.value: {whose: of_level(means, whose, level, length) for whose in PLACES} for level in Level},
        "constraint": {level.value: _constraint(means, level) for level in Level},
        "reliability": {whose: reliability(means, whose, counted) for whose in PLACES},
        "victims": {"all": len(victims), "counted": sum(("victims",) in each for each in counted[Depth.PAYS])},
    }


def resident_counts(provinces: Sequence[Lived], thresholds: Thresholds, scale: Mapping[str, Scale]) -> Counted:
    """Return the counts of each resident who is hooked or has evidence. `victims`: 1 for one whose last payment settles
    within the simulated time.

    By policy and level, 1 if it is so: `alert`; `money`, `scam`: at the alert they were in a scam that asks for money,
    in any scam; `caught`: one of `victims` who was at the level after the hook and before the last payment settled. By
    policy and bin, over the moments with new evidence: `moments`, `said` (sum of the predictions), `scams`.

    `thresholds`: with the policy's prior; `scale`: from log-odds with the prior to predictions, by policy.
    """
    found: defaultdict[Depth, list[Mapping[Count, float]]] = defaultdict(list)
    for lived in provinces:
        seen = news_by_resident(lived)
        for resident in sorted(seen.keys() | lived.hooked.keys()):
            rows, hooked = seen.get(resident, []), lived.hooked.get(resident)
            mine = _predictions(rows, scale)
            danger = _danger(hooked, lived.until)
            if danger:
                mine["victims",] = 1.0
            for (whose, level), bits in thresholds.items():
                at_level = [row for row in rows if row.odds[_PLACES[whose]] >= bits]
                if at_level:
                    mine.update(((what, whose, level.value), 1.0) for what in _alert(at_level[0], hooked))
                if danger and any(danger[0] <= row.at < danger[1] for row in at_level):
                    mine["caught", whose, level.value] = 1.0
            found[depth_of(lived, resident)].append(mine)
    return found


def _danger(hooked: Hooked | None, until: datetime) -> tuple[datetime, datetime] | None:
    """Return from when to when a victim can be warned; None for others, and for whom the last payment settles after
    `until`.
    """
    if hooked is None or hooked.paid is None or hooked.paid > until:
        return None
    return hooked.begins, hooked.paid


def _alert(first: Row, hooked: Hooked | None) -> Iterator[str]:
    yield "alert"
    if first.scam:
        yield "money"
    if hooked and hooked.begins <= first.at <= hooked.until:
        yield "scam"


def _predictions(rows: Sequence[Row], scale: Mapping[str, Scale]) -> defaultdict[Count, float]:
    found: defaultdict[Count, float] = defaultdict(float)
    for whose, each in scale.items():
        said = probability(each(np.asarray([row.odds[PLACES[whose]] for row in rows])))
        for row, chance in zip(rows, said.tolist(), strict=True):
            place = str(min(max(math.floor(math.log10(chance)), _LOWEST_BIN), -1))
            found["moments", whose, place] += 1
            found["said", whose, place] += chance
            found["scams", whose, place] += row.scam
    return found


def as_many_alerts(provinces: Sequence[Lived], thresholds: Thresholds, pace: Pace) -> dict[Level, float]:
    """Return, by level, the lowest threshold at which the free weights give at most as many alerts at `pace` as the
    learnt ones. Residents with equal log-odds all get the alert, or none. The truth about a resident is not used.
    """
    by_depth, peaks = weights_by_depth(provinces, pace), []
    for lived in provinces:
        for resident, rows in news_by_resident(lived).items():
            highest = (max(row.odds[PLACES[whose]] for row in rows) for whose in (FREE, LEARNT))
            peaks.append((*highest, by_depth[depth_of(lived, resident)]))
    free, learnt, weight = np.asarray(sorted(peaks, reverse=True)).T
    alerts = np.cumsum(weight) * (1 - 1e-9)  # sums of floats in another order differ
    found = {}
    for level in Level:
        most = weight[learnt >= thresholds[LEARNT, level]].sum()
        beyond = free[alerts > most]
        found[level] = float(np.nextafter(beyond[0], np.inf)) if len(beyond) else -math.inf
    return found


def of_level(means: Mapping[Count, Floats], whose: str, level: Level, length: timedelta) -> dict[str, Any]:
    """Return a policy's figures at a level: `alerts` a day and million residents; `in_money_scam`, `in_any_scam`: the
    shares of the alerts in a scam that asks for money, in any scam; `recall`: the share of victims who reach the level
    before their last payment settles. `means`: per real resident, with draws; `length`: the simulated time.
    """
    alerts = means.get(("alert", whose, level.value), _none(means))
    money, scam = (means.get((what, whose, level.value), _none(means)) for what in ("money", "scam"))
    return {
        "alerts": figure(alerts * _MILLION / (length / timedelta(days=1))),
        "in_money_scam": figure(ratio(money, alerts)),
        "in_any_scam": figure(ratio(scam, alerts)),
        "recall": figure(_recall(means, whose, level)),
    }


def reliability(means: Mapping[Count, Floats], whose: str, counted: Counted) -> list[dict[str, Any]]:
    """Return a policy's predictions in groups by power of ten, the lowest first: `from` (the power), `moments` (share
    of all), `said` (mean prediction), `true` (share of scams that ask for money; a figure), and `victims`: the number
    of simulated residents behind `true`.
    """
    whole = sum(each[0] for name, each in means.items() if name[:2] == ("moments", whose))
    found = []
    for place in range(_LOWEST_BIN, 0):
        names = [(what, whose, str(place)) for what in ("moments", "said", "scams")]
        many, said, scams = (means.get(name, _none(means)) for name in names)
        if many[0]:
            found.append(
                {
                    "from": place,
                    "moments": float(many[0] / whole),
                    "said": float(said[0] / many[0]),
                    "true": figure(ratio(scams, many)),
                    "victims": sum(each.get(names[2], 0) > 0 for each in counted[Depth.PAYS]),
                }
            )
    return found


def _constraint(means: Mapping[Count, Floats], level: Level) -> dict[str, Any]:
    free, learnt = (_recall(means, whose, level) for whose in (AS_MANY, LEARNT))
    return {LEARNT: figure(learnt), AS_MANY: figure(free), "more": figure(free - learnt)}


def _recall(means: Mapping[Count, Floats], whose: str, level: Level) -> Floats:
    return ratio(means.get(("caught", whose, level.value), _none(means)), means.get(("victims",), _none(means)))


def _none(means: Mapping[Count, Floats]) -> Floats:
    return np.zeros_like(next(iter(means.values())))
