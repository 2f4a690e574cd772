"""The simulation itself: it repeats itself, it finds what is worse, and it makes what it finds short."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.simulation.__main__ import find
from tests.simulation.check import Report, broken_by, checked, shortest
from tests.simulation.mutations import MUTATIONS, THEME_OF, mutated
from tests.simulation.run import Ran, run
from tests.simulation.schedule import THEMES, Schedule, Step, drawn, themed
from tests.simulation.simulated import worker

SEEDS = range(1, 25)
FOUND = sorted((Path(__file__).parent / "found").glob("*.json"))
TELL = """
import hashlib, sys
from tests.simulation.simulated import worker
from tests.simulation.run import run
from tests.simulation.schedule import drawn
with worker.simulated():
    for seed in map(int, sys.argv[1:]):
        print(hashlib.sha256(run(drawn(seed)).story().encode()).hexdigest())
"""


@pytest.fixture(scope="module", autouse=True)
def simulated() -> Iterator[None]:
    """The clients, the clocks and chance are the simulation's."""
    with worker.simulated():
        yield


def quiet(*steps: Step) -> Schedule:
    """Two workers, idempotent providers, and no fault but those among the steps."""
    promises = dict.fromkeys(("sms", "phone", "visit", "payment"), "idempotent")
    return Schedule(1, 2, 0.0, True, promises, steps)


def red(at: float, who: int = 0) -> Step:
    """A call that goes on, and money that moves."""
    call, pays = {"kind": "ongoing", "who": who, "n": 10 * who + 1}, {"kind": "transfer", "who": who, "n": 10 * who + 2}
    return Step(at, "signals", {"signals": [call, {**pays, "payee": 200}]})


def app(at: float, who: int) -> Step:
    """A scam application opened: yellow."""
    return Step(at, "signals", {"signals": [{"kind": "app", "who": who, "n": 100 + who}]})


def killed_covered_wiped(after: int) -> Schedule:
    """A worker dies at one of casework's messages, the other covers for it, and then Redis is wiped."""
    kill = Step(0.9, "kill_at_message", {"worker": "w2", "of": "case-inputs", "after": after, "restart": 9.0})
    fed = [app(at, who) for who, at in enumerate((1.0, 1.05, 3.0, 3.05))]
    return quiet(kill, *fed, Step(4.6, "wipe"))


def contacts(ran: Ran) -> list[str]:
    return [contact.dispatch.partition(":")[2] for contact in ran.observed.contacts]


def test_a_red_signal_without_faults_becomes_a_contact_and_breaks_no_law() -> None:
    ran = run(quiet(red(0.5)))
    assert contacts(ran)[0] == "red.sms:1:sms"
    assert not broken_by(ran)


def test_a_worker_that_is_killed_at_its_next_message_does_so_and_comes_back() -> None:
    ran = run(quiet(red(0.5), Step(0.6, "kill_at_message", {"worker": "w1", "of": "", "after": 1, "restart": 1.0})))
    assert "w1        is killed" in ran.story()
    assert "w1        is started" in ran.story()


def test_a_worker_that_is_frozen_writes_nothing_until_it_goes_on() -> None:
    ran = run(quiet(Step(0.5, "freeze", {"worker": "w1", "of": "", "after": 1, "lasts": 3.0}), red(0.8)))
    lines = [line for line in ran.story().splitlines() if " w1 " in line]
    frozen = next(number for number, line in enumerate(lines) if "is frozen" in line)
    assert "goes on" in lines[frozen + 1]


def test_a_worker_may_freeze_just_after_its_request_however_many_messages_come_before() -> None:
    frozen = {"of": "dispatches.red", "after": 3, "lasts": 3.0, "since": ["sms"]}
    ran = run(quiet(*(Step(0.1, "freeze", {"worker": name, **frozen}) for name in ("w1", "w2")), red(0.5)))
    lines = ran.story().splitlines()
    asked = next(number for number, line in enumerate(lines) if " sms " in line and " does " in line)
    assert "is frozen" in lines[asked + 1]
    assert not broken_by(ran)


def test_seeds_run_through_and_leave_something_to_judge() -> None:
    ran = [run(drawn(seed)) for seed in SEEDS]
    assert sum(len(each.observed.contacts) for each in ran) > len(SEEDS)
    assert not [failure for each in ran for failure in each.failures]


def test_the_same_seed_is_the_same_story_in_two_processes() -> None:
    told = [_told_by_a_process("3", "11", "17"), _told_by_a_process("3", "11", "17")]
    alone = _told_by_a_process("17")
    assert told[0] == told[1]
    assert alone == told[0][2:]  # what ran before leaves no trace


def test_what_a_dead_worker_committed_and_did_not_publish_outlives_a_wipe() -> None:
    """One dies between commit and publish, another covers for it, and then Redis is wiped."""
    orders = [killed_covered_wiped(after) for after in range(1, 31)]
    assert not [broken for order in orders if (broken := broken_by(run(order)))]
    with mutated("past_the_outbox"):
        assert any("nothing_lost" in broken_by(run(order)) for order in orders)


def test_a_clock_that_is_set_fires_no_deadline_before_its_time() -> None:
    order = quiet(red(1.0), Step(1.5, "clock", {"step": 3600.0, "lasts": 6.0}))
    assert not broken_by(run(order))
    with mutated("clock_followed"):
        assert "no_deadline_early" in broken_by(run(order))


def test_a_stop_reaches_the_bank_when_persons_have_approved_it_and_not_before() -> None:
    stop, approve = "stop.0:1:payment", Step(9.5, "approve", {"who": 0, "n": 1})
    later = red(11.0, who=1)  # so that the schedule lasts beyond the stop's time
    assert stop not in contacts(run(quiet(red(0.5), later)))
    approved = run(quiet(red(0.5), approve, later))
    assert stop in contacts(approved)
    assert not broken_by(approved)
    with mutated("orders_unapproved"):
        assert "no_stop_unapproved" in broken_by(run(quiet(red(0.5), later)))


def test_reports_of_two_ranges_add_up() -> None:
    first, second = checked(range(1, 4))[0], checked(range(4, 6))[0]
    first.add(second)
    told = Report.read(orjson.loads(orjson.dumps(first.told()))).told()
    assert (told["schedules"], told["seeds"]) == (5, [[1, 5]])


def test_a_schedule_is_plain_data() -> None:
    schedule = drawn(7)
    assert Schedule.read(schedule.json()) == schedule


def test_a_wipe_between_signals_is_survived() -> None:
    ran = run(quiet(red(0.5), Step(2.0, "wipe"), red(4.0, who=1)))
    assert not broken_by(ran)


@pytest.mark.parametrize("file", FOUND, ids=lambda file: file.stem)
def test_an_order_that_once_broke_a_law_breaks_none(file: Path) -> None:
    assert not broken_by(run(Schedule.read(file.read_bytes())))


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_still_has_its_seam(name: str) -> None:
    with mutated(name):
        pass


@pytest.mark.parametrize("theme", THEMES)
def test_schedules_of_a_theme_are_drawn_alone_and_run_through(theme: str) -> None:
    ran = [run(themed(seed, theme)) for seed in range(1, 6)]
    assert len({each.schedule.json() for each in ran}) == len(ran)
    assert not [broken for each in ran if (broken := broken_by(each))]


def test_a_mutation_with_a_theme_is_found_among_schedules_of_that_theme() -> None:
    assert THEME_OF.keys() <= MUTATIONS.keys()
    for name, theme in THEME_OF.items():
        found = find(name, seconds=60.0)
        assert (found["found"], found["of"]) == (True, theme), found


def test_a_mutation_is_found_and_made_short() -> None:
    with mutated("fold_drops_input"):
        seed, law = next(
            (seed, next(iter(broken))) for seed in range(1, 400) if (broken := broken_by(run(drawn(seed))))
        )
        found = shortest(drawn(seed), law, tries=60)
    assert law in found.broken
    assert len(found.schedule.steps) < len(drawn(seed).steps)


def _told_by_a_process(*seeds: str) -> list[str]:
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": str(root)}
    ran = subprocess.run(
        [sys.executable, "-c", TELL, *seeds], env=environment, capture_output=True, check=True, cwd=root
    )
    assert ran.stderr == b""
    return ran.stdout.decode().split()


def test_stories_differ_between_seeds() -> None:
    stories = {hashlib.sha256(run(drawn(seed)).story().encode()).digest() for seed in (1, 2, 3)}
    assert len(stories) == 3
