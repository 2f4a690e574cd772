"""The boards' queries as Grafana would send them: every panel's, out of the JSON that is provisioned."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.tools.servers.prometheus import Answer, PrometheusServer

DASHBOARDS = Path(__file__).parents[3] / "deploy" / "grafana" / "dashboards"
EVERYTHING = {"prefecture": ".*", "level": ".*", "channel": ".*", "source": ".*"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One query of a panel. `now`: asked for one moment."""

    board: str
    panel: str
    kind: str
    legend: str
    expr: str
    now: bool

    def filled(self, variables: Mapping[str, str], interval: str, range_: str) -> str:
        """The expression with Grafana's variables filled in."""
        text = self.expr.replace("$__rate_interval", interval).replace("$__range", range_)
        for name, value in variables.items():
            text = text.replace(f"${name}", value)
        return text


def boards() -> dict[str, dict[str, Any]]:
    """The dashboards, by file."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(DASHBOARDS.glob("*.json"))}


def panels(board: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A dashboard's panels without its headings."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def asked() -> Iterator[Asked]:
    """Every query of every panel."""
    for name, board in boards().items():
        for panel in panels(board):
            for target in panel["targets"]:
                now = bool(target.get("instant"))
                yield Asked(name, panel["title"], panel["type"], target.get("legendFormat", ""), target["expr"], now)


def has_data(answer: Answer) -> bool:
    """Whether any series has a figure."""
    return any(
        not math.isnan(float(value))
        for series in answer.series
        for _, value in series.get("values") or [series["value"]]
    )


@dataclass(frozen=True, slots=True)
class Answered:
    """A query with what Prometheus said."""

    asked: Asked
    answer: Answer


@dataclass(frozen=True, slots=True)
class Span:
    """What is looked at: seconds since 1970."""

    start: float
    end: float

    @property
    def step(self) -> float:
        """Some two hundred points."""
        return max(1.0, round((self.end - self.start) / 200))


def ask_all(prometheus: PrometheusServer, span: Span, variables: Mapping[str, str], interval: str) -> list[Answered]:
    """Every query, over the span or at its end."""
    range_ = f"{max(60, round(span.end - span.start))}s"
    found = []
    for each in asked():
        expr = each.filled(variables, interval, range_)
        answer = (
            prometheus.query(expr, span.end) if each.now else prometheus.range(expr, span.start, span.end, span.step)
        )
        found.append(Answered(each, answer))
    return found
