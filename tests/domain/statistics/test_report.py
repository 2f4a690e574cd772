from collections import Counter
from datetime import timedelta

import pytest

from domain.casework import Decision
from domain.statistics import counts, report
from domain.statistics.report import Published
from schemas.casework.cases import Case
from schemas.casework.events import CaseEvent
from schemas.levels import Action, Level, Result
from tests.domain.builders import NOON, Line, commit_of

WALL = 1_000_000.0  # when the run began, seconds since 1970
SPEED = 60.0


def events(line: Line, inputs: list[tuple[str, str]]) -> list[Published]:
    """What the journal would hold of a line's decisions; `inputs` are (id, kind) of each."""
    told = []
    for offset, (decision, (name, kind)) in enumerate(zip(line.decisions, inputs, strict=True)):
        if decision.case is not None and decision.facts:
            told.append(Published(_event(decision, decision.case, offset, name, kind), WALL + offset))
    return told


def _event(decision: Decision, case: Case, offset: int, name: str, kind: str) -> CaseEvent:
    return CaseEvent(
        commit=commit_of(offset),
        id=f"{case.id}/{name}",
        input=name,
        input_kind=kind,
        partition=0,
        offset=offset,
        at=case.updated_at,
        case=case,
        facts=decision.facts,
        dispatches=decision.dispatches,
    )


def red_case_with_its_first_sms() -> tuple[Line, list[Published]]:
    line = Line()
    line.alert(Level.RED)
    line.now += timedelta(seconds=30)
    first = line.last(Action.FLASH_SMS)
    line.result(Result.SENT, Action.FLASH_SMS)
    line.result(Result.DELIVERED, Action.FLASH_SMS)
    return line, events(
        line,
        [("alert", "alert"), (f"{first.id}:sent", "contact_result"), (f"{first.id}:delivered", "contact_result")],
    )


def test_the_first_contact_is_measured_from_the_signal_to_the_carrier_in_wall_seconds() -> None:
    _, told = red_case_with_its_first_sms()
    assert report.first_contacts(told, SPEED) == [pytest.approx(0.5)]


def test_a_message_that_was_sent_and_then_delivered_is_one_contact() -> None:
    _, told = red_case_with_its_first_sms()
    assert report.warned(told) == {"sms": 1, "phone": 0, "visit": 0, "trusted_contact": 0, "stop_payment": 0}


def test_an_event_that_is_in_the_journal_twice_counts_once_as_it_came_first() -> None:
    _, told = red_case_with_its_first_sms()
    again = [Published(entry.event, entry.published + 5) for entry in told]
    assert sorted(entry.published for entry in report.unique([*again, *told])) == [WALL, WALL + 1, WALL + 2]


def test_a_deadline_s_error_is_from_when_it_fell_due_to_the_journal() -> None:
    line = Line()
    line.alert(Level.RED)
    due = NOON + timedelta(seconds=20)
    line.pass_to(timedelta(seconds=20))
    name = f"d:{line.here.id}:red.call:{due.timestamp() * 1000:.0f}"
    told = events(line, [("alert", "alert"), (name, "deadline")])
    errors = report.deadline_errors(told, lambda moment: WALL + (moment - NOON).total_seconds() / SPEED)
    assert errors == [pytest.approx(1 - 20 / SPEED)]


def test_a_case_counts_under_the_gravest_level_it_had() -> None:
    line = Line()
    line.alert(Level.BLUE)
    line.alert(Level.ORANGE)
    told = events(line, [("first", "alert"), ("second", "alert")])
    assert report.cases_by_level(told) == {"red": 0, "orange": 1, "yellow": 0, "blue": 0}


def test_percentiles_of_nothing_are_not_known() -> None:
    assert report.percentiles([], 50, 99) == {"p50": None, "p99": None}
    assert report.percentiles([1.0, 2.0, 3.0], 50) == {"p50": 2.0}


def test_open_cases_are_counted_by_level_and_state_and_leave_the_count_when_they_change() -> None:
    line = Line()
    line.alert(Level.RED)
    opened = line.here
    line.dissuaded()
    added = counts.of_standing(None, opened)
    added.update(counts.of_standing(opened, line.here))
    prefecture = line.here.profile.division[:4]
    reached = ("warned|channel|phone", "warned|level|red", "warned|message|operator_call.impersonated_police")
    assert +added == Counter({"open|red|dissuaded": 1, f"area|red|{prefecture}": 1, **dict.fromkeys(reached, 1)})


def test_contacts_are_counted_by_channel_and_result() -> None:
    _, told = red_case_with_its_first_sms()
    total: Counter[str] = Counter()
    for entry in told:
        total.update(counts.of_event(entry.event))
    assert (total["contact|sms|sent"], total["contact|sms|delivered"], total["opened|red"]) == (1, 1, 1)
