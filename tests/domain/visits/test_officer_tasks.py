"""An officer's visits: which come first, and which acts on them come too late."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.dispatches.ids import parse
from domain.visits import check_in
from domain.visits.escalation import awaits_acceptance
from domain.visits.officers import choose_officer
from domain.visits.rounds import Post
from domain.visits.tasks import (
    Conflict,
    Errand,
    act_time,
    after_report,
    conflict,
    given_instead,
    is_awaited,
    leave_by,
    left_at,
    sort_out,
)
from domain.visits.travel import PREFECTURE
from schemas.casework.acts import CloseAct, NoteAct, OutcomeAct
from schemas.casework.cases import Case, CaseState
from schemas.casework.events import FactKind
from schemas.casework.inputs import OfficerReport, VisitStage
from schemas.codes.channels import SentInstead
from schemas.codes.people import InterpreterNeeded
from schemas.codes.visits import VisitHandedOver
from schemas.levels import Action, Level, Outcome, Result
from schemas.people.residents import InterpreterLanguage
from schemas.people.rosters import Task, TaskState
from schemas.people.tasks import act_adapter
from tests.domain.builders import RESIDENT, Line, payment, policy, profile
from tests.domain.visits.test_officers import COUNTY, FAR, HERE, NOW, OVER, RULES, VISIT, officer

MINUTE = timedelta(minutes=1)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - the strategy adds the zone
AT_THE_DOOR = (VisitStage.ARRIVED, VisitStage.NOT_AT_HOME, VisitStage.DONE)
GOING = (VisitStage.ACCEPTED, VisitStage.ON_THE_WAY, VisitStage.REFUSED, VisitStage.HANDED_OVER)


def sent(division: str = HERE) -> tuple[Line, Task]:
    """A red case whose visit an officer was given."""
    line = Line()
    line.alert(Level.RED, payment(), of=profile(division=division))
    line.result(Result.DELIVERED, Action.FLASH_SMS)
    line.pass_to(timedelta(seconds=150))
    out = line.last(Action.VISIT)
    task = Task(dispatch=out.id, case=out.case, resident=RESIDENT, officer="p-1", at=line.now, level=out.level)
    return line, task


def told(task: Task, **changes: object) -> Task:
    return task.model_copy(update=changes)


def reported(task: Task, stage: VisitStage, at: datetime, **more: object) -> OfficerReport:
    name = parse(task.dispatch)
    where = {"resident": name.resident, "case": name.case, "dispatch": task.dispatch, "step": name.step}
    how = {"id": "r", "at": at, "by": task.officer, "attempt": name.attempt, "stage": stage}
    return OfficerReport.model_validate(where | how | more)


@pytest.mark.parametrize("stage", [*GOING, *AT_THE_DOOR])
def test_an_act_on_a_visit_that_is_asked_for_counts(stage: VisitStage) -> None:
    line, task = sent()
    assert conflict(task, line.here, stage) is None


@pytest.mark.parametrize("stage", GOING)
def test_who_was_sent_goes_on_though_the_resident_was_dissuaded_by_telephone_meanwhile(stage: VisitStage) -> None:
    line, task = sent()
    line.dissuaded()
    assert conflict(task, line.here, stage) is None


@pytest.mark.parametrize("stage", GOING)
def test_nobody_goes_any_more_who_was_recalled(stage: VisitStage) -> None:
    line, task = sent()
    line.dissuaded(recall=True)
    assert conflict(task, line.here, stage) is Conflict.SETTLED


@pytest.mark.parametrize("stage", GOING)
def test_who_was_late_is_told_that_another_goes(stage: VisitStage) -> None:
    line, task = sent()
    line.pass_to(6 * MINUTE)
    assert conflict(told(task, state=TaskState.LATE), line.here, stage) is Conflict.ANOTHER


@pytest.mark.parametrize("stage", AT_THE_DOOR)
def test_what_happened_at_the_door_counts_though_another_was_sent(stage: VisitStage) -> None:
    line, task = sent()
    line.pass_to(6 * MINUTE)
    assert conflict(told(task, state=TaskState.LATE), line.here, stage) is None


def test_the_result_of_who_was_late_settles_the_case() -> None:
    line, task = sent()
    line.pass_to(6 * MINUTE)
    report = reported(task, VisitStage.DONE, line.now, outcome=OutcomeAct(outcome=Outcome.DISSUADED))
    assert line.last(Action.VISIT).attempt > report.attempt
    line.give(report)
    assert line.state() is CaseState.DISSUADED


def test_an_officer_from_whom_the_desk_took_the_visit_is_told_so_and_one_who_handed_it_over_is_not() -> None:
    line, task = sent()
    handed = reported(task, VisitStage.HANDED_OVER, line.now, to="p-2")
    taken = handed.model_copy(update={"because": SentInstead("li")})
    assert after_report(task, handed).state is TaskState.REFUSED
    after = after_report(task, taken)
    assert (after.state, after.to) == (TaskState.LATE, "p-2")
    line.give(taken)
    assert line.last(Action.VISIT).attempt > handed.attempt, "another officer is sent at once"


@pytest.mark.parametrize("stage", [*GOING, *AT_THE_DOOR])
def test_nothing_counts_on_a_closed_case(stage: VisitStage) -> None:
    line, task = sent()
    line.act(CloseAct(reason="a test of it"))
    assert conflict(task, line.here, stage) is Conflict.SETTLED
    assert conflict(task, None, stage) is Conflict.SETTLED


@pytest.mark.parametrize("state", [TaskState.REFUSED, TaskState.ENDED])
def test_a_visit_that_has_ended_is_over(state: TaskState) -> None:
    line, task = sent()
    assert conflict(told(task, state=state), line.here, VisitStage.DONE) is Conflict.OVER


def test_an_earlier_stage_does_not_undo_a_later_one() -> None:
    line, task = sent()
    arrived = told(task, stage=VisitStage.ARRIVED)
    assert conflict(arrived, line.here, VisitStage.ON_THE_WAY) is Conflict.BEHIND
    assert conflict(arrived, line.here, VisitStage.ARRIVED) is None


def after(task: Task, *stages: VisitStage) -> Task:
    """The task after these reports, one a minute."""
    for minute, stage in enumerate(stages):
        task = after_report(task, reported(task, stage, NOW + minute * MINUTE))
    return task


@pytest.mark.parametrize("late", [VisitStage.ASSIGNED, VisitStage.ACCEPTED, VisitStage.ON_THE_WAY, VisitStage.ARRIVED])
def test_who_is_at_the_door_stays_watched_from_the_first_arrival_whatever_report_comes_late(late: VisitStage) -> None:
    _, task = sent()
    here = after(task, VisitStage.ARRIVED, late)
    assert check_in.due(here) == NOW + check_in.WITHIN
    assert here.stage is VisitStage.ARRIVED
    assert (here.accepted_at is not None) is (late is VisitStage.ACCEPTED)


@pytest.mark.parametrize("end", [VisitStage.DONE, VisitStage.NOT_AT_HOME, VisitStage.REFUSED, VisitStage.HANDED_OVER])
@pytest.mark.parametrize("late", [VisitStage.ACCEPTED, VisitStage.ARRIVED, VisitStage.REFUSED])
def test_a_report_that_comes_after_the_end_raises_no_alarm_and_begins_nothing(
    end: VisitStage, late: VisitStage
) -> None:
    _, task = sent()
    ended = after(task, VisitStage.ARRIVED, end)
    assert after(ended, late) == ended
    assert check_in.due(after(ended, late)) is None


def test_a_visit_that_nobody_was_at_home_for_may_still_be_done() -> None:
    _, task = sent()
    assert after(task, VisitStage.NOT_AT_HOME, VisitStage.DONE).stage is VisitStage.DONE


def test_a_station_that_repeats_that_it_has_the_task_has_not_answered_for_its_officer() -> None:
    _, task = sent()
    assert awaits_acceptance(after(task, VisitStage.ASSIGNED))


def test_the_gravest_comes_first_and_of_two_alike_the_nearer() -> None:
    line, task = sent()
    grave, near, far = (told(task, dispatch=f"r{name * 16}-1:red.visit:1:visit", note=name) for name in "gnf")
    orange = line.here.model_copy(update={"level": Level.ORANGE})
    away = orange.model_copy(update={"profile": profile(division=FAR)})
    found, gone = sort_out([(far, away), (near, orange), (grave, line.here)], Post(HERE), line.now, policy())
    assert [errand.task.note for errand in found] == ["g", "n", "f"]
    assert gone == []


def test_of_the_gravest_level_the_nearest_deadline_comes_first_and_before_it_the_visit_at_the_door() -> None:
    line, task = sent()
    (step,) = [step for step in line.here.steps if step.action is Action.VISIT]

    def due(name: str, minutes: int, **known: object) -> tuple[Task, Case]:
        other = told(task, dispatch=f"r{name * 16}-1:red.visit:1:visit", note=name, **known)
        steps = [step.model_copy(update={"due": line.now + minutes * MINUTE})]
        return other, line.here.model_copy(update={"steps": steps})

    mine = [due("l", 40), due("s", 20), due("d", 60, stage=VisitStage.ARRIVED)]
    for tasks in (mine, mine[::-1]):
        found, _ = sort_out(tasks, Post(HERE), line.now, policy())
        assert [errand.task.note for errand in found] == ["d", "s", "l"]


def test_an_arrival_has_a_latest_departure_and_a_visit_not_accepted_or_at_the_door_has_none() -> None:
    line, task = sent()
    drive = timedelta(minutes=90)
    for stage in (None, VisitStage.ASSIGNED, VisitStage.ARRIVED):
        errand = Errand(told(task, stage=stage), line.here, line.now, PREFECTURE, drive, fits=True)
        assert leave_by(errand) is None
    for stage in (VisitStage.ACCEPTED, VisitStage.ON_THE_WAY):
        errand = Errand(told(task, stage=stage), line.here, line.now, PREFECTURE, drive, fits=True)
        assert leave_by(errand) == line.now - drive
        assert leave_by(replace(errand, due=None)) is None


def test_who_is_on_the_way_left_at_the_earliest_when_the_visit_was_accepted() -> None:
    line, task = sent()
    accepted = told(task, stage=VisitStage.ACCEPTED, accepted_at=line.now)
    assert left_at(accepted) is None
    assert left_at(told(accepted, stage=VisitStage.ON_THE_WAY)) == line.now


def test_a_visit_no_longer_asked_for_is_told_apart_unless_he_stands_at_the_door() -> None:
    line, task = sent()
    line.dissuaded(recall=True)
    assert not is_awaited(task, line.here)
    assert sort_out([(task, line.here)], Post(HERE), line.now, policy()) == ([], [task])
    assert sort_out([(told(task, seen=True), line.here)], Post(HERE), line.now, policy()) == ([], [])
    found, gone = sort_out([(told(task, stage=VisitStage.ARRIVED), line.here)], Post(HERE), line.now, policy())
    assert (len(found), gone) == (1, [])


def test_of_two_visits_to_one_case_the_one_to_be_made_stands_for_the_withdrawn_one() -> None:
    line, task = sent()
    before = told(task, dispatch=f"{task.dispatch}-before", state=TaskState.LATE, at=task.at - MINUTE)
    errands, gone = sort_out([(before, line.here), (task, line.here)], Post(HERE), line.now, policy())
    assert (gone, given_instead(before, errands)) == ([before], task)
    assert given_instead(told(before, case="another-1"), errands) is None


def test_he_is_told_which_visits_no_longer_fit_into_his_shift() -> None:
    line, task = sent()
    orange = line.here.model_copy(update={"level": Level.ORANGE})
    for minutes, fits in ((29, False), (30, True)):
        post = Post(HERE, line.now + minutes * MINUTE)
        (found,), _ = sort_out([(task, orange)], post, line.now, policy())
        assert found.fits is fits


def test_a_visit_that_joined_anothers_is_a_task_of_its_own_only_when_that_one_is_not_made_any_more() -> None:
    line, task = sent()
    other = told(task, dispatch=task.dispatch.replace(RESIDENT, "r" + "b" * 16), joins=task.dispatch)
    found, _ = sort_out([(other, line.here), (task, line.here)], Post(HERE), line.now, policy())
    assert [errand.task for errand in found] == [task]
    over = told(task, state=TaskState.ENDED)
    found, gone = sort_out([(other, line.here), (over, line.here)], Post(HERE), line.now, policy())
    assert ([errand.task for errand in found], gone) == ([other], [])


@given(MOMENTS, MOMENTS, MOMENTS)
def test_an_act_is_never_told_of_the_future_nor_of_before_it_was_asked_for(
    said: datetime, asked: datetime, now: datetime
) -> None:
    at = act_time(said, asked, now)
    assert at <= now
    assert at >= min(asked, now)
    assert at == said or not asked <= said <= now


def test_a_visit_handed_over_goes_to_the_next_at_once() -> None:
    line, _ = sent()
    line.officer(VisitStage.ACCEPTED)
    out = line.officer(VisitStage.HANDED_OVER).dispatches
    assert [(each.action, each.attempt) for each in out] == [(Action.VISIT, 2)]
    assert line.here.officer is None
    assert isinstance(line.facts(FactKind.VISIT)[-1], VisitHandedOver)


def test_who_a_colleague_hands_it_to_goes_though_another_is_nearer() -> None:
    visit = type(VISIT)(VISIT.level, VISIT.division, VISIT.language, to="far")
    choice = choose_officer([officer("here"), officer("far", FAR)], visit, NOW, [], RULES)
    assert choice is not None
    assert choice.officer.id == "far"


def test_a_colleague_off_duty_is_handed_nothing() -> None:
    visit = type(VISIT)(VISIT.level, VISIT.division, VISIT.language, to="far")
    choice = choose_officer([officer("here", COUNTY), officer("far", FAR, OVER)], visit, NOW, [], RULES)
    assert choice is not None
    assert choice.officer.id == "here"


def test_an_interpreter_asked_for_is_in_the_cases_story() -> None:
    line, _ = sent()
    line.act(NoteAct(what="interpreter", language=InterpreterLanguage.KOREAN), by="p-1", seen=0)
    assert line.facts(FactKind.NOTE)[-1] == InterpreterNeeded(InterpreterLanguage.KOREAN)


@pytest.mark.parametrize("stage", [VisitStage.ASSIGNED, VisitStage.HANDED_OVER])
def test_no_telephone_tells_what_is_not_its_to_tell(stage: VisitStage) -> None:
    raw = {"id": "0" * 32, "at": "2026-03-01T00:00:00Z", "do": "stage", "dispatch": "d", "stage": stage.value}
    with pytest.raises(ValueError, match="not a stage that an officer reports"):
        act_adapter.validate_python(raw)
