"""What a policy does at the real rate of scams, from provinces with far more of them."""

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from statistics import fmean

import pytest

pytest.importorskip("sklearn")
pytest.importorskip("scipy")

from schemas.levels import Level
from simulators.assumptions.pace import DAY_HOURS, REAL
from simulators.fit.judge import LEARNT, PLACES
from simulators.fit.learn import UnlearnableError
from simulators.fit.reweighting import figure, per_resident, prior_shift, real_shares, weights_by_depth
from simulators.fit.rows import Depth, Hooked, Lived, Row, World, simulate_rows
from simulators.fit.scores import Scale
from simulators.fit.true_rate import Counted, as_many_alerts, at_the_true_rate
from simulators.world.province import START
from tests.domain.risk.riskworld import RULES

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
RARE = replace(
    REAL,
    stories=lambda residents: residents * 0.1 / DAY_HOURS,
    depths={"touched": 0.6, "courted": 0.3, "pays": 0.1},
)
RED, ALL = RULES.levels[Level.RED], dict.fromkeys(PLACES, RULES)
AS_IS = dict.fromkeys(PLACES, Scale(1.0, 0.0))


def row(resident: str, hours: float, *odds: float, scam: bool = False, news: bool = True) -> Row:
    return Row(START + hours * HOUR, {}, odds or (RED, RED, RED), scam, news, resident)


def hooked(depth: Depth, paid: float | None = None) -> Hooked:
    """A scam from hour 1 to hour 20. `paid`: the hour in which the last payment settles."""
    return Hooked(depth, START + HOUR, START + 20 * HOUR, None if paid is None else START + paid * HOUR)


def lived(*rows: Row, **more: Hooked) -> Lived:
    """A day of ten residents, of whom four are hooked: `t` touched, `c` courted, `p` and `q` pay at hour 10."""
    pays = hooked(Depth.PAYS, 10)
    known = {"t": hooked(Depth.TOUCHED), "c": hooked(Depth.COURTED), "p": pays, "q": pays}
    return Lived(sorted(rows, key=lambda each: each.at), known | more, World(10, DAY), START + DAY)


ONE_DAY = lived(
    row("n", 3),
    row("n", 4),
    row("t", 2),
    row("p", 5, scam=True),
    row("q", 11, scam=True),
    row("x", 5, news=False),
)


def estimate(found: Mapping[str, float | None]) -> float | None:
    return found["estimate"]


def test_each_depth_stands_for_as_many_residents_as_it_really_has() -> None:
    found = weights_by_depth([ONE_DAY], RARE)
    assert found == pytest.approx({Depth.NOT_HOOKED: 1.5, Depth.TOUCHED: 0.6, Depth.COURTED: 0.3, Depth.PAYS: 0.05})
    assert sum(real_shares(REAL, DAY).values()) == pytest.approx(1)


def test_alerts_precision_and_recall_at_the_real_rate_by_hand() -> None:
    found = at_the_true_rate([ONE_DAY], [ONE_DAY], ALL, AS_IS, RARE)["levels"]["red"]["by_hand"]
    # Not hooked: one of six, in 90 % of the people; touched: all, in 6 %; courted: none; paying: both, in 1 %.
    assert estimate(found["alerts"]) == pytest.approx(1_000_000 * (0.9 / 6 + 0.06 + 0.01))
    assert estimate(found["in_money_scam"]) == pytest.approx(0.01 / 0.22)
    assert estimate(found["in_any_scam"]) == pytest.approx(0.07 / 0.22)
    assert estimate(found["recall"]) == 0.5  # q reaches the level after the payment


def test_an_alert_before_the_hook_is_a_false_one_and_warns_no_victim() -> None:
    early = lived(row("p", 0.5), row("q", 0.5), row("q", 9, scam=True))
    found = at_the_true_rate([ONE_DAY], [early], ALL, AS_IS, RARE)["levels"]["red"]["by_hand"]
    assert (estimate(found["in_any_scam"]), estimate(found["recall"])) == (0.0, 0.5)


def test_a_victim_who_pays_after_the_simulated_time_is_in_no_recall() -> None:
    late = lived(row("p", 5, scam=True), q=hooked(Depth.PAYS, 30))
    found = at_the_true_rate([ONE_DAY], [late], ALL, AS_IS, RARE)
    assert found["victims"] == {"all": 2, "counted": 1}
    assert estimate(found["levels"]["red"]["by_hand"]["recall"]) == 1.0


def test_a_level_that_nobody_reaches_has_no_precision() -> None:
    found = at_the_true_rate([ONE_DAY], [lived(row("p", 5, -9.0, -9.0, -9.0))], ALL, AS_IS, RARE)["levels"]["red"]
    assert found["free"]["in_money_scam"] == {"estimate": None, "low": None, "high": None}
    assert estimate(found["free"]["alerts"]) == 0


def test_the_base_rate_is_corrected_by_the_weighted_moments() -> None:
    assert prior_shift([ONE_DAY], RARE) == pytest.approx(math.log2(0.1 / (1.5 + 1.5 + 0.6)) - math.log2(2 / 3))


def test_predictions_are_compared_with_the_weighted_truth_in_groups() -> None:
    shift = prior_shift([ONE_DAY], RARE)
    scales = dict.fromkeys(PLACES, Scale(0.0, math.log2(0.04 / 0.96) - shift))
    (found,) = at_the_true_rate([ONE_DAY], [ONE_DAY], ALL, scales, RARE)["reliability"]["free"]
    assert (found["from"], found["moments"], found["victims"]) == (-2, 1.0, 2)
    assert found["said"] == pytest.approx(0.04)
    assert estimate(found["true"]) == pytest.approx(0.1 / (1.5 + 1.5 + 0.6 + 0.1))


def test_the_free_weights_get_no_more_alerts_than_the_learnt_ones() -> None:
    #                  by hand, free, learnt
    odds = {"n": (0.0, 5.0, RED), "t": (0.0, 8.0, -9.0), "p": (0.0, 7.0, RED), "c": (0.0, 9.0, -9.0)}
    province = lived(*(row(who, 5, *each) for who, each in odds.items()))
    found = as_many_alerts([province], {(LEARNT, level): RED for level in Level}, RARE)[Level.RED]
    # Learnt: n and p, 1.55 residents. Free, from the highest: c .3, t .9, p .95; n would be 2.45.
    assert 5.0 < found < 7.0
    constraint = at_the_true_rate([ONE_DAY], [province], ALL, AS_IS, RARE)["constraint"]["red"]
    assert (estimate(constraint[LEARNT]), estimate(constraint["free_as_many"])) == (0.5, 0.5)
    assert constraint["more"] == {"estimate": 0.0, "low": 0.0, "high": 0.0}  # the same victim


def test_an_interval_is_that_of_the_residents_drawn_again() -> None:
    counted: Counted = {Depth.NOT_HOOKED: [{("alert",): 1.0}] * 40}
    found = figure(per_resident(counted, {Depth.NOT_HOOKED: 1000}, {Depth.NOT_HOOKED: 0.5})[("alert",)])
    sd = 0.5 * math.sqrt(0.04 * 0.96 / 1000)
    assert found["estimate"] == pytest.approx(0.02)
    assert (found["low"], found["high"]) == pytest.approx((0.02 - 1.96 * sd, 0.02 + 1.96 * sd), abs=0.2 * sd)


def test_provinces_without_a_depth_say_nothing() -> None:
    with pytest.raises(UnlearnableError, match="no resident is not_hooked"):
        weights_by_depth([replace(ONE_DAY, world=World(4, DAY))], RARE)


def test_provinces_of_another_rate_have_the_alerts_that_were_estimated_for_them() -> None:
    """Count the same alerts, unweighted, in provinces in which scams really begin at the other rate."""
    world, depths = World(1000, timedelta(days=4)), {"touched": 0.5, "courted": 0.2, "pays": 0.3}
    other = replace(REAL, stories=lambda residents: residents * 0.02 / DAY_HOURS, depths=depths)
    often = [simulate_rows(seed, RULES, (RULES, RULES), world) for seed in (1, 2, 3)]
    there = [simulate_rows(seed, RULES, (RULES, RULES), replace(world, pace=other)) for seed in (4, 5, 6)]
    levels = at_the_true_rate(often, often, ALL, AS_IS, other)["levels"]
    for level in (Level.YELLOW, Level.ORANGE, Level.RED):
        found, alerts = levels[level.value]["learnt"], [alert for each in there for alert in _alerts(each, level)]
        per_million = 1_000_000 / 3000 / 4
        _agree(found["alerts"], len(alerts) * per_million, math.sqrt(len(alerts)) * per_million)
        for number, share in enumerate(("in_money_scam", "in_any_scam")):
            part = fmean(alert[number] for alert in alerts)
            _agree(found[share], part, math.sqrt(part * (1 - part) / len(alerts)))


def _alerts(province: Lived, level: Level) -> list[tuple[bool, bool]]:
    """Return for each resident who reaches the level if they are then in a scam that asks for money, and in any."""
    first: dict[str, Row] = {}
    for each in province.rows:
        if each.news and each.odds[0] >= RULES.levels[level]:
            first.setdefault(each.resident, each)
    return [(each.scam, _in_scam(province.hooked.get(who), each.at)) for who, each in first.items()]


def _in_scam(scam: Hooked | None, at: datetime) -> bool:
    return scam is not None and scam.begins <= at <= scam.until


def _agree(found: Mapping[str, float], counted: float, error: float) -> None:
    both = math.hypot((found["high"] - found["low"]) / (2 * 1.96), error)
    assert counted == pytest.approx(found["estimate"], abs=3 * both)
