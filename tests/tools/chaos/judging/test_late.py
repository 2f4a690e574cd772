"""When a deadline is late: the law by which rounds of chaos are judged, on stories made up by hand."""

from collections import Counter
from pathlib import Path

from domain.casework import deadlines
from schemas.casework.events import CaseEvent
from schemas.casework.inputs import Deadline
from schemas.levels import Level
from streams.runtime.clock import Clock
from streams.state.keys import milliseconds
from tests.domain.builders import NOON, Line, commit_of
from tests.tools.chaos.judging.books import Books
from tests.tools.chaos.judging.late import late, recoveries
from tests.tools.chaos.judging.seen import Arrived, Seen
from tests.tools.chaos.judging.stalls import Pace
from tests.tools.chaos.judging.store import Store
from tests.tools.chaos.stage import Window

BEGAN = 1_000.0  # when it was noon, in seconds since 1970


def story(
    fired_after: float,
    *windows: Window,
    stalls: tuple[tuple[float, float], ...] = (),
    ended_before: float = 0.0,
    pace: float = 1.0,
    waited: float = 0.0,
) -> list[str]:
    """A yellow case whose first deadline fired so many wall seconds after it was due; what the law says.

    `ended_before`: by how many seconds before it fired the workers were told to stop. `pace`: how many times as long
    work took. `waited`: how much of each second the servers waited for a processor.
    """
    return list(late(books(fired_after, *windows, stalls=stalls, ended_before=ended_before, pace=pace, waited=waited)))


def books(
    fired_after: float,
    *windows: Window,
    stalls: tuple[tuple[float, float], ...] = (),
    ended_before: float = 0.0,
    pace: float = 1.0,
    waited: float = 0.0,
) -> Books:
    """The books of that story."""
    line = Line()
    line.alert(Level.YELLOW)
    step, due = min(deadlines(line.here).items(), key=lambda each: each[1])
    seen = Seen(Path("nothing"))
    opened = CaseEvent(
        commit=commit_of(0),
        id="e1",
        input="i1",
        input_kind="alert",
        partition=0,
        offset=0,
        at=NOON,
        case=line.here,
        facts=[],
    )
    seen.journal.append(Arrived(opened, BEGAN, 0, 0))
    told = Books(
        seen, Store(), [], Counter(), Counter(), Counter(), {}, set(), windows, stalls, Clock(60, BEGAN, NOON), 0.0, 0
    )
    name = f"d:{line.here.id}:{step}:{milliseconds(due)}"
    deadline = Deadline(id=name, at=due, resident=line.here.resident, case=line.here.id, step=step, due=due)
    fired_at = told.wall(due) + fired_after
    seen.inputs.append(Arrived(deadline, fired_at, 0, 0))
    line.give(deadline)
    moved = opened.model_copy(update={"id": "e2", "case": line.here, "offset": 1})
    seen.journal.append(Arrived(moved, fired_at, 0, 1))
    moments = [BEGAN + 0.25 * n for n in range(4_000)]
    measured = Pace(moments, [pace] * len(moments), [(at, waited * 0.25) for at in moments])
    return Books(**{**vars(told), "ended": fired_at - ended_before, "pace": measured})


def over(tolerance: float) -> Window:
    """A fault that struck as the case was opened, and was over at once."""
    return Window("worker_killed", BEGAN, BEGAN, tolerance, outage=False)


def test_a_deadline_has_a_second_while_its_partition_has_an_owner() -> None:
    assert story(0.9) == []
    assert len(story(1.1)) == 1


def test_over_a_fault_a_deadline_has_what_the_fault_allows_and_no_more() -> None:
    assert story(1.1, over(12.0)) == []
    assert len(story(12.5, over(12.0))) == 1


def test_a_fault_that_was_over_before_excuses_nothing() -> None:
    assert len(story(1.1, over(0.5))) == 1


def test_for_as_long_as_the_whole_machine_stood_still_nothing_is_late() -> None:
    stood = (BEGAN, BEGAN + 60.0)
    assert story(1.1, stalls=(stood,)) == []


def test_what_falls_due_as_the_workers_stop_is_left_to_their_successors() -> None:
    assert story(1.5, ended_before=1.6) == []
    assert story(1.5, ended_before=0.6) == []
    assert len(story(1.5, ended_before=0.4)) == 1


def test_on_a_machine_that_is_slow_a_second_is_as_much_longer_as_was_measured() -> None:
    assert story(1.24, pace=1.3) == []
    assert len(story(1.4, pace=1.3)) == 1


def test_what_the_servers_waited_for_a_processor_is_not_late() -> None:
    assert story(1.24, waited=0.25) == []
    assert len(story(1.5, waited=0.25)) == 1


def test_on_a_machine_that_is_quick_a_second_is_no_shorter() -> None:
    assert story(0.9, pace=0.5) == []
    assert len(story(1.1, pace=0.5)) == 1


def test_a_recovery_lasts_from_a_faults_end_to_the_last_consequence_that_it_held_up() -> None:
    window = Window("worker_killed", BEGAN, BEGAN, 12.0, outage=False)
    assert recoveries(books(2.5, window)).keys() == {"worker_killed"}
    assert round(recoveries(books(2.5, window))["worker_killed"], 2) == 2.5


def test_a_fault_that_struck_nothing_recovers_from_nothing() -> None:
    assert recoveries(books(2.5, Window("worker_killed", BEGAN, BEGAN, 12.0, outage=False, struck=False))) == {}
