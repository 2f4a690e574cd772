"""A province's time that goes on only as far as its driver lets it."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.runtime.clock import Clock, Wall
from streams.runtime.pace import PaceFile

START = datetime(2026, 3, 1, tzinfo=UTC)
SPEED = 60.0


class Machine:
    """The wall's time, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def clock(self, pace: PaceFile) -> Clock:
        wall = Wall(machine=lambda: self.seconds, counter=lambda: self.seconds)
        return Clock(SPEED, self.seconds, START, wall=wall, pace=pace)


def test_time_stands_at_the_start_until_it_is_let_go_on(tmp_path: Path) -> None:
    machine = Machine()
    clock = machine.clock(PaceFile.begun(tmp_path / "pace"))
    machine.seconds += 30
    assert clock.now() == START
    clock.let_go_on(ahead=0.5)
    assert clock.now() == START
    machine.seconds += 0.25
    assert clock.now() == START + timedelta(seconds=0.25 * SPEED)


def test_time_stands_when_its_driver_hangs_and_goes_on_from_there(tmp_path: Path) -> None:
    machine = Machine()
    clock = machine.clock(PaceFile.begun(tmp_path / "pace"))
    clock.let_go_on(ahead=0.5)
    machine.seconds += 100
    assert clock.now() == START + timedelta(seconds=0.5 * SPEED)
    clock.let_go_on(ahead=0.5)
    machine.seconds += 0.1
    assert clock.now() == START + timedelta(seconds=0.6 * SPEED)
    assert clock.stood_still() == pytest.approx(99.5)


def test_another_process_reads_the_same_time(tmp_path: Path) -> None:
    first = Clock(SPEED, time.time() - 100, START, pace=PaceFile.begun(tmp_path / "pace"))
    other = Clock.parse(str(first))
    assert other.now() == START
    first.let_go_on(ahead=1000.0)
    time.sleep(0.01)
    assert START < other.now() < START + timedelta(seconds=99 * SPEED)


def test_a_file_that_is_not_there_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no-pace"):
        Clock.parse(f"60@2026-03-01T00:00:00+00:00@0@{tmp_path}/no-pace")


@given(st.lists(st.tuples(st.floats(0, 3), st.booleans()), max_size=30))
def test_time_never_goes_back_and_never_runs_faster_than_its_speed(moves: list[tuple[float, bool]]) -> None:
    machine = Machine()
    clock = machine.clock(PaceFile())
    for seconds, keeps_up in moves:
        before = clock.now()
        if keeps_up:
            clock.let_go_on(ahead=0.5)
        machine.seconds += seconds
        assert timedelta(0) <= clock.now() - before <= timedelta(seconds=seconds * SPEED + 1e-3)


@given(st.lists(st.tuples(st.floats(0.01, 3), st.booleans()), min_size=1, max_size=30))
def test_when_a_moment_came_is_known_though_time_stood_still(moves: list[tuple[float, bool]]) -> None:
    machine = Machine()
    clock = machine.clock(PaceFile())
    came: dict[datetime, float] = {}
    for seconds, keeps_up in moves:
        if keeps_up:
            clock.let_go_on(ahead=0.5)
        machine.seconds += seconds
        came.setdefault(clock.now(), machine.seconds)
    for moment, wall in came.items():
        assert clock.wall_time(moment) <= wall + 1e-3
