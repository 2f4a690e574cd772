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
    real = report["true_rate"]
    return Group(
        _weights(report),
        _scores(report),
        _levels(report),
        _true_levels(real, report["days"]),
        _constraint(real),
        _reliability(real),
        Text(examples),
        Text(str(report["verdict"])),
    )


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


def _true_levels(real: Mapping[str, Any], days: float) -> Table:
    victims = f"{real['victims']['counted']:,} of {real['victims']['all']:,} victims, who paid by the end"
    title = (
        f"at the real rate of scams: residents who reach a level, each counted once in {days:g} days; "
        f"recall: of {victims}; in brackets 95 %"
    )
    heads = ("alerts a day, per million", "in a scam that asks for money, %", "in any scam, %", "recall, %")
    drawn = _table(title, "", *heads)
    for level, each in real["levels"].items():
        for whose, name in _WHOSE.items():
            found = each[whose]
            shares = (_figure(found[key], 100) for key in ("in_money_scam", "in_any_scam", "recall"))
            drawn.add_row(f"{level}, {name}", _figure(found["alerts"]), *shares)
    return drawn


def _constraint(real: Mapping[str, Any]) -> Table:
    drawn = _table("cost of the examples: recall at as many alerts, %", "", "learnt", "free", "free has more")
    for level, each in real["constraint"].items():
        drawn.add_row(level, *(_figure(each[key], 100) for key in ("learnt", "free_as_many", "more")))
    return drawn


def _reliability(real: Mapping[str, Any]) -> Table:
    heads = ("moments, %", "said, %", "true, %", "victims behind it")
    drawn = _table("predictions at the real rate, by power of ten, at moments with new evidence", "", *heads)
    for whose, name in _WHOSE.items():
        for each in real["reliability"][whose]:
            said = (f"{100 * each[key]:.3g}" for key in ("moments", "said"))
            drawn.add_row(f"{name}, from 1e{each['from']}", *said, _figure(each["true"], 100), f"{each['victims']:,}")
    return drawn


def _figure(found: Mapping[str, float | None], times: float = 1) -> str:
    """Return an estimate with its interval to three digits, such as "4.1 (3.2 to 5)"; a dash if there is none."""
    each = [None if value is None else f"{times * value:,.3g}" for value in found.values()]
    return "–" if None in each else f"{each[0]} ({each[1]} to {each[2]})"


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
