"""Tests that hang in each way that a test can, run by a pytest of their own with a limit of two seconds."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ALONE = (
    "-p",
    "no:cacheprovider",
    "-p",
    "no:schemathesis",
    "-p",
    "tests.tools.runs.time_limit",
    "-o",
    "asyncio_mode=auto",
    "--timeout=2",
)
MOST_SECONDS = 60

IN_ANOTHER_TASK = """
import asyncio, time

async def busy():
    while True:
        time.sleep(0.05)
        await asyncio.sleep(0)

async def test_that_hangs():
    task = asyncio.create_task(busy())
    await asyncio.Event().wait()

def test_after_it():
    pass
"""
IN_PYTHON = """
import time

def test_that_hangs():
    while True:
        time.sleep(0.1)

def test_after_it():
    pass
"""
SWALLOWED = """
import asyncio

async def test_that_hangs():
    while True:
        try:
            await asyncio.sleep(60)
        except BaseException:
            await asyncio.sleep(0)

def test_after_it():
    pass
"""
IN_TEARDOWN = """
import time
import pytest

@pytest.fixture
def slow():
    yield
    time.sleep(1000)

def test_that_hangs(slow):
    assert False

def test_after_it():
    pass
"""
OUTSIDE = """
import itertools

def test_that_hangs():
    sum(itertools.repeat(0))  # in C, which looks at no signal
"""


def run(text: str, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", *ALONE, *more, str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=MOST_SECONDS)


@pytest.mark.parametrize("text", [IN_ANOTHER_TASK, IN_PYTHON, SWALLOWED, IN_TEARDOWN])
def test_a_test_that_hangs_ends_and_the_next_one_runs(text: str, tmp_path: Path) -> None:
    ended = run(text, tmp_path)
    assert "TestOverdueError" in ended.stdout, ended.stdout
    assert "test_that_hangs took over 2 s" in ended.stdout
    assert "1 passed" in ended.stdout


def test_the_report_says_where_each_task_of_the_test_waits(tmp_path: Path) -> None:
    ended = run(IN_ANOTHER_TASK, tmp_path)
    assert "test_it.py:11 test_that_hangs" in ended.stdout
    assert "busy" in ended.stdout


def test_a_report_that_takes_long_to_write_does_not_end_the_run(tmp_path: Path) -> None:
    plugin = "import time\nimport tests.tools.runs.time_limit as limit\nlimit.AGAIN_SECONDS = 0.2\n"
    hook = "def pytest_runtest_makereport(call):\n    time.sleep(1 if call.excinfo else 0)\n"
    (tmp_path / "conftest.py").write_text(plugin + hook)
    ended = run(IN_PYTHON, tmp_path)
    assert "1 failed, 1 passed" in ended.stdout, ended.stdout


def test_a_test_that_hangs_outside_of_python_ends_its_process_with_the_stacks(tmp_path: Path) -> None:
    plugin = "import tests.tools.runs.time_limit as limit\nlimit.LAST_SECONDS = 1.0\n"
    (tmp_path / "conftest.py").write_text(plugin)
    ended = run(OUTSIDE, tmp_path)
    assert ended.returncode != 0
    assert "in test_that_hangs" in ended.stderr
