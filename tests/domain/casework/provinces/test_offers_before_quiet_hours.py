"""An offer that waits when quiet hours are near keeps nobody unwarned until morning."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.casework import deadlines
from domain.casework.provinces.records import offer_waiting
from schemas.casework.cases import StepState
from schemas.casework.events import Dispatch, FactKind
from schemas.codes.provinces import QuietHoursNear
from schemas.levels import Action, Level
from tests.domain.builders import NOON, Line, payment, profile
from tests.domain.casework.provinces.provinceworld import THERE, handles, offered, sender, taken

QUIET = NOON + timedelta(hours=10)  # 22:00 in Jilin
MORNING = QUIET + timedelta(hours=9)
CONTACTS = {Action.SMS, Action.FLASH_SMS, Action.ROBOT_CALL, Action.OPERATOR_CALL, Action.VISIT}


def contacts(line: Line, before: datetime = QUIET) -> list[Dispatch]:
    return [out for out in line.sent() if out.action in CONTACTS and out.at < before]


def offering(level: Level, at: datetime) -> Line:
    line = sender(level, at)
    assert offered(line) is not None
    return line


@pytest.mark.parametrize("level", [Level.YELLOW, Level.BLUE])
def test_a_contact_goes_out_five_minutes_before_quiet_hours_though_the_offer_still_waits(level: Level) -> None:
    line = offering(level, QUIET - timedelta(minutes=50))
    line.pass_to(QUIET - timedelta(minutes=6))
    assert contacts(line) == []
    line.pass_to(QUIET - timedelta(minutes=5))
    assert [out.action for out in contacts(line)][:1] == [Action.SMS]
    assert offer_waiting(line.here) is not None
    assert QuietHoursNear(THERE) in line.facts(FactKind.RELEASED)


def test_an_offer_made_just_before_quiet_hours_holds_nothing_that_is_due_before_them() -> None:
    line = offering(Level.YELLOW, QUIET - timedelta(minutes=7))
    line.pass_to(QUIET - timedelta(seconds=1))
    assert contacts(line) != []
    assert line.facts(FactKind.HELD) == []


def test_a_contact_that_is_due_in_quiet_hours_waits_for_the_morning_and_then_no_longer_for_the_offer() -> None:
    line = offering(Level.BLUE, QUIET - timedelta(minutes=10))  # its first contact is due within 30 minutes
    line.pass_to(MORNING)
    assert contacts(line) == []
    assert contacts(line, MORNING + timedelta(seconds=1)) != []


def test_an_offer_of_a_level_without_quiet_hours_holds_until_its_deadline() -> None:
    line = offering(Level.ORANGE, QUIET - timedelta(minutes=6))
    line.pass_to(QUIET + timedelta(minutes=3))
    assert contacts(line) == []
    line.pass_to(QUIET + timedelta(minutes=4))
    assert contacts(line, MORNING) != []


def test_an_offer_that_is_taken_after_the_contact_went_out_still_ends_the_case_here() -> None:
    line = offering(Level.YELLOW, QUIET - timedelta(minutes=30))
    line.pass_to(QUIET)
    assert contacts(line) != []
    taken(line, line.last(Action.HAND_OVER))
    assert not handles(line)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([Level.YELLOW, Level.BLUE]),
    st.integers(min_value=0, max_value=180),
    st.integers(min_value=0, max_value=60),
    st.integers(min_value=0, max_value=240),
)
def test_an_unanswered_offer_never_moves_a_case_s_first_contact_behind_the_night(
    level: Level, minutes: int, offered_after: int, late: int
) -> None:
    """Whenever the case is raised, whenever it is offered, and though each deadline fires late by up to 4 minutes."""
    alone, line = Line(at=QUIET - timedelta(minutes=minutes)), sender(level, QUIET - timedelta(minutes=minutes))
    alone.alert(level, payment(), of=profile(contacts=1))
    for each in (alone, line):
        fire_late(each, each.now + timedelta(minutes=offered_after), timedelta(0))
    offered(line)
    fire_late(line, QUIET, timedelta(seconds=late))
    fire_late(alone, QUIET, timedelta(0))
    assert handles(line)
    if contacts(alone, QUIET - timedelta(seconds=late)):
        assert contacts(line), "the case without an offer has warned before the night"
    assert all(step.state is not StepState.HELD for step in line.here.steps if late == 0)


def fire_late(line: Line, until: datetime, late: timedelta) -> None:
    """Fire each deadline up to a time, but later by so much."""
    while due := [(at, step) for step, at in deadlines(line.here).items() if at + late <= until]:
        line.fire(min(due)[1], late)
    line.now = max(line.now, until)
