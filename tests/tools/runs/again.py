"""Runs what failed in the last run of pytest once more, one test at a time: `python -m tests.tools.runs.again`.

Tests on real servers wait for them with limits. On a machine that others use, such a limit may be too short beside
other tests. A test that passes alone is named as one that failed beside others; a test that fails again fails the run.
Tests that judge orders of events drawn by chance get no second run: another order proves nothing about the first.
"""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[3]
FAILED = ROOT / ".pytest_cache/v/cache/lastfailed"
MOST = 15  # more failures have another cause than the machine
NEVER = ("tests/simulation/", "tests/tools/chaos/test_chaos.py::test_a_province_that_is_struck")


class NotAgainError(Exception):
    """What failed is not run again, for the reason in the text."""


def failed_once(failed: Iterable[str]) -> list[str]:
    """Return the tests to run again, sorted. Raises NotAgainError if nothing failed, more than MOST tests failed, or
    one of NEVER.
    """
    tests = sorted(failed)
    if not tests:
        raise NotAgainError("the run failed, but no test did: see its output")
    if len(tests) > MOST:
        raise NotAgainError(f"{len(tests)} tests failed; at most {MOST} are run again")
    if final := [test for test in tests if test.startswith(NEVER)]:
        raise NotAgainError(f"not run again, because the order of events would be another: {', '.join(final)}")
    return tests


def main() -> int:
    """Run the failed tests again. Returns 0 if all pass; 1, with the reason on stderr, if they are not run; otherwise
    pytest's exit code.
    """
    try:
        tests = failed_once(json.loads(FAILED.read_text("utf-8")) if FAILED.exists() else ())
    except NotAgainError as error:
        print(f"no second run: {error}", file=sys.stderr)
        return 1
    ended = subprocess.run([sys.executable, "-m", "pytest", *tests], cwd=ROOT, check=False)
    if ended.returncode == 0:
        print("failed beside other tests, passed alone:", *tests, sep="\n  ")
    return ended.returncode


if __name__ == "__main__":
    sys.exit(main())
