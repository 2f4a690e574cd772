"""The result of learning as tables for a terminal."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

_WHOSE = {"by_hand": "by hand", "free": "free", "learnt": "learnt"}


def table(report: Mapping[str, Any]) -> RenderableType:
    """Return the report of `fitted` as tables for a terminal: the weights in bits beside the hand-set ones, the scores,
    the levels, and the sentence that compares the Brier scores.
    """
    examples = f"learnt: within {report['examples']} examples of the levels; free: without, and no policy for use"
    return Group(_weights(report), _scores(report), _levels(report), Text(examples), Text(str(report["verdict"])))


def _weights(report: Mapping[str, Any]) -> Table:
    drawn = _table("bits", "", *_WHOSE.values(), "seen")
    factors = (f"{report['factor'][whose]:.2f}" for whose in _WHOSE)
    drawn.add_row("factor to log-odds", *factors, f"{report['rows']:,}")
    for name, each in report["weights"].items():
        bits = ("–" if each[whose] is None else f"{each[whose]:.2f}" for whose in _WHOSE)
        drawn.add_row(name, *bits, f"{each['seen']:,}")
    return drawn


def _levels(report: Mapping[str, Any]) -> Table:
    heads = [head for name in _WHOSE.values() for head in (name, "moments", "scams, %", "of all, %")]
    drawn = _table("from the odds of each level on, on unseen seeds", "", *heads)
    for level, each in report["at_levels"].items():
        cells: list[str] = []
        for whose in _WHOSE:
            found = each[whose]
            shares = (f"{100 * found[name]:.1f}" for name in ("scams_among_them", "of_all_scams"))
            cells += [f"{report['levels'][level][whose]:g}", f"{found['moments']:,.0f}", *shares]
        drawn.add_row(level, *cells)
    return drawn


def _scores(report: Mapping[str, Any]) -> Table:
    heads = [f"{what} {name}" for what in ("Brier", "AUC") for name in _WHOSE.values()]
    drawn = _table("how good the probabilities are", "judged on", "rows", "scams", *heads)
    for each in report["by_time"]:
        drawn.add_row(f"{each['from']} to {each['until']}", *_cells(each))
    for seed, each in report["unseen"].items():
        drawn.add_row(f"unseen seed {seed}", *_cells(each))
    return drawn


def _cells(each: Mapping[str, Any]) -> list[str]:
    counts = [f"{each['by_hand'][what]:,}" for what in ("rows", "scams")]
    briers = [f"{each[whose]['brier']:.4f}" for whose in _WHOSE]
    return [*counts, *briers, *(_auc(each[whose]) for whose in _WHOSE)]


def _auc(score: Mapping[str, Any]) -> str:
    return "–" if score["auc"] is None else f"{score['auc']:.3f}"


def _table(title: str, *columns: str) -> Table:
    drawn = Table(box=None, title=title, title_justify="left")
    for number, name in enumerate(columns):
        drawn.add_column(name, justify="right" if number else "left")
    return drawn
