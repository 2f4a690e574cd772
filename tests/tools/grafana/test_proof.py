"""Every query of every panel against a real Prometheus that scrapes the demo, and the main figures to the unit."""

from datetime import timedelta
from pathlib import Path

import pytest

from deploy.grafana.names import VOCABULARY
from simulators.demo.run import Plan
from streams.runtime.embedded import free_port
from tests.tools.grafana.proof import prove

pytestmark = pytest.mark.timeout(600)


async def test_every_panel_has_data_and_the_main_figures_are_the_journals(tmp_path: Path) -> None:
    # Any faster, and a busy machine is minutes late by the province's clock: messages are held back as too old.
    plan = Plan(timedelta(seconds=75), speed=30, residents=4000, workers=1, metrics_port=free_port())
    found = await prove(tmp_path, plan)
    assert found.errors == []
    assert found.empty == []
    assert found.unequal == {}
    told = found.summary()
    assert told["panels"] >= 75
    assert told["queries"] == told["with_data"]
    assert told["figures"] > 50
    assert sum(number for _, number in found.figures.values()) > 1000  # not all of them zero
    graded = [each.answer.series for each in found.everything if each.asked.legend == "{{level}}"]
    assert len(graded) == 5
    for series in graded:  # red first
        levels = [each["metric"]["level"] for each in series]
        assert levels == [level for level in VOCABULARY["level"] if level in levels]
    last_week = next(each for each in found.everything if "offset 1w" in each.asked.expr)
    assert float(last_week.answer.series[0]["values"][-1][1]) == pytest.approx(60, abs=2)  # as it was put in
