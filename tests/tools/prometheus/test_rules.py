"""The alarms' rules: valid, each shown to fire and to clear, each with its place in the runbook."""

import re
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.tools.servers.process import need

REPOSITORY = Path(__file__).parents[3]
DEPLOY = REPOSITORY / "deploy" / "prometheus"
SWITCH = "QuanzuDeadMansSwitch"
PROMTOOL_SECONDS = 280


def read(path: Path) -> Any:  # noqa: ANN401 - YAML
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def alarms() -> dict[str, dict[str, Any]]:
    groups = read(DEPLOY / "rules" / "alarms.yml")["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def cases() -> dict[str, list[dict[str, Any]]]:
    """What promtool is told of each alarm, by its name."""
    tests = [test for path in (DEPLOY / "tests").glob("*.yml") for test in read(path)["tests"]]
    return {test["name"]: test["promql_expr_test"] for test in tests}


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    need("promtool")
    return subprocess.run(
        ["promtool", *arguments], capture_output=True, text=True, cwd=DEPLOY, timeout=PROMTOOL_SECONDS, check=False
    )


def anchors(path: Path) -> set[str]:
    """The anchors of a Markdown file's headings, as they are made of them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_prometheus_takes_the_configuration_and_the_rules() -> None:
    for arguments in (["config", "prometheus.yml"], ["rules", *map(str, (DEPLOY / "rules").glob("*.yml"))]):
        done = promtool("check", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", sorted(path.name for path in (DEPLOY / "tests").glob("*.yml")))
def test_each_alarm_fires_and_clears_as_written_down(name: str) -> None:
    done = promtool("test", "rules", f"tests/{name}")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_rule_that_never_fires_is_found_out(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "tests").mkdir()
    for name in ("recording.yml", "alarms.yml"):
        text = (DEPLOY / "rules" / name).read_text(encoding="utf-8")
        (tmp_path / "rules" / name).write_text(text.replace("quanzu_redis_up == 0", "quanzu_redis_up < 0"))
    book = read(DEPLOY / "tests" / "alarms.yml")
    book["tests"] = [test for test in book["tests"] if test["name"] == "QuanzuRedisDown"]
    (tmp_path / "tests" / "alarms.yml").write_text(yaml.safe_dump(book))
    done = promtool("test", "rules", str(tmp_path / "tests" / "alarms.yml"))
    assert done.returncode != 0
    assert "QuanzuRedisDown" in done.stdout + done.stderr


@pytest.mark.parametrize("name", sorted(alarms().keys() - {SWITCH}))
def test_every_alarm_is_shown_quiet_then_firing_then_clear(name: str) -> None:
    looks = cases()[name]
    assert all(f'alertname="{name}",alertstate="firing"' in look["expr"] for look in looks)
    values = [look["exp_samples"][0]["value"] for look in looks]
    assert values[0] == values[-1] == 0
    assert max(values) >= 1
    assert all(_seconds(before["eval_time"]) < _seconds(after["eval_time"]) for before, after in pairwise(looks))


@pytest.mark.parametrize("name", sorted(alarms()))
def test_every_alarm_tells_in_chinese_and_english_what_is_wrong_and_where_it_says_what_to_do(name: str) -> None:
    rule = alarms()[name]
    told = rule["annotations"]
    assert re.search(r"[一-鿿]", told["summary_zh"])
    assert re.search(r"[a-z]{3}", told["summary"])
    assert rule["labels"]["severity"] in ("critical", "warning", "none")
    page, _, anchor = told["runbook_url"].partition("#")
    assert anchor in anchors(REPOSITORY / page)


def test_every_alarm_of_the_inhibitions_and_routes_is_one_of_the_rules() -> None:
    config = read(DEPLOY / "alertmanager.yml")
    matchers = [matcher for route in config["route"]["routes"] for matcher in route["matchers"]]
    for rule in config["inhibit_rules"]:
        matchers += [*rule["source_matchers"], *rule["target_matchers"]]
    named = [name for matcher in matchers for name in re.findall(r"Quanzu[\w.*]+", matcher)]
    assert len(named) > 20
    for name in named:
        assert any(re.fullmatch(name, alarm) for alarm in alarms()), name
    everything = yaml.safe_dump(config["inhibit_rules"])
    assert "QuanzuRedNotContacted" not in everything


def _seconds(time: str) -> int:
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([hms])", time))
