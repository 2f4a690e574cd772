"""The safety of officers at the door."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.visits.check_in import GLANCE, WITHIN, concerns, due, duress, missed, shown_and_folded, urgency
from schemas.casework.inputs import VisitStage
from schemas.levels import Level
from schemas.people.alarms import Alarm, AlarmKind
from schemas.people.rosters import Officer, Role, Task, TaskState
from schemas.people.tasks import DuressAct
from tests.domain.builders import Line, profile

NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
WANG = Officer(id="p-1", name="王警官", role=Role.OFFICER, division="220102001")


def at_the_door(**fields: object) -> Task:
    plain = {"dispatch": "d-1", "case": "c-1", "resident": "r" + "a" * 16, "officer": "p-1", "at": NOW}
    return Task.model_validate(plain | {"stage": VisitStage.ARRIVED, "heard_at": NOW} | fields)


def pressed(name: str = "0" * 32, **fields: object) -> DuressAct:
    return DuressAct.model_validate({"id": name, "at": NOW} | fields)


def raised(area: str = "220102001", place: str | None = None, **fields: object) -> Alarm:
    plain = {"id": "a", "kind": AlarmKind.DURESS, "at": NOW, "told_at": NOW, "officer": "p-1", "name": "王警官"}
    return Alarm.model_validate(plain | {"area": area, "place": place} | fields)


def test_who_has_arrived_must_check_in_and_again_after_each_check_in() -> None:
    assert due(at_the_door()) == NOW + WITHIN
    assert due(at_the_door(heard_at=NOW + 10 * SECOND)) == NOW + 10 * SECOND + WITHIN


@pytest.mark.parametrize("stage", [stage for stage in (None, *VisitStage) if stage is not VisitStage.ARRIVED])
def test_nobody_must_check_in_who_is_not_at_the_door(stage: VisitStage | None) -> None:
    assert due(at_the_door(stage=stage)) is None


def test_who_is_at_the_door_must_check_in_though_the_case_has_sent_another() -> None:
    assert due(at_the_door(state=TaskState.LATE)) == NOW + WITHIN


def test_who_has_read_that_he_is_no_longer_asked_for_need_not_check_in() -> None:
    assert due(at_the_door(seen=True)) is None


def test_a_visit_that_joined_anothers_has_no_check_in_of_its_own() -> None:
    assert due(at_the_door(joins="d-0")) is None


def test_a_missed_check_in_tells_who_and_where_and_since_when() -> None:
    line = Line()
    line.alert(Level.RED, of=profile(division="220104"))
    alarm = missed(at_the_door(), WANG, line.here, NOW + WITHIN + SECOND)
    assert (alarm.kind, alarm.name, alarm.at) == (AlarmKind.CHECK_IN_MISSED, "王警官", NOW + WITHIN)
    assert (alarm.area, alarm.place, alarm.case) == ("220102001", "220104", line.here.id)


def test_each_missed_check_in_is_an_alarm_of_its_own_and_only_one() -> None:
    first = missed(at_the_door(), WANG, None, NOW + WITHIN)
    again = missed(at_the_door(), WANG, None, NOW + 2 * WITHIN)
    later = missed(at_the_door(heard_at=NOW + SECOND), WANG, None, NOW + 2 * WITHIN)
    assert first.id == again.id != later.id


def test_a_check_in_is_not_missed_before_its_time() -> None:
    with pytest.raises(ValueError, match="missed"):
        missed(at_the_door(), WANG, None, NOW + WITHIN - SECOND)


def test_an_officer_whom_no_roster_knows_any_more_is_looked_for_in_the_whole_province() -> None:
    alarm = missed(at_the_door(), None, None, NOW + WITHIN)
    assert (alarm.name, concerns("2203", alarm)) == ("p-1", True)


def test_an_alarm_pressed_twice_by_a_device_is_one() -> None:
    first, again = (duress(pressed(), "p-1", "王警官", "220102001", None, NOW + late * SECOND) for late in (0, 9))
    assert first.id == again.id


def test_an_alarm_pressed_in_the_future_is_pressed_now() -> None:
    assert duress(pressed(at=NOW + 60 * SECOND), "p-1", "王警官", "", None, NOW).at == NOW


def test_an_alarm_is_seen_where_the_officer_works_and_where_he_is() -> None:
    alarm = raised(area="220102001", place="220204001")
    assert [concerns(area, alarm) for area in ("", "22", "2201", "2202", "2203")] == [True, True, True, True, False]


def test_an_officer_of_the_whole_province_is_everybodys() -> None:
    assert concerns("2224", raised(area="22"))


def test_duress_comes_before_an_older_check_in() -> None:
    alarms = [raised(kind=AlarmKind.CHECK_IN_MISSED, at=NOW - 60 * SECOND), raised(id="b")]
    assert [alarm.id for alarm in sorted(alarms, key=urgency)] == ["b", "a"]


@given(st.timedeltas(timedelta(0), timedelta(days=2)), st.sampled_from(TaskState))
def test_somebody_at_the_door_is_never_without_a_clock(since: timedelta, state: TaskState) -> None:
    heard = NOW + since
    assert due(at_the_door(heard_at=heard, state=state)) == heard + WITHIN


def check_in_missed(name: str, minutes: int, safe_at: datetime | None = None) -> Alarm:
    at = NOW - timedelta(minutes=minutes)
    return raised(id=name, kind=AlarmKind.CHECK_IN_MISSED, at=at, safe_at=safe_at)


def test_of_many_missed_check_ins_the_newest_are_seen_at_once_and_the_others_folded_the_oldest_first() -> None:
    alarms = [check_in_missed(str(minutes), minutes) for minutes in (9, 5, 7, 1, 3)]
    shown, folded = shown_and_folded(alarms)
    assert ([each.id for each in shown], [each.id for each in folded]) == (["5", "3", "1"], ["9", "7"])


def test_who_has_told_since_that_he_is_safe_is_folded_before_who_has_not() -> None:
    alarms = [check_in_missed("safe", 1, safe_at=NOW), *(check_in_missed(str(n), n) for n in (5, 6, 7))]
    assert [each.id for each in shown_and_folded(alarms)[1]] == ["safe"]


@given(st.lists(st.tuples(st.sampled_from(AlarmKind), st.integers(0, 900)), max_size=12))
def test_every_alarm_is_there_once_and_nobody_in_danger_is_folded(made: list[tuple[AlarmKind, int]]) -> None:
    alarms = [raised(id=str(n), kind=kind, at=NOW - age * SECOND) for n, (kind, age) in enumerate(made)]
    shown, folded = shown_and_folded(alarms)
    assert sorted(each.id for each in (*shown, *folded)) == sorted(each.id for each in alarms)
    assert AlarmKind.DURESS not in {each.kind for each in folded}
    assert len([each for each in shown if each.kind is not AlarmKind.DURESS]) <= GLANCE
    assert shown == sorted(shown, key=urgency)
    assert folded == sorted(folded, key=urgency)


def test_a_visit_that_nobody_accepts_is_shown_before_missed_check_ins() -> None:
    late = raised(id="late", kind=AlarmKind.NOT_ACCEPTED, at=NOW - 60 * SECOND)
    shown, folded = shown_and_folded([*(check_in_missed(str(n), n) for n in range(4)), late])
    assert (len(shown), shown[0].id, len(folded)) == (GLANCE, "late", 2)
