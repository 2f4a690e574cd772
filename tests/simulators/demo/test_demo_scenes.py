"""What a demo shows beside the everyday work: a public check, and a case that a neighbouring province acknowledges."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from domain.policy import load
from simulators.demo.neighbouring import POLICY_FILE
from simulators.demo.scenes import refuses
from simulators.providers.neighbour import NEIGHBOUR
from streams.runtime.embedded import free_port
from tests.domain.casework.provinces.provinceworld import offered, sender

TAKEN = re.compile(rf"Hand-over: {NEIGHBOUR} acknowledged case (r\w+-\d+) after (\d+) s .*as its case (r\w+-\d+)")

pytestmark = pytest.mark.timeout(1200)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a demo printed, its report, and its data folder."""

    printed: str
    report: dict[str, Any]
    data: Path


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """A demo that is ended as Ctrl-C ends it once both scenes were shown, or after its five minutes."""
    data = tmp_path_factory.mktemp("scenes")
    report = data / "report.json"
    command = [sys.executable, "-m", "quanzu", "demo", "--residents", "600", "--workers", "1", "--report", str(report)]
    ports = {name: str(free_port()) for name in ("QUANZU_CONSOLE_PORT", "QUANZU_HTTP_PORT")}
    environment = os.environ | {"QUANZU_DATA": str(data)} | ports
    with (data / "stderr").open("w+") as err:
        demo = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=err, text=True)
        try:
            printed = "".join(until_both(demo))
        finally:
            demo.kill()  # if the test was given up; its servers and workers end with it
            demo.wait()
        err.seek(0)
        assert demo.returncode == 0, err.read()[-3000:]
    return Shown(printed, json.loads(report.read_text("utf-8")), data)


def until_both(demo: "subprocess.Popen[str]") -> Iterator[str]:
    """Yield each line, end the demo once both scenes were shown, and return when it has ended."""
    assert demo.stdout is not None
    missing = {"Answer: confirmed", "acknowledged case"}
    for line in demo.stdout:
        yield line
        if missing and not (missing := {each for each in missing if each not in line}):
            demo.send_signal(signal.SIGINT)
    demo.wait(60)


def test_residents_ask_the_public_check_and_one_learns_that_the_account_is_a_suspects(shown: Shown) -> None:
    asked = re.findall(r"^Public check: .* Answer: (.+)$", shown.printed, re.MULTILINE)
    assert {"not on the list", "confirmed"} <= {*asked}
    assert {answer: asked.count(answer) for answer in asked} == shown.report["public_checks"]


def test_a_case_is_handed_over_and_the_neighbour_acknowledges_it_after_some_time(shown: Shown) -> None:
    taken = TAKEN.findall(shown.printed)
    assert len(taken) == shown.report["handed_over"] >= 1
    case, seconds, there = taken[0]
    assert f"case {case} (" in shown.printed, "offered before"
    assert case != there
    assert 90 <= int(seconds) < 3600, "its centre needs 90 s to open a case, and yellow has an hour"


def test_an_offer_is_given_up_as_soon_as_the_case_has_changed_without_it() -> None:
    line = sender()
    seen = line.here.version
    assert not refuses(line.here, seen)
    assert offered(line) is not None
    assert not refuses(line.here, seen)
    changed = line.here.model_copy(update={"offers": []})
    assert refuses(changed, seen)
    assert refuses(None, seen)


def test_the_page_of_the_public_check_is_printed_beside_the_console_s_addresses(shown: Shown) -> None:
    assert re.search(r"^http://127\.0\.0\.1:\d+/check  ", shown.printed, re.MULTILINE)


def test_the_demo_s_policy_is_the_one_of_the_settings_with_a_section_on_hand_overs(shown: Shown) -> None:
    policy = load((shown.data / POLICY_FILE).read_text("utf-8"))
    assert policy.handover is not None
    assert policy.handover.provinces == (NEIGHBOUR,)


def test_no_account_about_which_somebody_asked_is_printed_or_logged(shown: Shown) -> None:
    logs = [path.read_text("utf-8", "replace") for path in shown.data.rglob("*.log")]
    lines = [line for line in shown.printed.splitlines() if line.startswith(("Public check", "Hand-over"))]
    assert not [line for line in lines if re.search(r"\d{11,}", line)]
    assert not [text for text in logs if '"buckets"' in text]
