"""Whether an officer can be at the door in time, and who could be there sooner."""

import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from domain.visits.arrival import LateArrival, late_arrival, nearer_officers
from schemas.casework.inputs import VisitStage
from schemas.people.rosters import Role, Shift, TaskState
from tests.domain.builders import policy
from tests.domain.visits.test_officer_tasks import sent, told
from tests.domain.visits.test_officers import COUNTY, FAR, HERE, OVER, officer

MINUTE = timedelta(minutes=1)
STREETS = [f"2201{county}{street:03}" for county in ("02", "03", "04", "05", "06", "12") for street in range(1, 6)]


def test_before_it_is_accepted_a_visit_is_late_if_the_drive_takes_longer_than_the_time_to_arrive() -> None:
    line, task = sent()  # red: 40 minutes to arrive; within the county 25, to Yanji over five hours
    assert late_arrival(task, line.here, COUNTY, line.now, policy()) is None
    late = late_arrival(task, line.here, FAR, line.now, policy())
    assert late is not None
    assert late.due == line.now + 40 * MINUTE
    assert late.minutes == (late.arrives - late.due) // MINUTE > 200


@pytest.mark.parametrize(("stage", "late"), [(VisitStage.ACCEPTED, 5), (VisitStage.ON_THE_WAY, None)])
def test_who_has_not_left_yet_arrives_later_from_minute_to_minute(stage: VisitStage, late: int | None) -> None:
    line, task = sent()
    step = next(each for each in line.here.steps if each.id == "red.visit")
    due = step.model_copy(update={"due": line.now + 40 * MINUTE})
    case = line.here.model_copy(update={"steps": [due]})
    gone = told(task, stage=stage, accepted_at=line.now)
    found = late_arrival(gone, case, COUNTY, line.now + 20 * MINUTE, policy())
    assert (found.minutes if found else None) == late


def test_nobody_is_late_at_the_door_or_for_a_visit_that_is_not_awaited() -> None:
    line, task = sent()
    assert late_arrival(told(task, stage=VisitStage.ARRIVED), line.here, FAR, line.now, policy()) is None
    line.dissuaded(recall=True)
    assert late_arrival(task, line.here, FAR, line.now, policy()) is None


def test_a_part_of_a_minute_counts_as_one() -> None:
    line, _ = sent()
    assert LateArrival(line.now + timedelta(seconds=61), line.now).minutes == 2


def test_the_nearer_officer_is_on_duty_free_permitted_was_not_asked_before_and_is_there_sooner() -> None:
    line, task = sent()
    late = late_arrival(task, line.here, FAR, line.now, policy())
    assert late is not None
    on = Shift(start=line.now - MINUTE, end=line.now + 60 * MINUTE)
    off, busy = officer("off", HERE, OVER), officer("busy", HERE, on)
    lay, own = officer("lay", HERE, on, role=Role.BUILDING_HEAD), officer(task.officer, HERE, on)
    near, as_far = officer("near", COUNTY, on), officer("far", FAR, on)
    tasks = [task, told(task, dispatch="r-9:red.visit:1:visit", case="r-9", officer="busy")]
    given = {line.here.id: (line.here, late)}
    found = nearer_officers([off, busy, lay, own, as_far, near], given, tasks, line.now, policy())[line.here.id]
    assert (found.officer.id, found.minutes) == ("near", 25)
    assert nearer_officers([off, busy, lay, own, as_far], given, tasks, line.now, policy()) == {}


def test_three_hundred_late_visits_and_four_hundred_free_officers_cost_the_overview_few_yardsticks() -> None:
    line, task = sent()
    on = Shift(start=line.now - MINUTE, end=line.now + 60 * MINUTE)
    officers = [officer(f"p-{n}", STREETS[n % len(STREETS)], on) for n in range(400)]
    ended = [told(task, dispatch=f"e-{n}:red.visit:1:visit", state=TaskState.ENDED) for n in range(2700)]
    late = late_arrival(task, line.here, FAR, line.now, policy())
    assert late is not None
    cases = {}
    for n in range(300):
        lives = line.here.profile.model_copy(update={"division": STREETS[n % len(STREETS)]})
        cases[f"r-{n}"] = line.here.model_copy(update={"id": f"r-{n}", "profile": lives}), late
    found = nearer_officers(officers, cases, ended, line.now, policy())
    assert len(found) == 300
    yardstick = worked(lambda: sum(number * number for number in range(100_000)))
    assert worked(lambda: nearer_officers(officers, cases, ended, line.now, policy())) < 40 * yardstick


def worked(what: Callable[[], object]) -> float:
    """Seconds of CPU time, the least of three times."""
    found = []
    for _ in range(3):
        began = time.process_time()
        what()
        found.append(time.process_time() - began)
    return min(found)
