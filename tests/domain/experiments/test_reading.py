"""A reading: outcomes from the banks' data, arms, differences, daily points; and the text that stops an experiment."""

from datetime import timedelta

import pytest
import tomlkit

from domain.experiments.assignment import bank_reports
from domain.experiments.outcomes import Observed, exposures_of, final, money_left, observed_in, primary_outcome
from domain.experiments.reading import read_experiment
from domain.policy import load
from domain.policy.experiments.stop_text import UnstoppableError, unstoppable, with_stop
from domain.statistics.export import experiment_rows, pseudonyms
from schemas.administration.experiments import MOST_POINTS, Finding
from schemas.casework.cases import Case, Payment
from schemas.casework.experiments import Assignment
from schemas.casework.frauds import RecordedFraud
from schemas.casework.reported import ReportedPayment
from schemas.levels import Level
from schemas.people.residents import ReportSource
from schemas.risk.reported_frauds import MatchedBy, MatchStrength
from schemas.risk.signals import TransferState
from tests.domain.builders import NOON, Line, payment, policy_text
from tests.domain.experiments.plans import ENDS, STARTS, fields, plan

CAP = 5_000_000
DAYS = timedelta(days=1)
GIVEN = Assignment(arm="short", unit="r1", propensity=0.5, at=NOON, observed=True)


def _case(*payments: Payment, accounts: tuple[str, ...] = ("own",)) -> Case:
    line = Line()
    line.alert(Level.YELLOW)
    return line.here.model_copy(update={"payments": list(payments), "accounts": list(accounts)})


def settled(name: str, fen: int, after: timedelta, **more: object) -> Payment:
    return payment(name, fen, TransferState.SETTLED, at=NOON + after).model_copy(update=more)


def test_money_left_is_what_banks_report_as_settled_within_72_hours() -> None:
    said = ReportedPayment(source=ReportSource.HOTLINE, report="f1", told_in="c1")
    case = _case(
        settled("bank:1", 100, timedelta(hours=1)),
        settled("bank:2", 20, timedelta(hours=71, minutes=59)),
        settled("bank:3", 5_000, timedelta(hours=72)),  # too late
        settled("bank:4", 5_000, -timedelta(minutes=1)),  # before the assignment
        settled("form:1", 5_000, timedelta(hours=1), reported=said),  # only said
        settled("form:2", 3, timedelta(hours=1), reported=said, feed="bank:9"),  # said, and confirmed by a bank
        payment("bank:5", 5_000, TransferState.PENDING),
    )
    assert money_left(case, GIVEN) == 123


def test_an_outcome_is_missing_if_no_bank_reported_about_the_resident_at_the_assignment() -> None:
    paid = settled("bank:1", 7, timedelta(hours=1))
    assert not bank_reports(_case(accounts=()))
    assert bank_reports(_case())
    assert bank_reports(_case(paid, accounts=()))
    unobserved = GIVEN.model_copy(update={"observed": False})
    assert money_left(_case(paid), unobserved) is None  # also of who paid later, and has a bank's record now
    assert money_left(_case(), unobserved) is None
    assert money_left(_case(accounts=()), GIVEN) == 0  # also after the accounts were erased
    assert money_left(_case(paid, accounts=()), GIVEN) == 7


def test_a_case_that_is_in_no_experiment_shows_nothing_about_it() -> None:
    assert observed_in(_case(), "wording") is None


def _seen(number: int, arm: str, fen: int | None, unit: str = "") -> Observed:
    at = STARTS + DAYS * (number // 10)
    return Observed(
        Assignment(arm=arm, unit=unit or f"r{number}", propensity=0.5, at=at, observed=fen is not None), fen
    )


def test_an_outcome_counts_only_when_its_72_hours_are_over_and_no_more_than_the_cap() -> None:
    seen = [_seen(0, "short", 2 * CAP), _seen(40, "usual", 0)]
    found = exposures_of(plan(), seen, STARTS + DAYS * 3)
    assert [(each.unit, each.outcome) for each in found] == [("r0", 1.0)]


def test_in_a_switchback_a_span_of_time_is_complete_72_hours_after_its_end() -> None:
    made = plan(unit="hour", block="1d")
    seen = [_seen(0, "short", CAP, "block-0"), _seen(1, "short", 0, "block-0")]
    assert exposures_of(made, seen, STARTS + DAYS * 4 - timedelta(seconds=1)) == []
    assert [each.outcome for each in exposures_of(made, seen, STARTS + DAYS * 4)] == [0.5]


def test_a_reading_states_arms_differences_missing_outcomes_and_the_sequence() -> None:
    seen = [
        *(
            _seen(n, "short" if n % 2 else "usual", None if n % 50 == 0 else (0 if n % 2 else CAP * (n % 4 > 0)))
            for n in range(600)
        ),
        _seen(900, "short", 0),  # not complete yet
    ]
    now = STARTS + DAYS * 64
    found = read_experiment("wording", plan(), seen, "digest", now)
    arms = {each.arm: (each.assigned, each.complete, each.missing) for each in found.arms}
    assert arms == {"usual": (300, 288, 12), "short": (301, 300, 0)}
    (short,) = found.contrasts
    assert short.finding is Finding.NOT_DECIDABLE
    assert short.high < 0
    assert short.estimate == pytest.approx(-0.5, abs=0.1)
    assert short.estimate is not None
    assert short.lowest is not None
    assert short.highest is not None
    assert short.lowest < short.estimate < short.highest
    assert short.points[-1].units == short.units
    assert (short.points[-1].low, short.points[-1].high) == pytest.approx((short.low, short.high))
    assert [each.high for each in short.points] == sorted((each.high for each in short.points), reverse=True)
    assert found.weights["short"] > 0.8


def test_a_reading_without_outcomes_knows_nothing() -> None:
    found = read_experiment("wording", plan(), [], "digest", STARTS)
    assert [(each.finding, each.estimate, each.low, each.high) for each in found.contrasts] == [
        (Finding.OPEN, None, -1, 1)
    ]
    assert found.contrasts[0].points == []


def test_a_long_experiment_has_a_bounded_number_of_points_and_the_last_day_is_one() -> None:
    seen = [_seen(10 * n, "short" if n % 2 else "usual", 0) for n in range(450)]
    made = plan(ends=(STARTS + DAYS * 700).isoformat())
    points = read_experiment("wording", made, seen, "digest", STARTS + DAYS * 600).contrasts[0].points
    assert len(points) <= MOST_POINTS
    assert points[-1].units == 450


@pytest.mark.parametrize("unit", ["hour", "station"])
def test_every_unit_can_be_read(unit: str) -> None:
    block = {"hour": "1d", "station": "20d"}[unit]
    made = plan(unit=unit, block=block, assumed={"spread": 0.31, "units_per_day": 40})
    stations = [("220104/1", "usual", 0.8), ("220104/2", "short", 0.4), ("220105/1", "short", 0.2)]
    seen = [
        Observed(
            Assignment(arm=arm, unit=name, propensity=share, at=STARTS + 20 * DAYS * int(name[-1]), observed=True), CAP
        )
        for name, arm, share in stations
    ]
    found = read_experiment("x", made, seen if unit == "station" else [_seen(1, "short", 0, "block-0")], "d", ENDS)
    assert found.contrasts[0].units == (3 if unit == "station" else 1)
    assert bool(found.contrasts[0].points) is (unit == "hour")


def _policy(**experiments: object) -> str:
    return policy_text() + tomlkit.dumps({"experiments": experiments})


def test_a_stop_adds_one_line_and_changes_nothing_else() -> None:
    text = _policy(wording=fields())
    stopped = with_stop(text, "wording", NOON)
    assert stopped.replace("stopped_at = 2026-03-02T04:00:00Z\n", "") == text
    assert load(stopped).experiments["wording"].stopped_at == NOON
    assert with_stop(stopped, "wording", ENDS) == stopped  # the first stop stays


def test_an_experiment_that_a_line_cannot_stop_is_named() -> None:
    table = tomlkit.inline_table()
    table.update(fields())
    inline = f"experiments.wording = {table.as_string()}\n{policy_text()}"
    assert unstoppable(inline, NOON) == ["wording"]
    assert unstoppable(_policy(wording=fields()), NOON) == []
    with pytest.raises(UnstoppableError):
        with_stop(inline, "wording", NOON)


def test_researchers_get_assignments_and_outcomes_under_pseudonyms() -> None:
    case = _case(settled("bank:1", 77, timedelta(hours=1)))
    given = Assignment(arm="short", unit=case.resident, propensity=0.3, at=NOON, observed=True)
    (row,) = experiment_rows(case.model_copy(update={"experiments": {"wording": given}}), pseudonyms(b"k" * 32))
    assert (row.experiment, row.arm, row.propensity, row.left_fen) == ("wording", "short", 0.3, 77)
    assert row.unit == row.resident
    assert row.complete_at - row.assigned_at == timedelta(hours=72)
    assert case.resident not in "".join(map(str, row))


def fraud(number: int, after: timedelta, fen: int | None, *, dated: bool = True) -> RecordedFraud:
    at = NOON + after
    return RecordedFraud(
        id=f"police:{number}",
        number=1,
        version=1,
        happened_at=at,
        reported_at=at,
        loss_fen=fen,
        dated=dated,
        by=MatchedBy.ID_NUMBER,
        strength=MatchStrength.CERTAIN,
    )


def outcomes(case: Case) -> tuple[float | None, float | None]:
    """The outcome as a share of the cap, and as any money at all."""
    seen = observed_in(case.model_copy(update={"experiments": {"wording": GIVEN}}), "wording")
    assert seen is not None
    return primary_outcome(plan(), seen), primary_outcome(plan(outcome="any_money", cap_fen=None), seen)


def recorded(*frauds: RecordedFraud, paid: int = 0) -> Case:
    payments = (settled("bank:1", paid, timedelta(hours=1)),) if paid else ()
    return _case(*payments).model_copy(update={"frauds": list(frauds)})


def test_a_fraud_that_the_police_recorded_counts_if_its_last_payment_was_within_72_hours() -> None:
    hour = timedelta(hours=1)
    assert outcomes(recorded()) == (0.0, 0.0)
    assert outcomes(recorded(fraud(1, hour, CAP // 2))) == (0.5, 1.0)
    assert outcomes(recorded(fraud(1, 72 * hour, CAP), fraud(2, -hour, CAP))) == (0.0, 0.0)
    assert outcomes(recorded(fraud(1, hour, CAP, dated=False))) == (0.0, 0.0)  # it may have happened long ago


def test_money_in_a_banks_and_in_the_polices_records_counts_once() -> None:
    hour = timedelta(hours=1)
    assert outcomes(recorded(fraud(1, hour, CAP // 4), paid=CAP // 2))[0] == 0.5
    assert outcomes(recorded(fraud(1, hour, CAP // 2), fraud(2, hour, CAP // 4), paid=CAP // 2))[0] == 0.75


def test_a_record_without_a_sum_is_missing_where_sums_count_and_is_never_taken_for_nothing() -> None:
    hour = timedelta(hours=1)
    assert outcomes(recorded(fraud(1, hour, None))) == (None, 1.0)
    assert outcomes(recorded(fraud(1, hour, None), paid=CAP)) == (1.0, 1.0)  # at the cap already
    seen = [Observed(GIVEN, 0, 0, True), Observed(GIVEN.model_copy(update={"unit": "r2"}), None)]
    found = read_experiment("wording", plan(), seen, "digest", NOON + 4 * DAYS)
    assert [(each.missing, each.unstated) for each in found.arms] == [(0, 0), (2, 1)]


def test_an_outcome_is_final_when_the_time_for_reports_is_over() -> None:
    made = plan(reports_within="10d")
    none, some, late = (Observed(GIVEN, fen) for fen in (0, 5, 9))
    revisions = [(NOON, none), (NOON + 12 * DAYS, some), (NOON + 13 * DAYS, late)]
    assert final(made, revisions) == some
    assert final(plan(), revisions) == none
    assert final(plan(), revisions[2:]) == late  # nothing else was known
    assert exposures_of(made, [some], NOON + 13 * DAYS - timedelta(seconds=1)) == []
    assert [each.outcome for each in exposures_of(made, [some], NOON + 13 * DAYS)] == [5 / CAP]


HOMES = plan(unit="household")


def at_home(home: str, arm: str, fen: int | None, after: timedelta = timedelta()) -> Observed:
    given = Assignment(arm=arm, unit=home, propensity=0.5, at=STARTS + after, observed=fen is not None)
    return Observed(given, fen)


def test_a_household_counts_once_with_the_mean_of_its_members() -> None:
    seen = [
        at_home("h1", "short", CAP),
        at_home("h1", "short", 0, DAYS),
        at_home("h1", "short", None, DAYS),  # missing: no guess
        at_home("h1", "short", CAP, 3 * DAYS),  # later than 72 hours: as a resident's later case, not counted
        at_home("h1", "usual", CAP, DAYS),  # the weights had changed
        at_home("h2", "usual", 0),
        at_home("h3", "usual", None),
    ]
    found = exposures_of(HOMES, seen, STARTS + 30 * DAYS)
    assert [(each.unit, each.arm, each.outcome) for each in found] == [
        ("h1", "short", 0.5),
        ("h2", "usual", 0.0),
        ("h3", "usual", None),
    ]


def test_a_household_is_complete_when_all_who_may_still_join_are_and_then_stays_as_it_is() -> None:
    seen = [at_home("h1", "short", CAP)]
    end = STARTS + 6 * DAYS  # 72 hours to join, and 72 for the money to leave
    assert exposures_of(HOMES, seen, end - timedelta(seconds=1)) == []
    first = exposures_of(HOMES, seen, end)
    assert [(each.outcome, each.known_at) for each in first] == [(1.0, end)]
    assert exposures_of(HOMES, [*seen, at_home("h1", "short", 0, 4 * DAYS)], end + 9 * DAYS) == first
    assert HOMES.complete_at == ENDS + 6 * DAYS


def test_equal_members_of_few_households_are_no_evidence_as_they_would_be_of_many_residents() -> None:
    homes = [("short", CAP), ("usual", 0)] * 12  # by chance, all of the arm lost and none of the control
    seen = [at_home(f"h{n}", arm, fen, n * DAYS / 9) for n, (arm, fen) in enumerate(homes) for _ in range(30)]
    now = STARTS + 40 * DAYS
    (by_home,) = read_experiment("wording", HOMES, seen, "digest", now).contrasts
    alone = [Observed(each.given.model_copy(update={"unit": f"r{n}"}), each.left_fen) for n, each in enumerate(seen)]
    (by_resident,) = read_experiment("wording", plan(), alone, "digest", now).contrasts
    assert (by_home.units, by_resident.units) == (24, 720)
    assert by_home.estimate == pytest.approx(1, abs=0.1)
    assert by_home.high - by_home.low > 2 * (by_resident.high - by_resident.low)
    assert by_home.harm < by_resident.harm
