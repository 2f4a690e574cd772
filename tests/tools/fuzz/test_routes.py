"""Some generated requests for every route.

`python -m tests.tools.fuzz.routes` sends as many as one likes, in slices that add up.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.tools.fuzz.routes import fuzzed
from tests.tools.fuzz.slices import Found, Slice, keep, next_seed, slices_of, summed


@pytest.mark.long
@pytest.mark.timeout(1200)
async def test_no_generated_request_is_answered_by_a_500_or_holds_up_a_page(tmp_path: Path) -> None:
    console, intake = await fuzzed(tmp_path, each=1, seed=1)
    for found in (console, intake):
        assert found.tally["faults"] == []
        assert found.tally["operations"] > 5
    assert console.tally["requests"] > 500
    taken = sum(count for status, count in console.tally["statuses"].items() if status < "400")
    assert taken > console.tally["requests"] / 4, "most requests would not get past the door"


def tally(requests: int, worst: float = 0.1, failed: int = 0, costly: float = 0.2, **statuses: int) -> dict[str, Any]:
    told = {name.removeprefix("s"): count for name, count in statuses.items()}
    found = {"requests": requests, "statuses": told, "worst": [worst, "GET /"], "failed": failed, "faults": []}
    return found | {"costly": {"GET /": costly}}


ONE = Slice(1, "abc", 100, [Found("console", tally(90, s200=80, s404=10), [9, 10, 10])])
TWO = Slice(
    2,
    "def",
    100,
    [
        Found("console", tally(70, 1.5, 2, 0.3, s200=68, s500=1, s0=1), [9, 10, 12]),
        Found("intake", tally(30, s202=30), [9, 10, 10]),
    ],
)


def test_the_sum_has_all_requests_by_server_and_commit_and_what_was_worst() -> None:
    found = summed([ONE, TWO])
    assert (found["requests"], found["servers"]) == (190, {"console": 160, "intake": 30})
    assert found["commits"] == {"abc": 90, "def": 100}
    assert found["statuses"] == {"0": 1, "200": 148, "202": 30, "404": 10, "500": 1}
    assert (found["failed"], found["errors"], found["worst"], found["growth"]) == (2, 2, (1.5, "GET /"), 0.2)
    assert found["costly"] == {"GET /": 0.3}


def test_a_run_that_was_interrupted_goes_on_with_the_first_seed_that_is_missing(tmp_path: Path) -> None:
    report = tmp_path / "routes.json"
    assert next_seed(slices_of(report), 1) == 1
    keep(report, [TWO])
    assert next_seed(slices_of(report), 1) == 1
    keep(report, [*slices_of(report), ONE])
    assert slices_of(report) == [TWO, ONE]
    assert next_seed(slices_of(report), 1) == 3


def test_no_slice_at_all_is_no_request() -> None:
    assert summed([])["requests"] == 0
