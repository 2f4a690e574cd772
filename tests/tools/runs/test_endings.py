"""Runs of pytest that are given up, or whose tests leave processes behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from tests.tools.servers.process import wait_for

ROOT = Path(__file__).parents[3]
PLUGINS = [part for name in ("time_limit", "leftovers", "run_limit") for part in ("-p", f"tests.tools.runs.{name}")]
MOST_SECONDS = 60

LEAVES_ONE = """
import os, subprocess, sys

def test_that_leaves_a_grandchild():
    script = "import subprocess; print(subprocess.Popen(['sleep', '1234'], stdout=-3, stderr=-3).pid)"
    number = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout
    open("pid", "w").write(number)
"""
IS_KILLED = (
    LEAVES_ONE
    + """
    os._exit(1)
"""
)
WAITS = """
import os, subprocess

def test_that_waits_long():
    child = subprocess.Popen(["sleep", "1234"])
    open("new", "w").write(str(child.pid))
    os.rename("new", "pid")
    child.wait()
"""


def started(text: str, folder: Path, more: Sequence[str]) -> "subprocess.Popen[str]":
    (folder / "test_it.py").write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\n")
    without = ("-p", "no:cacheprovider", "-p", "no:schemathesis")
    command = [sys.executable, "-m", "pytest", *without, *PLUGINS, *more, "test_it.py"]
    path = {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, cwd=folder, env=os.environ | path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def said(run: "subprocess.Popen[str]") -> str:
    return run.communicate(timeout=MOST_SECONDS)[0]


def gone(folder: Path) -> bool:
    """Whether the process of which the test wrote the number has ended."""
    pid = int((folder / "pid").read_text())
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("more", [[], ["-n1"]], ids=["one process", "workers"])
def test_what_a_test_leaves_behind_is_ended_and_named(more: list[str], tmp_path: Path) -> None:
    output = said(started(LEAVES_ONE, tmp_path, more))
    assert gone(tmp_path)
    assert "1 passed" in output
    assert "sleep 1234" in output


def test_what_a_killed_worker_leaves_behind_is_ended_and_named(tmp_path: Path) -> None:
    output = said(started(IS_KILLED, tmp_path, ["-n1"]))
    assert gone(tmp_path)
    assert "1 failed" in output
    assert "sleep 1234" in output


def test_a_run_that_takes_too_long_names_the_test_and_where_it_is(tmp_path: Path) -> None:
    run = started(WAITS, tmp_path, ["-o", "run_minutes=0.2"])
    output = said(run)
    assert run.returncode == 3
    assert "s  test_it.py::test_that_waits_long" in output
    assert "in test_that_waits_long" in output
    assert gone(tmp_path)


def test_sigterm_ends_a_run_with_all_its_processes(tmp_path: Path) -> None:
    run = started(WAITS, tmp_path, ["-n1"])
    wait_for((tmp_path / "pid").exists, "the test to run")
    run.send_signal(signal.SIGTERM)
    output = said(run)
    assert "s  test_it.py::test_that_waits_long" in output
    assert "in test_that_waits_long" in output
    assert gone(tmp_path)
