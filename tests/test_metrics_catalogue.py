"""The catalogue of metrics is what the code has, and names follow Prometheus' conventions."""

import re

import pytest

from deploy.catalogue import MODULES, PAGE, REPOSITORY, Entry, entries, page, panels, rules, uses

EVERY: list[Entry] = [each for found in entries().values() for each in found]
NAMES = [each.name for each in EVERY]


def test_the_page_is_what_the_code_makes() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m deploy.catalogue"


def test_every_module_that_makes_metrics_is_in_the_catalogue() -> None:
    made = re.compile(
        r"^[A-Z_]+ = (Counter|Gauge|Histogram|Info|Metric|Summary)\($|^[A-Z_]+ = \w+\(\s*\"quanzu_", re.MULTILINE
    )
    found = {
        str(path.relative_to(REPOSITORY).with_suffix("")).replace("/", ".")
        for folder in ("schemas", "domain", "streams", "agents", "simulators", "console")
        for path in (REPOSITORY / folder).rglob("*.py")
        if made.search(path.read_text(encoding="utf-8"))
    }
    assert {name for name in found if not name.startswith("streams.monitoring.exporter.")} == {*MODULES}


@pytest.mark.parametrize("entry", EVERY, ids=NAMES)
def test_a_metric_is_named_as_prometheus_wants_it(entry: Entry) -> None:
    assert re.fullmatch(r"quanzu_[a-z0-9_]+", entry.name)
    assert entry.name.endswith("_total") == (entry.kind == "counter")
    assert not re.search(r"_(ms|minutes|hours|days|kb|yuan|percent|milliseconds)(_|$)", entry.name)
    assert entry.kind != "histogram" or entry.name.endswith("_seconds")
    assert entry.meaning
    assert not entry.meaning.endswith(".")
    for label in entry.labels:
        assert label not in ("resident", "case", "phone", "account", "name", "officer", "operator", "by", "le")


def test_no_name_is_told_by_two() -> None:
    assert len(set(NAMES)) == len(NAMES)


def test_boards_and_rules_ask_only_for_what_there_is() -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    by_panel, by_alarm = uses()
    assert {*by_panel, *by_alarm} <= {*NAMES, *recorded}
    assert {name for name in panels() if ":" in name} <= recorded


def test_what_nobody_looks_at_is_little() -> None:
    by_panel, by_alarm = uses()
    unused = [name for name in NAMES if not by_panel.get(name) and not by_alarm.get(name)]
    assert len(unused) <= 14, unused


def test_the_buckets_have_the_clocks_of_the_plan() -> None:
    from streams.runtime.metrics import CLOCKS

    assert {1, 10, 30, 120, 300, 1800, 86_400} <= {*CLOCKS}
    assert list(CLOCKS) == sorted(CLOCKS)
