"""Draws the laboratory's reports, each as PNG and SVG."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.errors import UserError
from simulators.lab.compare import AVOIDED, BEYOND_NOBODY
from simulators.lab.intervals import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Report = Mapping[str, Any]

FEN_A_MILLION = 10**8  # fen in a million yuan
# Okabe and Ito's colours, which the colour-blind can distinguish.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#f0e442", "#6b7178")
# Fonts for stations' names: the first one installed is used.
CHINESE = ("Noto Sans CJK SC", "Noto Sans CJK JP", "WenQuanYi Zen Hei", "Microsoft YaHei", "PingFang SC")
BLUE, GREY, RED = COLOURS[0], COLOURS[-1], "#b3261e"
KEEPERS = {
    "by_banks_fen": "banks",
    "by_machines_fen": "messages and robots",
    "by_operators_fen": "operators",
    "by_officers_fen": "officers",
}
_WHOSE = {"by_hand": GREY, "free": COLOURS[1], "learnt": BLUE}  # weights
MOST_GROUPS = len(COLOURS)  # groups in a panel: the largest ones
_AVOIDED = "loss avoided, million yuan"


def drawn(report: Report, folder: Path) -> list[Path]:
    """Draw a report of compare, sweep, fit or money into `folder`, which is created if missing. Return two paths, of
    the PNG and of the SVG.

    Raises UserError if it is not such a report, KeyError if it lacks a field, and OSError if a file cannot be written.
    """
    for key, draw in _OF.items():
        if key in report:
            return draw(report, folder)
    raise UserError("this is no report of compare, sweep, fit or money: write one with --report")


def compared(report: Report, folder: Path) -> list[Path]:
    """Draw a report of compare: the loss avoided (million yuan) by who achieved it, the operators' contribution, and
    the loss avoided against the number of contacts.

    Returns two paths, of the PNG and of the SVG. Raises OSError if a file cannot be written, and KeyError if the report
    lacks a field, such as that of the contender `nobody`.
    """
    names = list(report["policies"])
    with _sheet(3) as (figure, (left, middle, right)):
        _stacked(left, report, names)
        _bars(middle, names, [_of(report["policies"][name][BEYOND_NOBODY], FEN_A_MILLION) for name in names])
        middle.set_xlabel("kept beyond a desk with nobody at it, million yuan")
        for name, colour in zip(names, cycle(COLOURS), strict=False):
            told = report["policies"][name]
            _cross(right, _of(told["contacts"], 1), _of(told[AVOIDED], FEN_A_MILLION), name, colour)
        right.legend(fontsize=8, **_ABOVE)  # above, because points may be anywhere
        _name(right, "contacts", _AVOIDED)
        return _saved(figure, folder, "compare")


def swept(report: Report, folder: Path) -> list[Path]:
    """Draw a report of sweep: the loss avoided (million yuan) for each value, and against the number of contacts, with
    the Pareto front in red.

    Returns two paths, of the PNG and of the SVG. Raises OSError if a file cannot be written, and KeyError if the report
    lacks a field.
    """
    points = report["points"]
    avoided = [_of(point[AVOIDED], FEN_A_MILLION) for point in points]
    with _sheet(2) as (figure, (left, right)):
        places = list(range(len(points)))
        left.plot(places, [each.mean for each in avoided], color=BLUE, marker="o")
        _band(left, places, avoided, BLUE)
        left.set_xticks(places, [point["value"] for point in points])
        _name(left, report["parameter"], _AVOIDED)
        for point, found in zip(points, avoided, strict=True):
            _cross(right, _of(point["contacts"], 1), found, point["value"], RED if point["front"] else GREY)
            right.annotate(point["value"], (point["contacts"]["mean"], found.mean), xytext=(5, 5), **_BESIDE)
        _name(right, "contacts (red: the Pareto front)", _AVOIDED)
        return _saved(figure, folder, "sweep")


def calibrated(report: Report, folder: Path) -> list[Path]:
    """Draw a report of fit, for the hand-set, the freely learnt and the learnt weights: predicted probability against
    the true share on unseen seeds, and the Brier scores.

    Returns two paths, of the PNG and of the SVG. Raises OSError if a file cannot be written, and KeyError if the report
    lacks a field.
    """
    with _sheet(2) as (figure, (left, right)):
        left.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="said = true")
        for kind, colour in _WHOSE.items():
            for number, judged in enumerate(report["unseen"].values()):
                said, was = zip(*judged[kind]["calibration"], strict=True)
                left.plot(said, was, color=colour, marker="o", label="" if number else _words(kind))
        left.legend(fontsize=8)
        _name(left, "probability said", "share that was a scam")
        _briers(right, report)
        return _saved(figure, folder, "fit")


def survived(report: Report, folder: Path) -> list[Path]:
    """Draw a report of money: the share (per cent) of residents defrauded, by days after a warning (Kaplan–Meier). Each
    kind of group has its own panel, with its eight largest groups.

    Returns two paths, of the PNG and of the SVG. Raises OSError if a file cannot be written, and KeyError if the report
    lacks a field.
    """
    kinds = report["not_defrauded"]
    with _sheet(len(kinds)) as (figure, panels):
        for panel, (by, groups) in zip(panels, kinds.items(), strict=True):
            largest = sorted(groups.items(), key=lambda each: -each[1]["people"])[:MOST_GROUPS]
            for (name, curve), colour in zip(largest, COLOURS, strict=False):
                _fallen(panel, f"{name} ({curve['people']:,})", curve["points"], colour)
            panel.legend(fontsize=8, title=by)
            _name(panel, "days after the warning", "defrauded, %")
        return _saved(figure, folder, "survival")


def _stacked(axes: "Axes", report: Report, names: Sequence[str]) -> None:
    """Draw the loss avoided, by who achieved it."""
    left = [0.0] * len(names)
    for (measure, words), colour in zip(KEEPERS.items(), COLOURS, strict=False):
        kept = [report["policies"][name][measure]["mean"] / FEN_A_MILLION for name in names]
        axes.barh(names, kept, left=left, color=colour, height=0.6, label=words)
        left = [before + each for before, each in zip(left, kept, strict=True)]
    whole = [_of(report["policies"][name][AVOIDED], FEN_A_MILLION) for name in names]
    axes.errorbar([each.mean for each in whole], names, xerr=[each.half for each in whole], fmt="none", ecolor="black")
    axes.invert_yaxis()
    axes.legend(fontsize=8, **_ABOVE)
    _name(axes, f"{_AVOIDED}, by who kept it")


def _briers(axes: "Axes", report: Report) -> None:
    judged = {each["from"]: each for each in report["by_time"]}
    judged |= {f"seed {seed}": each for seed, each in report["unseen"].items()}
    places = list(range(len(judged)))
    for aside, (kind, colour) in zip((-0.27, 0, 0.27), _WHOSE.items(), strict=True):
        briers = [each[kind]["brier"] for each in judged.values()]
        axes.bar([place + aside for place in places], briers, width=0.27, color=colour, label=_words(kind))
    axes.set_xticks(places, list(judged), rotation=30, ha="right", fontsize=8)
    axes.legend(fontsize=8, **_ABOVE)  # above, because bars may have full height
    _name(axes, "judged on the days from, and on unseen seeds", "Brier score (less is better)")


def _fallen(axes: "Axes", name: str, points: Sequence[Report], colour: str) -> None:
    days = [point["days"] for point in points]
    axes.step(days, [100 * (1 - point["share"]) for point in points], where="post", color=colour, label=name)
    low, high = ([100 * (1 - point[bound]) for point in points] for bound in ("high", "low"))
    axes.fill_between(days, low, high, step="post", color=colour, alpha=0.15)


@contextmanager
def _sheet(columns: int) -> Iterator[tuple["Figure", Sequence["Axes"]]]:
    import matplotlib as mpl

    mpl.use("Agg")  # needs no display
    mpl.rcParams["svg.hashsalt"] = "quanzu"  # makes SVG files reproducible
    from matplotlib import font_manager, pyplot

    there = {font.name for font in font_manager.fontManager.ttflist}
    mpl.rcParams["font.family"] = ["DejaVu Sans", *(name for name in CHINESE if name in there)]

    figure, axes = pyplot.subplots(1, columns, figsize=(5.2 * columns, 4), layout="constrained", squeeze=False)
    for each in axes[0]:
        each.spines[["top", "right"]].set_visible(False)
        each.grid(alpha=0.25)
        each.set_axisbelow(True)
    try:
        yield figure, axes[0]
    finally:
        pyplot.close(figure)


def _bars(axes: "Axes", names: Sequence[str], found: Sequence[Interval]) -> None:
    halves = [each.half for each in found]
    axes.barh(names, [each.mean for each in found], xerr=halves, color=BLUE, height=0.6)
    axes.invert_yaxis()


def _band(axes: "Axes", places: Sequence[int], found: Sequence[Interval], colour: str) -> None:
    axes.fill_between(places, [each.low for each in found], [each.high for each in found], color=colour, alpha=0.2)


def _cross(axes: "Axes", across: Interval, up: Interval, name: str, colour: str) -> None:
    axes.errorbar(across.mean, up.mean, xerr=across.half, yerr=up.half, fmt="o", color=colour, label=name)


def _name(axes: "Axes", across: str, up: str = "") -> None:
    axes.set_xlabel(across)
    axes.set_ylabel(up)


def _words(kind: str) -> str:
    return kind.replace("_", " ")


def _of(told: Mapping[str, float], scale: float) -> Interval:
    return Interval(told["mean"] / scale, told["low"] / scale, told["high"] / scale)


def _saved(figure: "Figure", folder: Path, name: str) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.{kind}" for kind in ("png", "svg")]
    for path in paths:
        figure.savefig(path, dpi=120, metadata={"Date": None} if path.suffix == ".svg" else None)
    return paths


_ABOVE: Mapping[str, Any] = {"ncols": 4, "loc": "lower left", "bbox_to_anchor": (0, 1), "frameon": False}
_BESIDE: Mapping[str, Any] = {"textcoords": "offset points", "fontsize": 8}
_OF: Mapping[str, Callable[[Report, Path], list[Path]]] = {
    "policies": compared,
    "points": swept,
    "unseen": calibrated,
    "not_defrauded": survived,
}
