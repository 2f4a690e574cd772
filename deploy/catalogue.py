"""The catalogue of metrics: `python -m deploy.catalogue` writes docs/metrics.md of the code, boards and rules."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

REPOSITORY = Path(__file__).resolve().parents[1]
PAGE = REPOSITORY / "docs" / "metrics.md"
DEPLOY = REPOSITORY / "deploy"
HEAD = DEPLOY / "catalogue_head.md"
COLUMNS = ("name", "type", "unit", "labels", "meaning", "panels", "alarms")
MODULES = (  # all that makes metrics: a test looks for others
    "console.web.check.check_metrics",
    "streams.runtime.metrics",
    "streams.repositories.alarms",
    "streams.casework.auditor.auditor",
    "streams.casework.checkpoints.heads",
    "streams.casework.checkpoints.schedule",
    "streams.channels.delivery",
    "streams.channels.escalating",
    "streams.channels.operator_calls.incoming",
    "streams.channels.push",
    "streams.gateways.sms.gateway_metrics",
    "streams.messaging.dead_letter_writer",
    "streams.messaging.held_partitions",
    "streams.intake.feeds.watch",
    "streams.intake.acceptor",
    "streams.intake.formats.stix",
    "streams.intake.payee_checks",
    "streams.intake.reported_frauds",
    "streams.casework.fraud_matching",
    "streams.casework.journal",
    "streams.runtime.tasks",
    "streams.security.record_encryption",
    "streams.gateways.voice.gateway_metrics",
)
UNITS = {"seconds": "seconds", "bytes": "bytes", "fen": "fen (0.01 yuan)", "ratio": "ratio", "info": "–"}


class Entry(NamedTuple):
    """One metric in the catalogue. `kind`: its Prometheus type, such as counter; `meaning`: its help text."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str

    @property
    def unit(self) -> str:
        """The metric's unit by the end of its name, as Prometheus names metrics: seconds, bytes, fen, ratio; "count"
        for any other end, and "–" for an info metric.
        """
        last = self.name.removesuffix("_total").rpartition("_")[2]
        return UNITS.get(last, "count" if "info" not in self.name else "–")


def entries() -> dict[str, list[Entry]]:
    """Return all metrics, sorted by name, by the processes that expose them: "The exporter" and "Workers, intake and
    consoles".
    """
    from streams.monitoring.exporter.exporter import FAMILIES

    for name in MODULES:
        import_module(name)
    exporter = [Entry(each.name, each.kind, each.labels, each.meaning) for each in FAMILIES]
    of_process = sorted({id(each): each for each in _ours()}.values(), key=lambda each: each._name)
    return {"The exporter": sorted(exporter), "Workers, intake and consoles": [_of(each) for each in of_process]}


def _ours() -> Iterator[MetricWrapperBase]:
    for collector in REGISTRY._collector_to_names:
        if isinstance(collector, MetricWrapperBase) and collector._name.startswith("quanzu_"):
            yield collector


def _of(metric: MetricWrapperBase) -> Entry:
    made = str(metric._type)
    ending = {"counter": "_total", "info": "_info"}.get(made, "")
    kind = "gauge" if made == "info" else made
    return Entry(metric._name + ending, kind, tuple(metric._labelnames), metric._documentation)


def panels() -> dict[str, list[str]]:
    """Return which panels and annotations of the dashboards query a name (a metric or a recording rule), by the name:
    "board: title" of a panel, the name of an annotation.
    """
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted((DEPLOY / "grafana" / "dashboards").glob("*.json")):
        board = json.loads(path.read_text(encoding="utf-8"))
        for panel in board["panels"]:
            for name in _names(" ".join(target["expr"] for target in panel.get("targets", ()))):
                found[name].append(f"{path.stem}: {panel['title']}")
        for annotation in board["annotations"]["list"]:
            for name in _names(annotation.get("expr") or ""):
                found[name] += [annotation["name"]] if annotation["name"] not in found[name] else []
    return found


def rules() -> Iterator[dict[str, Any]]:
    """Yield all alerting and recording rules of Prometheus from deploy/prometheus/rules, as the YAML has them."""
    for path in sorted((DEPLOY / "prometheus" / "rules").glob("*.yml")):
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            yield from group["rules"]


def recorded() -> dict[str, set[str]]:
    """Return the names that each recording rule's expression uses, by the name that it records."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for rule in rules():
        if "record" in rule:
            found[rule["record"]] |= _names(rule["expr"])
    return found


def uses() -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return (panels, alarms), each by metric: the panels as in `panels`, and the names of alarms. A panel or alarm
    that uses a recorded name also counts for the metrics of which that name is made.
    """
    by_panel, by_alarm, made = panels(), defaultdict[str, list[str]](list), recorded()
    for rule in rules():
        asked = _names(rule["expr"]) if "alert" in rule else set()
        for name in asked.union(*(made.get(each, ()) for each in asked)):
            by_alarm[name].append(rule["alert"])
    for name, sources in made.items():
        for source in sources:
            by_panel[source] += by_panel.get(name, [])
    return by_panel, by_alarm


def page() -> str:
    """Return the Markdown text for docs/metrics.md, made from the metrics in the code, the dashboards and the rules.
    That file is neither read nor written.
    """
    from streams.runtime.metrics import CLOCKS

    by_panel, by_alarm = uses()
    buckets = ", ".join(f"{each:,g}" for each in CLOCKS)
    parts = [HEAD.read_text(encoding="utf-8").replace("{buckets}", buckets)]
    for title, found in entries().items():
        parts += [f"## {title}", _line(COLUMNS), _line("---" for _ in COLUMNS)]
        parts += [*(_row(each, by_panel, by_alarm) for each in found), ""]
    parts += ["## Recorded", _line(("name", "of", "panels")), _line(("---",) * 3)]
    for name, sources in sorted(recorded().items()):
        made = _listed(sorted(f"`{each}`" for each in sources))
        parts.append(_line((f"`{name}`", made, _listed(by_panel.get(name, [])))))
    return "\n".join(parts) + "\n"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _row(entry: Entry, by_panel: dict[str, list[str]], by_alarm: dict[str, list[str]]) -> str:
    labels = _listed([f"`{label}`" for label in entry.labels])
    cells = (f"`{entry.name}`", entry.kind, entry.unit, labels, entry.meaning)
    used = (_listed(by_panel.get(entry.name, [])), _listed(by_alarm.get(entry.name, [])))
    return _line((*cells, *used))


def _names(expr: str) -> set[str]:
    """The names of metrics in an expression, a histogram's without what its series end with."""
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"\bquanzu[_:][a-z0-9_:]+", expr)}


def _listed(names: list[str]) -> str:
    return "; ".join(dict.fromkeys(names)) or "–"


def main() -> None:
    """Write docs/metrics.md. Raises OSError if it cannot be written."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
