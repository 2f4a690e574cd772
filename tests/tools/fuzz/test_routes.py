"""Some generated requests for every route. `python -m tests.tools.fuzz.routes` sends as many as one likes."""

from pathlib import Path

import pytest

from tests.tools.fuzz.routes import fuzzed


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
