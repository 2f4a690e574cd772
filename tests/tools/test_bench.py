"""The bench's frame: medians, names, bars, and what is told of them. The bench itself is `make bench`."""

import json
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.levels import Level
from simulators.demo.workers import Workers
from streams.runtime.settings import Settings
from tests.domain.builders import Line as Decided
from tests.domain.builders import alert
from tests.tools.bench import __main__ as bench
from tests.tools.bench import cases
from tests.tools.bench.bars import BARS, Bar, Verdict, judged
from tests.tools.bench.figures import Found, Given, cost_beside, figure, flat, rate_beside
from tests.tools.bench.limits import pieces
from tests.tools.bench.measured import core
from tests.tools.bench.measured.console import histogram, plan
from tests.tools.bench.measured.latency import Probes
from tests.tools.bench.peers import programs
from tests.tools.bench.sections import SECTIONS, Section
from tests.tools.bench.work import pace


def measuring(*values: float) -> Section:
    """A section `core` that finds these values, one a run."""

    def measure(given: Given) -> Found:
        assert given.folder.is_dir()
        return {"us_per_signal": figure(values[: given.runs], "µs"), "more": {"deep": figure([7], "s")}}

    return Section("core", measure, short_runs=2)


def reported(
    section: Section, monkeypatch: pytest.MonkeyPatch, folder: Path, *more: str
) -> tuple[int, dict[str, object]]:
    monkeypatch.setattr(bench, "SECTIONS", (section,))
    path = folder / "bench.json"
    code = bench.main(["--report", str(path), "--runs", "3", *more])
    return code, json.loads(path.read_text(encoding="utf-8"))


def test_a_figure_is_the_median_with_the_least_and_the_most() -> None:
    found = figure([3.0, 1.0, 100.0], "µs")
    assert (found.median, found.low, found.high, found.runs, found.unit) == (3.0, 1.0, 100.0, 3, "µs")


def test_what_was_not_measured_has_no_figure() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        figure([], "µs")


def test_figures_have_their_whole_names() -> None:
    found: Found = {"screening": {"real": {"signals_per_second": figure([1], "signals/s")}, "x": figure([2], "s")}}
    assert [name for name, _ in flat(found)] == ["screening.real.signals_per_second", "screening.x"]


@pytest.mark.parametrize(
    ("way", "value", "met"), [("≤", 10, True), ("≤", 10.1, False), ("≥", 10, True), ("≥", 9.9, False)]
)
def test_a_bar_is_met_up_to_its_limit(way: str, value: float, met: bool) -> None:
    bar = Bar("a.b", way, 10)  # type: ignore[arg-type]  # of both ways
    assert Verdict(bar, figure([value], "s")).met is met


def test_a_bar_whose_figure_is_missing_is_not_met() -> None:
    (verdict,) = judged({}, ["core"])
    assert not verdict.met
    assert "not measured" in str(verdict)


def test_sections_that_did_not_run_are_not_judged() -> None:
    assert not list(judged({}, []))


def test_each_bar_is_of_a_section_that_the_issue_names() -> None:
    named = {"core", "screening", "casework", "latency", "intake", "residents", "scale", "console", "start", "peers"}
    named |= {"sizing", "idle", "payees"}
    assert {bar.section for bar in BARS} | {section.name for section in SECTIONS} <= named


def test_the_page_tells_what_each_bar_is_of() -> None:
    page = Path(__file__).parents[2].joinpath("docs/performance.md").read_text(encoding="utf-8")
    assert [bar.name for bar in BARS if f"| `{bar.name}`" not in page] == []


def test_the_report_has_the_figures_by_section_and_the_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, report = reported(measuring(9.0, 7.0, 8.0), monkeypatch, tmp_path)
    assert code == 0
    core = dict(report["core"])  # type: ignore[call-overload]  # an object there
    assert core.pop("yardstick_us_per_signal")["runs"] == 2
    assert core == {
        "us_per_signal": {"median": 8.0, "low": 7.0, "high": 9.0, "runs": 3, "unit": "µs"},
        "more": {"deep": {"median": 7.0, "low": 7.0, "high": 7.0, "runs": 1, "unit": "s"}},
    }
    assert {"cores", "python", "aiokafka"} <= set(report["machine"])  # type: ignore[call-overload]  # an object there
    assert capsys.readouterr().out.splitlines()[-1].startswith("met: core.us_per_signal ≤ 10: 8 µs")


def test_a_bar_that_is_not_met_ends_with_1(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert reported(measuring(11.0, 12.0, 1.0), monkeypatch, tmp_path)[0] == 1


def test_a_section_that_breaks_down_is_told_and_the_others_keep_their_figures(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(given: Given) -> Found:
        raise TimeoutError("no alerts came")

    monkeypatch.setattr(bench, "SECTIONS", (Section("idle", broken), measuring(8.0)))
    path = tmp_path / "bench.json"
    assert bench.main(["--report", str(path), "--runs", "1"]) == 1
    report = json.loads(path.read_text(encoding="utf-8"))
    assert (report["idle"], report["core"]["us_per_signal"]["median"]) == ({}, 8.0)
    assert "idle: NOT MEASURED: TimeoutError: no alerts came" in capsys.readouterr().err


def test_quix_streams_finds_in_its_own_environment_what_the_peers_share() -> None:
    programs.runnable()
    made = subprocess.run(
        [programs.VENV / "bin" / "python", "-c", "import quixstreams, tests.tools.bench.peers.work"],
        cwd=programs.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr


def test_the_short_form_runs_a_slow_section_less_often(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _, report = reported(measuring(9.0, 7.0, 8.0), monkeypatch, tmp_path, "--short")
    assert report["core"]["us_per_signal"]["runs"] == 2  # type: ignore[index]  # an object there


@pytest.mark.parametrize(
    ("names", "short", "sections"), [(None, True, ["a"]), (None, False, ["a", "b"]), ("b", True, ["b"])]
)
def test_sections_are_those_asked_for_or_those_of_the_form(
    names: str | None, short: bool, sections: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = (Section("a", lambda given: {}), Section("b", lambda given: {}, in_short=False))
    monkeypatch.setattr(bench, "SECTIONS", known)
    assert [section.name for section in bench.chosen(names, short)] == sections


def test_a_section_that_there_is_not_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        bench.main(["--sections", "core,cores"])
    assert "no section cores: there are core" in capsys.readouterr().err


def test_cases_are_told_the_same_by_the_same_seed_and_each_begins_with_an_alert() -> None:
    start = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
    first, again = (cases.told(20, 3, start, core.policy(), 7) for _ in range(2))
    assert first == again
    assert [given.kind for given in first.inputs[:20]] == ["alert"] * 20
    assert len(first.inputs) > 40
    assert 0 < first.open <= 20


def test_a_cost_stands_beside_the_dearest_of_what_it_cannot_spare() -> None:
    found = cost_beside(figure([10.0], "µs"), {"memory_copy": 0.1, "redis_commands": 4.0})
    assert (found.limit, found.limit_of, found.of_limit) == (4.0, "redis_commands", 0.4)
    assert str(found) == "10 µs (10 to 10, 1 runs); limit 4 by redis_commands, of_limit 0.4"


def test_a_rate_stands_beside_the_least_of_what_it_could_be() -> None:
    found = rate_beside(figure([50.0], "signals/s"), {"memory_copy": 10_000.0, "redis_commands": 200.0})
    assert (found.limit, found.limit_of, found.of_limit) == (200.0, "redis_commands", 0.25)


@pytest.mark.parametrize(("short", "size", "count"), [(True, 1.0, 7), (False, 1.0, 1000), (False, 0.01, 10)])
def test_a_section_measures_on_what_its_form_and_size_say(short: bool, size: float, count: int, tmp_path: Path) -> None:
    given = Given(1, short, tmp_path, print, size)
    assert given.count(1000, 7) == count


def test_commands_that_were_sent_together_are_told_apart_again() -> None:
    one, other = b"*1\r\n$4\r\nPING\r\n", b"*2\r\n$3\r\nGET\r\n$3\r\n\x00\r\n\r\n"
    assert list(pieces(one + other)) == [[one, other]]


def test_a_change_that_another_overtook_is_late_until_that_one_is_shown() -> None:
    screens = [{"case-1|li": 10.1, "case-1|": 13.0}, {"case-1|": 13.5}]
    late = histogram(screens, {"case-1|li": 10.0})
    assert late.get_total_count() == 2
    assert late.get_min_value() == pytest.approx(100_000, rel=0.01)
    assert late.get_max_value() == pytest.approx(3_500_000, rel=0.01)


def test_what_one_screen_was_not_told_is_no_figure() -> None:
    with pytest.raises(RuntimeError, match=r"a screen was not told of case-2\|li"):
        histogram([{"case-2|li": 10.1, "case-2|": 13.0}, {}], {"case-2|li": 10.0})


def test_every_case_that_is_taken_in_a_plan_is_given_back() -> None:
    cases_ = [Decided().give(alert(Level.RED)).case for _ in range(100)]
    planned = list(plan([case for case in cases_ if case], 3, "li"))
    assert len(planned) == 180
    assert len({update.after for update in planned}) == 180
    assert [update.take for update in planned[:60]] == [True] * 30 + [False] * 30
    assert [update.case for update in planned[:30]] == [update.case for update in planned[30:60]]


async def test_a_pace_is_that_of_the_work_after_the_warm_up() -> None:
    steps = iter([0, 5, 10, 60, 100])

    async def done() -> int:
        return next(steps)

    workers = Workers(Settings(), 0)
    found = await pace(workers, done, 100)
    assert (found.items, found.cpu) == (90, 0.0)
    assert found.seconds > 0


async def test_probes_are_timed_from_their_plan_and_by_their_lane() -> None:
    probes = Probes(None)  # type: ignore[arg-type]  # nothing is sent
    probes.planned = {"r1": ("urgent", 10.0), "r2": ("bulk", 10.0)}
    probes.seen = {"r1": 10.05, "r2": 10.5}
    assert probes.histogram("urgent").get_value_at_percentile(99) == pytest.approx(50_000, rel=0.01)
    assert probes.histogram("urgent", "bulk").get_value_at_percentile(99) == pytest.approx(500_000, rel=0.01)
