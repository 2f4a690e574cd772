"""The boards as pictures, drawn of the real Prometheus' answers: what a person looks at where there is no Grafana."""

import math
import re
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from deploy.grafana.names import COLORS, both, gazetteer
from tests.tools.grafana.queries import Answered, boards

mpl.use("Agg")
mpl.rcParams["font.family"] = ["Noto Sans CJK SC", "DejaVu Sans"]

ACROSS, INCHES = 4, (5.2, 3.1)
MOST = 9  # lines of a table, series of a legend
UNITS = {"currency:¥": "¥", "percentunit": "%", "s": "s", "bytes": "B", "cps": "/s"}


def draw(everything: Sequence[Answered], folder: Path) -> list[Path]:
    """One picture a board, its panels in their order. Returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for board, of_board in groupby(everything, lambda each: each.asked.board):
        panels = [list(group) for _, group in groupby(of_board, lambda each: each.asked.panel)]
        made.append(_board(board, panels, folder / f"{board}.png"))
    return made


def _board(name: str, panels: list[list[Answered]], path: Path) -> Path:
    down = math.ceil(len(panels) / ACROSS)
    figure, axes = plt.subplots(down, ACROSS, figsize=(ACROSS * INCHES[0], down * INCHES[1]), squeeze=False)
    units = {
        panel["title"]: panel.get("fieldConfig", {}).get("defaults", {}).get("unit", "")
        for panel in boards()[name]["panels"]
    }
    for axis, panel in zip(axes.flat, panels, strict=False):
        _panel(axis, panel, UNITS.get(units[panel[0].asked.panel], ""))
    for axis in axes.flat[len(panels) :]:
        axis.axis("off")
    figure.suptitle(boards()[name]["title"], fontsize=20)
    figure.tight_layout(rect=(0, 0, 1, 0.98))
    figure.savefig(path, dpi=60)
    plt.close(figure)
    return path


def _panel(axis: Axes, panel: list[Answered], unit: str) -> None:
    axis.set_title(panel[0].asked.panel, fontsize=11, loc="left")
    kind = panel[0].asked.kind
    if kind == "timeseries":
        _lines(axis, panel, unit)
    elif kind == "heatmap":
        _heat(axis, panel[0])
    elif kind == "geomap":
        _map(axis, panel[0])
    elif kind == "bargauge":
        _bars(axis, panel, unit)
    else:
        _words(axis, [f"{name}   {_figure(value, unit)}" for name, value in _latest(panel)], large=kind == "stat")


def _lines(axis: Axes, panel: list[Answered], unit: str) -> None:
    for each in panel:
        for series in each.answer.series[:MOST]:
            moments = [float(at) for at, _ in series["values"]]
            values = [_scaled(float(value), unit) for _, value in series["values"]]
            color = COLORS.get(series["metric"].get(each.asked.legend.strip("{}"), ""))
            axis.plot([at - moments[-1] for at in moments], values, label=_name(each, series), color=color, lw=1.2)
    axis.set_xlabel(f"s{f'   [{unit}]' if unit else ''}", fontsize=7)
    axis.tick_params(labelsize=7)
    if axis.get_legend_handles_labels()[1]:
        axis.legend(fontsize=6.5, loc="upper left")


def _heat(axis: Axes, each: Answered) -> None:
    found = sorted(each.answer.series, key=lambda series: float(series["metric"]["le"]))
    rows = [[float(value) for _, value in series["values"]] for series in found]
    narrowest = min(map(len, rows))
    alone = np.diff([row[-narrowest:] for row in rows], axis=0, prepend=0).clip(0)  # a bucket has those below it too
    axis.imshow(alone, aspect="auto", origin="lower", cmap="viridis")
    axis.set_yticks(range(len(found)), [series["metric"]["le"] for series in found], fontsize=6)


def _map(axis: Axes, each: Answered) -> None:
    values = {series["metric"]["prefecture"]: float(series["value"][1]) for series in each.answer.series}
    for place in gazetteer():
        size = values.get(place["key"], 0)
        axis.scatter(place["longitude"], place["latitude"], s=20 + 12 * size, color="tab:red", alpha=0.5)
        axis.annotate(f"{place['name'].split()[0]} {size:g}", (place["longitude"], place["latitude"]), fontsize=8)
    axis.tick_params(labelsize=7)


def _bars(axis: Axes, panel: list[Answered], unit: str) -> None:
    found = _latest(panel)
    axis.barh([name for name, _ in found], [_scaled(value, unit) for _, value in found], color="tab:blue")
    for place, (_, value) in enumerate(found):
        axis.annotate(f" {_figure(value, unit)}", (_scaled(value, unit), place), fontsize=7, va="center")
    axis.tick_params(labelsize=7)


def _words(axis: Axes, lines: Sequence[str], *, large: bool) -> None:
    shown = [*lines[:MOST], *([f"+{len(lines) - MOST}"] if len(lines) > MOST else [])]
    size = 15 if large and len(shown) <= 4 else 8.5
    axis.text(0.02, 0.95, "\n".join(shown), va="top", fontsize=size, transform=axis.transAxes)
    axis.axis("off")


def _latest(panel: list[Answered]) -> list[tuple[str, float]]:
    """Each series' last figure."""
    found = []
    for each in panel:
        for series in each.answer.series:
            value = series["values"][-1][1] if "values" in series else series["value"][1]
            found.append((_name(each, series), float(value)))
    return found


def _name(each: Answered, series: dict[str, Any]) -> str:
    labels = {name: value for name, value in series["metric"].items() if name != "__name__"}
    legend = each.asked.legend
    if not legend:
        hidden = ("instance", "job")
        return " ".join(both(value, name) for name, value in labels.items() if name not in hidden)
    for name, value in labels.items():
        legend = legend.replace(f"{{{{{name}}}}}", both(value, name))
    return re.sub(r"{{\w+}}", "", legend).strip()


def _scaled(value: float, unit: str) -> float:
    return value * 100 if unit == "%" else value


def _figure(value: float, unit: str) -> str:
    figure = f"{_scaled(value, unit):,.1f}".removesuffix(".0")
    return f"{unit}{figure}" if unit == "¥" else f"{figure} {unit}"
