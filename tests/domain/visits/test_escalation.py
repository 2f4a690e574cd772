"""The ladder by which an officer is told of a visit until they accept."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.policy.visits import EscalationRules
from domain.visits.escalation import (
    CALL_SOON,
    NextRung,
    OfficerReach,
    awaits_acceptance,
    next_rung,
    not_accepted,
    was_accepted,
)
from schemas.casework.cases import CaseState
from schemas.casework.events import FactKind
from schemas.casework.inputs import VisitStage
from schemas.channels.receipts import StationReceipt
from schemas.codes.visits import OfficerNotified, VisitNotAccepted
from schemas.levels import Action, Level
from schemas.people.alarms import AlarmKind
from schemas.people.escalations import Escalation, OfficerRung, RungResult, RungTried
from schemas.people.rosters import Officer, Role, Task, TaskState
from schemas.people.tasks import act_adapter
from tests.domain.builders import policy
from tests.domain.visits.test_officer_tasks import sent, told

NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
RULES = EscalationRules(push=30 * SECOND, sms=40 * SECOND, call=50 * SECOND, officers=2)
PUSH, SMS, CALL = OfficerRung.PUSH, OfficerRung.SMS, OfficerRung.CALL
NEXT, ROOM = OfficerRung.NEXT_OFFICER, OfficerRung.WATCH_ROOM
OUT, FAILED, ABSENT = RungResult.SENT, RungResult.FAILED, RungResult.ABSENT


def ladder(*tried: tuple[OfficerRung, RungResult | None], at: int = 0, earlier: int = 0) -> Escalation:
    """The last rung was tried `at` seconds after the visit was given."""
    rungs = [RungTried(rung=rung, at=NOW + at * SECOND, result=result) for rung, result in tried]
    return Escalation(dispatch="d-1", officer="p-1", began=NOW, earlier=earlier, rungs=rungs)


def following(escalation: Escalation, *, succeeded: bool = False) -> tuple[OfficerRung, int] | None:
    """The next rung, and how many seconds after the visit was given."""
    found = next_rung(escalation, RULES, succeeded=succeeded)
    return (found.rung, round((found.due - NOW) / SECOND)) if found else None


@pytest.mark.parametrize(
    ("stage", "accepted"),
    [
        (None, False),
        (VisitStage.ACCEPTED, True),
        (VisitStage.ON_THE_WAY, True),
        (VisitStage.ARRIVED, True),
        (VisitStage.DONE, True),
        (VisitStage.REFUSED, False),
        (VisitStage.HANDED_OVER, False),
    ],
)
def test_a_late_task_was_accepted_if_its_officer_answered_that_they_go(
    stage: VisitStage | None, accepted: bool
) -> None:
    late = Task(
        dispatch="d-1",
        case="c-1",
        resident="r" + "a" * 16,
        officer="p-1",
        at=NOW,
        state=TaskState.LATE,
        stage=stage,
    )
    assert was_accepted(late) is accepted


def test_the_officers_devices_are_told_at_once() -> None:
    assert next_rung(ladder(), RULES, succeeded=False) == NextRung(PUSH, NOW)


def test_a_text_message_follows_when_a_push_message_was_not_accepted_in_time() -> None:
    assert following(ladder((PUSH, OUT), at=1)) == (SMS, 31)


@pytest.mark.parametrize("result", [FAILED, ABSENT, RungResult.UNKNOWN])
def test_a_text_message_follows_at_once_when_no_push_message_went_out(result: RungResult) -> None:
    assert following(ladder((PUSH, result), at=1)) == (SMS, 1)


def test_a_call_follows_the_text_message() -> None:
    assert following(ladder((PUSH, OUT), (SMS, OUT), at=31)) == (CALL, 71)


def test_text_message_and_call_go_out_within_ten_seconds_when_the_push_message_failed() -> None:
    assert following(ladder((PUSH, FAILED), (SMS, OUT), at=2)) == (CALL, 2 + CALL_SOON // SECOND)
    assert following(ladder((PUSH, FAILED), (SMS, FAILED), at=2)) == (CALL, 2)


def test_another_officer_is_asked_when_the_call_was_not_enough() -> None:
    assert following(ladder((PUSH, OUT), (SMS, OUT), (CALL, OUT), at=71)) == (NEXT, 121)


def test_nobody_is_replaced_sooner_than_a_push_message_would_have_been_given() -> None:
    assert following(ladder((PUSH, ABSENT), (SMS, FAILED), (CALL, FAILED), at=2)) == (NEXT, 30)


def test_the_watch_room_is_told_before_a_third_officer_is_asked() -> None:
    tried = ((PUSH, OUT), (SMS, OUT), (CALL, OUT))
    assert following(ladder(*tried, at=71, earlier=1)) == (ROOM, 121)
    assert following(ladder(*tried, (ROOM, OUT), at=121, earlier=1)) == (NEXT, 121)
    assert following(ladder(*tried, (ROOM, OUT), (NEXT, OUT), at=121, earlier=1)) is None


def test_the_watch_room_is_told_when_there_is_no_other_officer() -> None:
    tried = ladder((PUSH, OUT), (SMS, OUT), (CALL, OUT), (NEXT, OUT), at=121)
    assert following(tried) == (ROOM, 151)
    assert following(tried, succeeded=True) is None
    assert following(ladder((CALL, OUT), (NEXT, OUT), (ROOM, OUT), at=151)) is None


@pytest.mark.parametrize("rung", OfficerRung)
def test_a_rung_whose_worker_died_is_taken_up_again_at_once(rung: OfficerRung) -> None:
    assert following(ladder((rung, None), at=7)) == (rung, 7)


@given(st.lists(st.sampled_from(RungResult), min_size=5, max_size=5), st.integers(0, 3), st.booleans())
def test_every_ladder_ends_takes_no_rung_twice_and_asks_another_officer(
    results: list[RungResult], earlier: int, succeeded: bool
) -> None:
    made, at = ladder(earlier=earlier), NOW
    while found := next_rung(made, RULES, succeeded=succeeded):
        assert found.due >= at
        at = found.due
        tried = RungTried(rung=found.rung, at=at, result=results[len(made.rungs)])
        made = made.model_copy(update={"rungs": [*made.rungs, tried]})
        assert len(made.rungs) <= len(OfficerRung)
    rungs = [each.rung for each in made.rungs]
    assert len(set(rungs)) == len(rungs)
    assert rungs[:3] == [PUSH, SMS, CALL]
    assert NEXT in rungs
    assert (ROOM in rungs) == (earlier + 1 >= RULES.officers or not succeeded)
    assert at - NOW <= RULES.push + RULES.sms + RULES.call + RULES.push


@pytest.mark.parametrize("stage", [None, *VisitStage])
def test_only_a_task_that_nobody_has_answered_is_waiting(stage: VisitStage | None) -> None:
    task = sent()[1]
    assert awaits_acceptance(told(task, stage=stage)) == (stage is None)
    assert not awaits_acceptance(told(task, state=TaskState.LATE))
    assert not awaits_acceptance(told(task, joins="d-0"))


def test_who_has_neither_a_device_nor_a_telephone_is_not_told_here() -> None:
    assert not OfficerReach(push=False, phone=False).any
    assert OfficerReach(push=True, phone=False).any
    assert OfficerReach(push=False, phone=True).any


@pytest.mark.parametrize(("name", "wait"), [("push", "9s"), ("sms", "2h"), ("call", "0s")])
def test_a_wait_out_of_bounds_is_refused(name: str, wait: str) -> None:
    with pytest.raises(ValidationError, match="not_between"):
        EscalationRules.model_validate({name: wait})


def test_jilins_policy_gives_thirty_seconds_to_accept_red() -> None:
    assert policy().visits.escalation[Level.RED].push == 30 * SECOND


def test_the_watch_rooms_alarm_says_whose_visit_and_where() -> None:
    line, task = sent()
    wang = Officer(id="p-1", name="王警官", role=Role.OFFICER, division="220102001")
    alarm = not_accepted(task, wang, line.here, NOW)
    assert (alarm.kind, alarm.name, alarm.area) == (AlarmKind.NOT_ACCEPTED, "王警官", "220102001")
    assert (alarm.place, alarm.case, alarm.at) == (line.here.profile.division, line.here.id, task.at)
    assert not_accepted(task, None, None, NOW).id == alarm.id


def test_a_visit_that_is_not_accepted_goes_to_the_next_at_once_and_the_story_says_so() -> None:
    line, _ = sent()
    line.officer(VisitStage.ASSIGNED)
    out = line.officer(VisitStage.NOT_ACCEPTED).dispatches
    assert [(each.action, each.attempt) for each in out] == [(Action.VISIT, 2)]
    assert line.here.officer is None
    assert isinstance(line.facts(FactKind.VISIT)[-1], VisitNotAccepted)


def test_an_officer_who_has_accepted_meanwhile_keeps_the_visit() -> None:
    line, _ = sent()
    line.officer(VisitStage.ACCEPTED)
    for stage in (VisitStage.NOT_ACCEPTED, VisitStage.NOTIFIED):
        decided = line.officer(stage)
        assert (decided.facts, decided.dispatches) == ([], [])
    assert line.here.state is CaseState.VISIT_UNDER_WAY


def test_how_an_officer_was_told_is_in_the_story_and_changes_nothing() -> None:
    line, _ = sent()
    before = line.here.steps
    line.officer(VisitStage.NOTIFIED)
    assert isinstance(line.facts(FactKind.VISIT)[-1], OfficerNotified)
    assert line.here.steps == before


@pytest.mark.parametrize("stage", ["notified", "not_accepted"])
def test_neither_a_telephone_nor_a_station_tells_what_the_system_tells(stage: str) -> None:
    raw = {"id": "0" * 32, "at": "2026-03-01T00:00:00Z", "do": "stage", "dispatch": "d", "stage": stage}
    with pytest.raises(ValidationError, match="not a stage that an officer reports"):
        act_adapter.validate_python(raw)
    with pytest.raises(ValidationError, match="not a stage that an officer reports"):
        StationReceipt.model_validate({"id": "a", "dispatch": "d", "officer": "p-1", "stage": stage})


def test_a_task_given_again_is_another_ladder() -> None:
    task = Task(dispatch="d-2", case="c-1", resident="r" + "a" * 16, officer="p-2", at=NOW)
    assert awaits_acceptance(task)
