"""What was learnt, as tables in a terminal."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text


def table(report: Mapping[str, Any]) -> RenderableType:
    """The weights beside those set by hand, how good both are, and the verdict."""
    return Group(_weights(report), _scores(report), _levels(report), Text(str(report["verdict"])))


def _weights(report: Mapping[str, Any]) -> Table:
    drawn = _table("bits", "", "by hand", "learnt", "seen")
    prior = report["prior"]
    drawn.add_row("prior", f"{prior['by_hand']:g}", f"{prior['learnt']:g}", f"{report['rows']:,}")
    for name, each in report["weights"].items():
        learnt = "–" if each["learnt"] is None else f"{each['learnt']:.2f}"
        drawn.add_row(name, f"{each['by_hand']:g}", learnt, f"{each['seen']:,}")
    return drawn


def _levels(report: Mapping[str, Any]) -> Table:
    heads = ("moments", "scams, %", "of all, %")
    drawn = _table("from the odds of each level on, on unseen seeds", "", "by hand", *heads, "learnt", *heads)
    for level, each in report["at_levels"].items():
        cells: list[str] = []
        for whose in ("by_hand", "learnt"):
            found = each[whose]
            shares = (f"{100 * found[name]:.1f}" for name in ("scams_among_them", "of_all_scams"))
            cells += [f"{report['levels'][level][whose]:g}", f"{found['moments']:,.0f}", *shares]
        drawn.add_row(level, *cells)
    return drawn


def _scores(report: Mapping[str, Any]) -> Table:
    drawn = _table("how good the probabilities are", "judged on", "rows", "scams", "Brier by hand", "learnt", "AUC", "")
    for each in report["by_time"]:
        drawn.add_row(f"{each['from']} to {each['until']}", *_cells(each))
    for seed, each in report["unseen"].items():
        drawn.add_row(f"unseen seed {seed}", *_cells(each))
    return drawn


def _cells(each: Mapping[str, Any]) -> list[str]:
    by_hand, learnt = each["by_hand"], each["learnt"]
    counts = [f"{by_hand['rows']:,}", f"{by_hand['scams']:,}"]
    return [*counts, f"{by_hand['brier']:.4f}", f"{learnt['brier']:.4f}", _auc(by_hand), _auc(learnt)]


def _auc(score: Mapping[str, Any]) -> str:
    return "–" if score["auc"] is None else f"{score['auc']:.3f}"


def _table(title: str, *columns: str) -> Table:
    drawn = Table(box=None, title=title, title_justify="left")
    for number, name in enumerate(columns):
        drawn.add_column(name, justify="right" if number else "left")
    return drawn
