from collections import Counter
from datetime import date, timedelta
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.policy import load
from domain.policy.risk import RiskRules
from domain.risk import Role, SignalContext, evidence_of
from schemas.people.residents import Language, Occupation
from schemas.risk.signals import App, Call, Signal, Sms, Transfer, TransferState
from simulators.assumptions import figures
from simulators.assumptions.chance import stream
from simulators.assumptions.figures import PREFECTURES, SCAMS
from simulators.population import kinds
from simulators.population.census import Census
from simulators.population.kinds import TABLE
from simulators.population.people import age_of, people
from simulators.population.victims import AtRisk, weights
from simulators.scams.everyday import everyday
from simulators.scams.ordinary import OrdinaryLife
from simulators.studies.day import day
from simulators.world.province import START
from streams.runtime.settings import POLICY

ON = date(2026, 3, 2)
SECRET = b"sixteen bytes and more"
CENSUS = Census(3, 400_000)
AT_RISK = CENSUS.at_risk()


@pytest.fixture(scope="module")
def rules() -> RiskRules:
    return load(POLICY.read_text("utf-8")).risk


def test_a_resident_of_the_census_takes_four_bytes() -> None:
    assert len(CENSUS) == 400_000
    assert CENSUS.kind.nbytes == 4 * len(CENSUS)


def test_the_same_seed_gives_the_same_census_and_another_seed_another() -> None:
    assert (Census(3, 400_000).kind == CENSUS.kind).all()
    assert (Census(4, 400_000).kind != CENSUS.kind).any()


def test_people_live_where_the_figures_say() -> None:
    for number, (prefecture, people_there) in enumerate(PREFECTURES.items()):
        share = people_there * 10_000 / figures.PEOPLE
        assert CENSUS.share(TABLE.prefecture == number) == pytest.approx(share, abs=0.005), prefecture


def test_a_list_of_people_and_a_census_are_drawn_by_the_same_shares() -> None:
    listed = kinds.numbers(people(7, 2000, ON, SECRET), ON)
    for column in ("prefecture", "sex", "occupation", "balance", "language"):
        of_kind = getattr(TABLE, column)
        shares = np.bincount(of_kind[listed], minlength=of_kind.max() + 1) / len(listed)
        expected = np.bincount(of_kind, kinds.shares())
        assert shares == pytest.approx(expected, abs=0.04), column


@given(st.integers(0, 399_999))
def test_whoever_is_brought_to_life_is_of_the_row_s_kind_and_always_the_same(row: int) -> None:
    one = CENSUS.resident(row)
    assert kinds.numbers([one], ON)[0] == CENSUS.kind[row]
    assert CENSUS.resident(row) == one


def test_no_two_residents_share_an_id_a_telephone_or_an_account() -> None:
    some = [CENSUS.resident(row) for row in range(0, 400_000, 2_000)]
    for values in (
        [one.id for one in some],
        [each.value for one in some for each in one.phones],
        [each.value for one in some for each in one.accounts],
    ):
        assert len(values) == len(set(values))


@given(st.sampled_from(Occupation), st.integers(1, 50))
def test_rows_are_of_the_kinds_that_were_asked_for(job: Occupation, count: int) -> None:
    among = TABLE.occupation == kinds.OCCUPATIONS.index(job)
    rows = CENSUS.rows(np.random.default_rng(count), count, among)
    assert len(rows) == count
    assert among[CENSUS.kind[rows]].all()


def test_of_a_part_of_a_kind_always_the_same_people_are_given() -> None:
    among = TABLE.language == kinds.LANGUAGES.index(Language.KOREAN)
    half = CENSUS.rows(np.random.default_rng(1), 50_000, among, 0.5)
    assert np.unique(half).size <= CENSUS.counts[among].sum() * 0.6
    assert among[CENSUS.kind[half]].all()


def test_nobody_is_given_of_kinds_that_nobody_is_of() -> None:
    assert len(CENSUS.rows(np.random.default_rng(1), 5, np.zeros(kinds.COUNT, dtype=bool))) == 0


@given(st.sampled_from(sorted(SCAMS)))
def test_victims_of_a_type_have_its_share_of_men_and_of_its_ages(name: str) -> None:
    scam, chances = SCAMS[name], weights(SCAMS[name], CENSUS.counts)
    assert chances.sum() == pytest.approx(1)
    assert chances[TABLE.sex == 0].sum() == pytest.approx(scam.men)
    in_band = (TABLE.age >= scam.ages[0]) & (TABLE.age <= scam.ages[1])
    assert chances[in_band].sum() == pytest.approx(figures.IN_AGE_BAND)
    assert not chances[TABLE.age < 10].any()


def test_picks_from_a_census_follow_the_weights() -> None:
    chance = stream("picks")
    victims = [AT_RISK.pick(chance, "brushing", set()) for _ in range(1500)]
    found = [victim for victim in victims if victim is not None]
    assert sum(victim.sex == "female" for victim in found) / 1500 == pytest.approx(0.72, abs=0.04)
    assert sum(18 <= age_of(victim, ON) <= 40 for victim in found) / 1500 == pytest.approx(0.8, abs=0.04)


def test_a_list_and_a_census_are_picked_from_alike() -> None:
    listed = AtRisk.among(people(7, 3000, ON, SECRET), ON)
    chance = stream("picks")
    jobs = [
        Counter(victim.occupation for _ in range(1500) if (victim := at_risk.pick(chance, "loan", set())))
        for at_risk in (listed, AT_RISK)
    ]
    for job in Occupation:
        assert jobs[0][job] / 1500 == pytest.approx(jobs[1][job] / 1500, abs=0.06)


def test_a_pick_spares_who_is_to_be_spared_and_gives_nobody_when_nobody_is_left() -> None:
    two = [one for one in people(7, 40, ON, SECRET) if age_of(one, ON) > 20][:2]
    at_risk = AtRisk.among(two, ON)
    assert at_risk.pick(stream(1), "loan", {two[0].id}) == two[1]
    assert at_risk.pick(stream(1), "loan", {one.id for one in two}) is None
    assert AtRisk.among([], ON).pick(stream(1), "loan", set()) is None


def test_what_the_columns_keep_of_everyday_life_is_what_would_be_evidence(rules: RiskRules) -> None:
    residents = people(5, 3000, ON, SECRET)
    phones = {each.value for one in residents for each in one.phones}
    acts = 30_000
    told = [due.signal for due in OrdinaryLife(5, residents).hour(START, acts) if not _of_stranger(due.signal, phones)]
    kept = Counter(type(signal) for signal in told if evidence_of(signal, _seen(signal), rules))
    columns = {each.kind: len(each.rows) for each in everyday(5, CENSUS, acts, rules)}
    assert columns["business_abroad"] + columns["family_in_korea"] == pytest.approx(kept[Call], rel=0.15)
    assert columns["curious_site"] == pytest.approx(kept[App], rel=0.3)
    assert columns["spam_sms"] == pytest.approx(kept[Sms], rel=0.3)
    assert sum(columns[kind] for kind in figures.PAYMENTS) == pytest.approx(kept[Transfer], rel=0.15)


def _of_stranger(signal: Signal, phones: set[str]) -> bool:
    """Nobody of the register; and of a payment only the attempt is counted: it is told again when it has settled."""
    if isinstance(signal, Transfer):
        return signal.state is not TransferState.ATTEMPTED
    return isinstance(signal, Call) and signal.called not in phones


def _seen(signal: Signal) -> SignalContext:
    role = {Transfer: Role.PAYER, Call: Role.CALLED, Sms: Role.RECEIVER}.get(type(signal), Role.SUBSCRIBER)
    return SignalContext("signals", 0, 0, role, payee="token")


def test_everyday_payments_are_of_weight_and_within_the_day(rules: RiskRules) -> None:
    for acts in everyday(5, CENSUS, 20_000, rules):
        assert len(acts.rows) == len(acts.seconds) == len(acts.fen)
        assert (acts.seconds < timedelta(days=1).total_seconds()).all()
        if acts.kind in figures.PAYMENTS:
            assert (acts.fen >= rules.money.least_fen).all()


def test_a_day_of_the_province_is_counted_the_same_for_the_same_seed(rules: RiskRules) -> None:
    counts = day(2, 1_000_000, rules)
    assert day(2, 1_000_000, rules) == counts
    assert counts["people"]["hooked"] == pytest.approx(figures.STORIES_A_MILLION_AND_DAY, abs=24)
    assert sum(counts["scams"].values()) == counts["people"]["hooked"]
    assert counts["contacts"]["sms"] <= counts["people"]["hooked"]
    assert 0 <= counts["money_fen"]["kept"] <= counts["money_fen"]["asked"]
    assert {"touched", "courted"} <= set(counts["scams"])
    assert (
        0
        < counts["everyday"]["residents"]
        <= sum(count for kind, count in counts["everyday"].items() if kind != "residents")
    )


def test_who_was_picked_is_spared_from_then_on() -> None:
    chance = stream("once")
    spared: set[str] = set()
    for victim in islice(iter(lambda: AT_RISK.pick(chance, "gaming", spared), None), 300):
        assert victim.id not in spared
        spared.add(victim.id)
