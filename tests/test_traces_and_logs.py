"""A demo that traces everything and logs all it can: a red case from intake to receipt, and nothing of anybody."""

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from simulators.world.province import Province
from streams.runtime.embedded import free_port
from streams.runtime.settings import Settings
from tests.collector import Collector, Taken, collecting

SEED, RESIDENTS, SECONDS = 7, 3000, 25  # the demo's own province
LOOK_SECONDS = 1.0  # between two readings of the workers' metrics
EXEMPLAR = re.compile(r'^(quanzu_\w+_seconds)_bucket{.*?} [\d.e+]+ # {trace_id="([0-9a-f]{32})"}', re.MULTILINE)
WAY = ["intake", "screening", "casework", "dispatch", "casework", "receipt", "casework"]


@dataclass(frozen=True, slots=True)
class Told:
    """What a demo left behind. `logs`: by file, with what it printed. `marked`: of which metrics, ids of traces."""

    collector: Collector
    logs: dict[str, str]
    data: Path
    marked: dict[str, set[str]]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    data = tmp_path_factory.mktemp("demo")
    with collecting() as collector:
        environment = os.environ | {
            "QUANZU_DATA": str(data),
            "QUANZU_TRACES": collector.endpoint,
            "QUANZU_TRACES_RATIO": "1",
            "QUANZU_LOG_FORMAT": "json",
            "QUANZU_LOG_LEVEL": "DEBUG",
        }
        port = free_port()
        command = [sys.executable, "-m", "quanzu", "demo", "--for", f"{SECONDS}s", "--no-console"]
        command += ["--metrics-port", str(port)]
        with (data / "stderr").open("w+") as err:
            demo = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=err)
            try:
                marked = exemplars_until_it_ends(demo, port)
            finally:
                demo.kill()  # if the test was given up; its servers and workers end with it
                demo.wait()
            err.seek(0)
            stderr = err.read()
        assert demo.returncode == 0, stderr[-3000:]
        logs = {path.name: path.read_text("utf-8", "replace") for path in data.rglob("*.log")}
        yield Told(collector, logs | {"stderr": stderr}, data, marked)


def exemplars_until_it_ends(demo: "subprocess.Popen[bytes]", port: int) -> dict[str, set[str]]:
    """The traces that the workers' histograms name, by metric: a worker's port is behind the province's."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    accepted = {"accept": "application/openmetrics-text; version=1.0.0"}
    while demo.poll() is None:
        for behind in (1, 2):
            with suppress(httpx.HTTPError):
                text = httpx.get(f"http://127.0.0.1:{port + behind}/metrics", headers=accepted).text
                for name, trace in EXEMPLAR.findall(text):
                    found[name].add(trace)
        with suppress(subprocess.TimeoutExpired):
            demo.wait(LOOK_SECONDS)
    return found


def test_a_red_case_is_one_trace_from_intake_to_the_receipt_of_its_first_contact(told: Told) -> None:
    reds = [trace for trace in told.collector.traces().values() if _says(trace, "quanzu.action", "flash_sms")]
    whole = [trace for trace in reds if _in_order(WAY, [span.name for span in trace])]
    assert whole, f"{len(reds)} traces with a flash SMS: {[[span.name for span in trace] for trace in reds[:3]]}"
    for trace in whole:
        ids = {span.id for span in trace}
        assert [span.name for span in trace if span.parent not in ids] == ["intake"]
        assert {span.service for span in trace} == {"quanzu-demo", "quanzu-worker"}


def test_the_clocks_of_the_line_lead_to_traces_that_were_taken(told: Told) -> None:
    for way in ("signal_to_alert", "alert_to_dispatch", "dispatch_to_receipt"):
        named = told.marked.get(f"quanzu_{way}_seconds", set())
        assert named & told.collector.traces().keys(), f"{way}: {named}, of {sorted(told.marked)}"


def test_no_span_and_no_line_of_a_log_says_anything_of_a_resident(told: Told) -> None:
    settings = Settings(data=told.data)
    people = Province(SEED, RESIDENTS, secret=settings.key()).people
    personal = {each.name for each in people} | {phone.value for each in people for phone in each.phones}
    personal |= {account.value for each in people for account in each.accounts}
    personal |= {each.id_hash for each in people if each.id_hash}
    personal |= {value.removeprefix("+86") for value in personal}
    spans = json.dumps([span.attributes for span in told.collector.spans])
    text = "\n".join([*told.logs.values(), spans])
    assert len(personal) > 3 * RESIDENTS
    assert [found for found in personal if found in text] == []


def test_a_worker_s_log_is_json_line_by_line(told: Told) -> None:
    lines = [json.loads(line) for line in told.logs["worker.log"].splitlines() if line.startswith("{")]
    assert {"event", "level", "logger", "timestamp"} <= lines[0].keys()
    assert any(line["event"] == "the worker is ready" for line in lines)


def _says(trace: list[Taken], name: str, value: str) -> bool:
    return any(span.attributes.get(name) == value for span in trace)


def _in_order(wanted: list[str], names: list[str]) -> bool:
    """Whether the wanted names come in this order, with others between."""
    left = iter(names)
    return all(name in left for name in wanted)
