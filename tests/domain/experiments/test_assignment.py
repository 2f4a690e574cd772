"""Who gets which arm: by hash, with the planned probabilities, and only who may be compared."""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.experiments.assignment import AssignedSubject, assignment, draw_arm, may_join
from schemas.casework.cases import Case
from schemas.casework.own_account import AllowanceSpan, OwnHold, OwnHoldState
from schemas.levels import LastResort, Level, Outcome
from schemas.people.residents import Flag
from schemas.people.staff import StaffRole
from schemas.risk.signals import TransferState
from tests.domain.builders import NOON, Line, danger, payment, profile
from tests.domain.experiments.plans import STARTS, WORDING, plan

WEEKS = timedelta(days=122)
HOME = "a" * 26


def who(resident: str, household: str | None = None, division: str = "220104") -> AssignedSubject:
    return AssignedSubject(resident, household, division)


def _arm(weight: float) -> dict[str, object]:
    return {"usual": {"weight": 1 - weight}, "short": {"weight": weight, "sms": WORDING}}


@pytest.mark.parametrize("weight", [0.5, 0.2])
def test_each_arm_gets_its_share_and_states_its_probability(weight: float) -> None:
    made = plan(arms=_arm(weight), assumed={"spread": 0.31, "units_per_day": 400})
    drawn = [draw_arm("wording", made, who(f"resident{n}"), NOON) for n in range(4_000)]
    count = Counter(each.arm for each in drawn)
    assert count["short"] / 4_000 == pytest.approx(weight, abs=0.03)
    assert {each.arm: each.propensity for each in drawn} == {"short": weight, "usual": 1 - weight}


@given(st.text(min_size=1), st.integers(0, 100))
def test_the_same_resident_gets_the_same_arm_at_any_time(resident: str, days: int) -> None:
    later = NOON + timedelta(days=days)
    assert draw_arm("wording", plan(), who(resident), NOON) == draw_arm("wording", plan(), who(resident), later)


def test_another_experiment_or_seed_mixes_residents_anew() -> None:
    def arms(name: str, seed: str) -> list[str]:
        return [draw_arm(name, plan(seed=seed), who(f"r{n}"), NOON).arm for n in range(64)]

    assert len({tuple(arms("one", "seed-0001")), tuple(arms("two", "seed-0001")), tuple(arms("one", "seed-0002"))}) == 3


def test_all_of_a_household_have_its_arm_and_a_resident_without_one_has_their_own() -> None:
    made = plan(unit="household")
    homes = [f"{n:026}" for n in range(400)]
    drawn = [[draw_arm("x", made, who(f"r{home}{n}", home), NOON) for n in range(3)] for home in homes]
    assert all(len(set(members)) == 1 for members in drawn)
    assert len({members[0].unit for members in drawn}) == len(homes)
    assert not [home for home, members in zip(homes, drawn, strict=True) if home in members[0].unit]
    assert 150 < sum(members[0].arm == "short" for members in drawn) < 250
    alone = {draw_arm("x", made, who(f"r{n}"), NOON) for n in range(64)}
    assert {each.unit for each in alone} == {f"r{n}" for n in range(64)}
    assert {each.arm for each in alone} == {"short", "usual"}


def test_a_case_is_assigned_with_the_household_that_its_alert_states() -> None:
    line = Line()
    line.alert(Level.YELLOW, household=HOME)
    line.alert(Level.YELLOW)  # from a program that does not know it
    case = line.here
    home = draw_arm("x", plan(unit="household"), who("another", HOME), NOON).unit
    assert assignment("x", plan(unit="household"), case, NOON).unit == home != case.resident
    assert assignment("x", plan(), case, NOON).unit == case.resident


def test_in_a_switchback_everybody_has_the_arm_of_the_hour() -> None:
    made = plan(unit="hour", block="4h")
    hours = [STARTS + timedelta(hours=4 * n) for n in range(400)]
    arms = [draw_arm("x", made, who("r1"), at).arm for at in hours]
    assert arms == [draw_arm("x", made, who("r2", division="220105"), at + timedelta(hours=3)).arm for at in hours]
    assert 150 < arms.count("short") < 250


def test_in_a_stepped_wedge_each_station_changes_once_and_all_have_changed_in_the_end() -> None:
    made = plan(unit="station", block="20d", floor=0.1)
    periods = [STARTS + timedelta(days=20 * n) for n in range(made.waves)]
    assert made.waves == 6
    shares = Counter[int]()
    for station in range(600):
        drawn = [draw_arm("x", made, who("r1", division=f"{station:06}"), at) for at in periods]
        treated = [each.arm == "short" for each in drawn]
        assert treated == sorted(treated)  # never back
        assert (treated[0], treated[-1], drawn[0].propensity, drawn[-1].propensity) == (False, True, 1.0, 1.0)
        shares.update(number for number, each in enumerate(treated) if each)
        assert all(
            each.propensity == pytest.approx(n / 5 if each.arm == "short" else 1 - n / 5)
            for n, each in enumerate(drawn)
        )
    assert all(shares[n] / 600 == pytest.approx(n / 5, abs=0.06) for n in range(6))


def _yellow() -> Case:
    line = Line()
    line.alert(Level.YELLOW)
    return line.here


def test_a_yellow_case_is_assigned_and_the_assignment_is_complete() -> None:
    case = _yellow()
    assert may_join(case, plan(), NOON)
    given_arm = assignment("wording", plan(), case, NOON)
    assert (given_arm.unit, given_arm.at, given_arm.propensity) == (case.resident, NOON, 0.5)
    assert [assignment("wording", plan(), each, NOON).observed for each in (_of(case, "own"), _of(case))] == [
        True,
        False,
    ]


def _of(case: Case, *accounts: str) -> Case:
    return case.model_copy(update={"accounts": list(accounts), "payments": []})


def _hold() -> OwnHold:
    return OwnHold(
        id="h1",
        number="吉公反诈〔2026〕1号",
        own_account="a1",
        state=OwnHoldState.PROPOSED,
        resort=LastResort.DURESS,
        reason="有人在旁逼迫转账",
        law="吉林省试行办法第二条",
        days=3,
        allowance_fen=30_000,
        allowance_span=AllowanceSpan.DAY,
        persons=2,
        roles=(StaffRole.SUPERVISOR,),
        asked_by="li",
        asked_at=NOON,
        due=NOON,
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"level": Level.ORANGE},
        {"level": Level.RED},
        {"profile": profile().model_copy(update={"minor": True})},
        {"profile": profile(Flag.OBJECTS_TO_EXPERIMENTS, Flag.AGREES_TO_EXPERIMENTS)},
        {"danger": danger(Level.YELLOW, call_since=NOON)},
        {"own_holds": [_hold()]},
        {"payments": [payment(state=TransferState.PENDING)]},
        {"outcome": Outcome.DISSUADED},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_who_is_in_graver_danger_young_coerced_objecting_or_done_is_in_no_experiment(
    changes: dict[str, object],
) -> None:
    assert not may_join(_yellow().model_copy(update=changes), plan(), NOON)


def test_with_recorded_consent_only_who_agreed_is_assigned() -> None:
    agreed = plan(consent="recorded", waiver=None)
    assert not may_join(_yellow(), agreed, NOON)
    yes = _yellow().model_copy(update={"profile": profile(Flag.AGREES_TO_EXPERIMENTS)})
    assert may_join(yes, agreed, NOON)


def test_nobody_is_assigned_outside_of_the_experiments_time() -> None:
    assert not may_join(_yellow(), plan(), STARTS - timedelta(seconds=1))
    assert not may_join(_yellow(), plan(), STARTS + WEEKS)
