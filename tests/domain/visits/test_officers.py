"""Who goes to the door."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.policy.visits import VisitRules
from domain.visits import officers as officers_module
from domain.visits.officers import ELIGIBLE, Visit, choose_officer, choosing, load_of, off_at, on_duty
from domain.visits.rounds import in_order
from schemas.codes.channels import ChosenOfficer
from schemas.levels import Level
from schemas.people.residents import Language
from schemas.people.rosters import Officer, Role, Shift, Task, TaskState

NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
ON = Shift(start=NOW - timedelta(hours=1), end=NOW + timedelta(hours=9))
OVER = Shift(start=NOW - timedelta(hours=9), end=NOW)
HERE, COUNTY, CITY, FAR = "220102001", "220102002", "220104001", "222401001"
SOON_OFF = Shift(start=NOW - timedelta(hours=9), end=NOW + timedelta(minutes=29))
VISIT = Visit(Level.RED, HERE, Language.CHINESE)
RULES = VisitRules()  # in the same street office 10 minutes away, 20 at the door
FULL = RULES.ahead


def officer(
    name: str, division: str = HERE, *shifts: Shift, role: Role = Role.OFFICER, korean: bool = False
) -> Officer:
    languages = frozenset({Language.CHINESE, Language.KOREAN} if korean else {Language.CHINESE})
    return Officer(
        id=name, name="某警官", role=role, division=division, languages=languages, shifts=list(shifts or (ON,))
    )


def task(who: str, dispatch: str, state: TaskState = TaskState.OPEN) -> Task:
    resident = "r" + "a" * 16
    return Task(
        dispatch=dispatch,
        case="r-1",
        resident=resident,
        officer=who,
        at=NOW - timedelta(minutes=1),
        state=state,
        level=Level.RED,
        division=HERE,
    )


def chosen(
    *officers: Officer, visit: Visit = VISIT, tasks: tuple[Task, ...] = (), rules: VisitRules = RULES
) -> str | None:
    choice = choose_officer(officers, visit, NOW, tasks, rules)
    return choice.officer.id if choice else None


def test_the_nearest_of_the_free_goes() -> None:
    assert chosen(officer("far", FAR), officer("city", CITY), officer("county", COUNTY), officer("here")) == "here"


def test_of_who_has_too_much_to_do_no_round_is_reckoned(monkeypatch: pytest.MonkeyPatch) -> None:
    """When there is too much to do it is so with nearly everybody, for each visit that is asked for."""
    monkeypatch.setattr(officers_module, "in_order", lambda *_: pytest.fail("a round was reckoned"))
    tasks = tuple(task("here", str(number)) for number in range(RULES.most))
    assert chosen(officer("here"), tasks=tasks) is None


def test_nobody_goes_whose_shift_is_over_even_if_nobody_else_can() -> None:
    assert chosen(officer("p", HERE, OVER)) is None


def test_who_refused_the_visit_is_not_asked_again() -> None:
    refused = replace(VISIT, never=frozenset({"here"}))
    assert chosen(officer("here"), officer("far", FAR), visit=refused) == "far"


def test_a_grid_worker_goes_for_yellow_and_not_for_red() -> None:
    grid = officer("grid", role=Role.GRID_WORKER)
    assert chosen(grid) is None
    assert chosen(grid, officer("p"), visit=replace(VISIT, level=Level.YELLOW)) == "grid"


def test_who_speaks_the_residents_language_goes_a_little_further() -> None:
    korean = replace(VISIT, language=Language.KOREAN)
    assert chosen(officer("here"), officer("county", COUNTY, korean=True), visit=korean) == "county"
    assert chosen(officer("here"), officer("far", FAR, korean=True), visit=korean) == "here"


def test_who_was_there_before_goes_again() -> None:
    assert chosen(officer("a"), officer("b"), visit=replace(VISIT, last="b")) == "b"


def test_a_busy_officer_is_spared_and_a_full_one_passed_over() -> None:
    full = tuple(task("here", str(number)) for number in range(FULL))
    assert chosen(officer("here"), officer("county", COUNTY), tasks=full[:2]) == "county"
    assert chosen(officer("here"), tasks=full) is None


def test_who_would_not_be_done_before_his_shift_ends_is_passed_over_for_one_further_away() -> None:
    assert chosen(officer("here", HERE, SOON_OFF), officer("county", COUNTY)) == "county"
    assert chosen(officer("here", HERE, SOON_OFF)) is None


def test_what_he_has_to_make_before_counts_in_his_hours() -> None:
    ends = Shift(start=NOW - timedelta(hours=1), end=NOW + timedelta(minutes=59))
    assert chosen(officer("here", HERE, ends)) == "here"
    assert chosen(officer("here", HERE, ends), tasks=(task("here", "1"),)) is None


def test_a_shift_that_goes_on_in_the_next_ends_with_that_one() -> None:
    next_one = Shift(start=SOON_OFF.end, end=NOW + timedelta(hours=8))
    assert off_at(officer("here", HERE, next_one, SOON_OFF), NOW) == next_one.end
    assert chosen(officer("here", HERE, next_one, SOON_OFF)) == "here"
    assert off_at(officer("here", HERE, OVER), NOW) is None


def test_where_the_policy_allows_it_somebody_is_kept_past_his_shift_unless_another_is_there_about_as_soon() -> None:
    rules = RULES.model_copy(update={"overtime": {Level.RED: timedelta(minutes=20)}})
    here, county, far = officer("here", HERE, SOON_OFF), officer("county", COUNTY), officer("far", FAR)
    choice = choose_officer([here, far], VISIT, NOW, [], rules)
    assert choice is not None
    assert choice.officer == here
    assert isinstance(choice.because, ChosenOfficer)
    assert choice.because.overtime
    late = officer("late", HERE, Shift(start=NOW - timedelta(hours=1), end=NOW + timedelta(minutes=12)))
    assert chosen(late, rules=rules) == "late"
    assert chosen(late, county, rules=rules) == "county"
    assert chosen(here, visit=replace(VISIT, level=Level.ORANGE), rules=rules) is None
    assert chosen(officer("county", COUNTY, SOON_OFF), rules=RULES) is None


def test_who_has_lesser_visits_to_make_goes_to_a_grave_one_before_them() -> None:
    lesser = tuple(
        each.model_copy(update={"level": Level.ORANGE, "worth_fen": 9_000_000})
        for each in (task("here", "1"), task("here", "2"), task("here", "3"))
    )
    assert chosen(officer("here"), officer("county", COUNTY), tasks=lesser) == "here"
    orange = replace(VISIT, level=Level.ORANGE, worth_fen=1_000_000)
    assert chosen(officer("here"), officer("county", COUNTY), visit=orange, tasks=lesser) == "county"


def test_a_visit_that_another_worker_gave_a_moment_later_still_comes_before_the_new_one() -> None:
    given = tuple(
        each.model_copy(update={"at": NOW + timedelta(microseconds=number)})
        for number, each in enumerate((task("here", "1"), task("here", "2"), task("here", "3")), 1)
    )
    assert chosen(officer("here"), tasks=given[:2]) == "here"
    assert chosen(officer("here"), tasks=given) is None


def test_nobody_is_given_more_than_so_many_visits_however_grave() -> None:
    lesser = tuple(task("here", str(number)).model_copy(update={"level": Level.ORANGE}) for number in range(RULES.most))
    assert chosen(officer("here"), tasks=lesser) is None


def test_a_unit_on_two_tasks_is_counted_once() -> None:
    load = load_of([task("p", "d1"), task("p", "d2"), task("q", "d3")])
    assert len(load) == 2
    assert load["p"] == {"d1", "d2"}


def test_a_task_told_twice_or_ended_is_no_load() -> None:
    assert load_of([task("p", "d1"), task("p", "d1"), task("q", "d2", TaskState.ENDED)]) == {"p": {"d1"}}


def test_a_place_is_near_under_its_old_code_too() -> None:
    gongzhuling = replace(VISIT, division="220184")
    assert chosen(officer("near", "220381"), officer("far", CITY), visit=gongzhuling) == "near"


OFFICERS = st.lists(
    st.builds(
        officer,
        st.sampled_from("abcdefgh"),
        st.sampled_from([HERE, COUNTY, CITY, FAR]),
        st.sampled_from([ON, OVER]),
        role=st.sampled_from(Role),
        korean=st.booleans(),
    ),
    unique_by=lambda each: each.id,
)
VISITS = st.builds(
    Visit,
    st.sampled_from(Level),
    st.sampled_from([HERE, FAR]),
    st.sampled_from(Language),
    st.frozensets(st.sampled_from("abcdefgh")),
)


TASKS = st.lists(st.builds(task, st.sampled_from("abcdefgh"), st.text(min_size=1, max_size=3)))


@given(OFFICERS, VISITS, TASKS)
def test_whoever_goes_is_on_duty_eligible_willing_and_not_full(
    officers: list[Officer], visit: Visit, tasks: list[Task]
) -> None:
    load = load_of(tasks)
    choice = choose_officer(officers, visit, NOW, tasks, RULES)
    able = [
        each
        for each in officers
        if on_duty(each, NOW)
        and each.role in ELIGIBLE[visit.level]
        and each.id not in visit.never
        and len(load.get(each.id, ())) < RULES.most
    ]
    assert choice is None or choice.officer in able
    assert choice == choose_officer(officers[::-1], visit, NOW, tasks[::-1], RULES)


@given(OFFICERS, VISITS, TASKS, st.sampled_from("abcdefgh"))
def test_whose_round_is_not_reckoned_would_not_have_gone(
    officers: list[Officer], visit: Visit, tasks: list[Task], last: str
) -> None:
    visit = replace(visit, last=last)
    choice = choose_officer(officers, visit, NOW, tasks, RULES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(officers_module, "_shortest", lambda *_: -timedelta(days=1))
        assert choice == choose_officer(officers, visit, NOW, tasks, RULES)


@given(OFFICERS, VISITS, TASKS)
def test_step_by_step_the_best_so_far_is_told_and_the_last_is_chosen(
    officers: list[Officer], visit: Visit, tasks: list[Task]
) -> None:
    steps = list(choosing(officers, visit, NOW, tasks, RULES))
    assert len(steps) <= len(officers)
    assert (steps[-1] if steps else None) == choose_officer(officers, visit, NOW, tasks, RULES)


def test_of_who_is_too_far_away_no_round_is_reckoned(monkeypatch: pytest.MonkeyPatch) -> None:
    reckon = Mock(side_effect=in_order)
    monkeypatch.setattr(officers_module, "in_order", reckon)
    assert chosen(*[officer(f"far {number}", FAR) for number in range(9)], officer("here")) == "here"
    reckon.assert_called_once()


@given(OFFICERS, VISITS)
def test_who_has_nothing_to_do_and_hours_left_goes(officers: list[Officer], visit: Visit) -> None:
    willing = [each for each in officers if each.id not in visit.never and each.role in ELIGIBLE[visit.level]]
    free = any(on_duty(each, NOW) for each in willing)
    assert (choose_officer(officers, visit, NOW, [], RULES) is not None) == free
