"""The rounds' report: rounds add up over several runs."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

from tests.tools.chaos.judging.test_late import BEGAN, books
from tests.tools.chaos.plan import Stroke, drawn
from tests.tools.chaos.report import Report
from tests.tools.chaos.round import Outcome
from tests.tools.chaos.stage import Window


def outcome(seed: int, fired_after: float, *, struck: bool = True) -> Outcome:
    """A round in which a worker was killed and a deadline was so late, and nothing broke a law."""
    plan = replace(drawn(seed), strokes=(Stroke("worker_killed", 1.0, "s"),))
    window = Window("worker_killed", BEGAN, BEGAN, 12.0, outage=False, struck=struck)
    made = replace(books(fired_after, window), accepted=Counter({"bank": 7}))
    return Outcome(plan, made, [], 1.0)


def test_the_rounds_of_several_runs_add_up(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    for seed, fired_after in ((1, 2.5), (2, 1.5)):
        report = Report.read(file)
        report.played(outcome(seed, fired_after))
        report.write(file)
    told = Report.read(file).as_dict()
    assert (told["rounds"], told["seeds"], told["accepted"]) == (2, [1, 2], 14)
    assert told["faults"]["worker_killed"] == 2
    assert told["longest_recovery_seconds"] == 2.5
    assert told["warnings_lost"] == 0


def test_a_round_that_could_not_be_played_to_its_end_is_a_failure_of_all_runs(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    report = Report.read(file)
    report.ended(drawn(3), RuntimeError("no brokers"))
    report.write(file)
    told = Report.read(file).as_dict()
    assert (told["rounds"], told["rounds_failed"], len(told["failures"])) == (1, 1, 1)


def test_a_fault_that_struck_nothing_is_not_counted_among_the_faults(tmp_path: Path) -> None:
    report = Report()
    report.played(outcome(1, 0.5, struck=False))
    told = report.as_dict()
    assert (told["faults"]["worker_killed"], told["faults_missed"]) == (0, {"worker_killed": 1})
