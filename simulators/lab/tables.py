"""The laboratory's figures as tables for a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table

from simulators.assumptions.words import Told, count, hours, hundredths, plus_minus, ten_thousands
from simulators.lab.compare import BEYOND_NOBODY
from simulators.lab.dispatchers import NOBODY, ORACLE
from simulators.lab.intervals import Interval
from simulators.lab.sweep import Point
from simulators.studies import survival
from simulators.studies.honesty import ClassHonesty, Ratio
from simulators.studies.survival import Curve

SHOWN = 12  # groups of a kind: the largest ones

# Each measure's label, its number format, and whether more is better; None: neither.
ROWS: Mapping[str, tuple[str, Told, bool | None]] = {
    "loss_avoided_fen": ("loss avoided, ¥10,000", ten_thousands, True),
    BEYOND_NOBODY: ("… beyond nobody at the desk", ten_thousands, None),
    "by_banks_fen": ("… by banks that were asked to stop", ten_thousands, None),
    "by_machines_fen": ("… by messages and robots", ten_thousands, None),
    "by_operators_fen": ("… by operators", ten_thousands, None),
    "by_officers_fen": ("… by officers", ten_thousands, None),
    "loss_fen": ("loss, ¥10,000", ten_thousands, False),
    "defrauded": ("people defrauded", count, False),
    "defrauded_after_warning": ("… after a warning", count, False),
    "dissuaded": ("cases: dissuaded", count, True),
    "week_nothing_paid": ("… asked after a week: nothing paid", count, True),
    "week_paid_after_all": ("… … of these, had paid in truth", count, False),
    "week_paid": ("… asked after a week: paid", count, False),
    "week_contacted": ("… asked after a week: contacted again", count, None),
    "week_no_answer": ("… asked after a week: no answer", count, None),
    "contacts": ("contacts", count, False),
    "calls": ("calls", count, False),
    "visits": ("visits", count, False),
    "operator_hours": ("operators' hours on talks", hours, False),
    "officer_hours": ("officers' hours on visits", hours, False),
    "operators_busy": ("operators busy, %", hundredths, False),
    "cases": ("cases", count, False),
    "false_alarms": ("false alarms", count, False),
    "needless": ("contacted without need", count, False),
    "clocks_kept": ("first contacts in time, %", hundredths, True),
    "desk_clocks_kept": ("operators' calls taken in time, %", hundredths, True),
    "past_limit": ("cases that waited past their limit", count, False),
    "longest_wait": ("longest wait for an operator, hours", hours, False),
}


def compared(report: Mapping[str, Any]) -> Table:
    """Return a table of a report of compare, with a row for each figure and a column for each contender: mean ± half
    the 95 % interval.

    A cell is green or red if it is significantly better or worse than the first contender's.
    """
    names = list(report["policies"])
    seeds = len(report["seeds"])
    title = f"{seeds} seeds, mean ± 95 %" if seeds > 1 else "one seed: nothing is known for certain"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("")
    for name in names:
        table.add_column(name, justify="right", style="dim" if name in (ORACLE, NOBODY) else None)
    for measure, (words, told, better) in ROWS.items():
        if measure not in report["policies"][names[0]]:
            continue
        cells = [_cell(report, name, measure, told, more_is_better=better) for name in names]
        table.add_row(words, *cells)
    return table


def _cell(report: Mapping[str, Any], name: str, measure: str, told: Told, *, more_is_better: bool | None) -> str:
    found = Interval(**report["policies"][name][measure])
    text = plus_minus(found.mean, found.half, told) if len(report["seeds"]) > 1 else told(found.mean)
    difference = report["differences"].get(name, {}).get(measure)
    if more_is_better is None or difference is None or difference["low"] <= 0 <= difference["high"]:
        return text
    colour = "green" if (difference["mean"] > 0) is more_is_better else "red"
    return f"[{colour}]{text}[/]"


def honest(verdicts: Sequence[ClassHonesty]) -> Table:
    """Return a table with a row for each evidence class: the ledger's claims beside the truth, in 10,000 yuan, and
    whether the class may be believed.
    """
    notes = (
        "¥10,000, means of the seeds in which a class claims anything. over: seeds with a claim over the truth. "
        "covered: seeds whose interval covers it. idle: claimed where nothing was kept. counted: the claims times what "
        "other seeds say is kept of them."
    )
    table = Table(title="the ledger beside the truth", title_justify="left", caption=notes, caption_justify="left")
    for name in ("class", "seeds", "over", "covered", "claimed", "idle", "counted", "true", "kept of ¥100"):
        table.add_column(name, justify="left" if name == "class" else "right")
    table.add_column("honest")
    table.box = box.SIMPLE_HEAD
    for each in verdicts:
        sums = [ten_thousands(fen) for fen in (each.claimed, each.idle, each.counted, each.true)]
        cells = [f"{each.claims}", f"{each.over}", _covered(each), *sums, _kept(each.kept)]
        table.add_row(each.evidence, *cells, "[green]yes[/]" if each.honest else "[red]no[/]")
    return table


def _covered(verdict: ClassHonesty) -> str:
    return "–" if verdict.coverage is None else f"{verdict.coverage:.0%}"


def _kept(kept: Ratio | None) -> str:
    return f"{100 * kept.low:.0f} to {100 * kept.high:.0f}" if kept else "–"


def warned(curves: Mapping[str, Mapping[str, Curve]], days: Sequence[float]) -> Table:
    """Return a table of the share (per cent) of residents defrauded after a warning, with a column for each number in
    `days` (days since the warning), with 95 % intervals. Of each kind of group, at most the 12 largest groups are
    shown.
    """
    title = "defrauded after a warning, % of those warned (Kaplan–Meier, 95 %)"
    table = Table("by", "", title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for name in ("warned", "defrauded", *(f"{day:g} d" for day in days)):
        table.add_column(name, justify="right")
    for by, groups in curves.items():
        for number, (name, curve) in enumerate(_most(groups)):
            cells = [_lost(curve.at(day)) for day in days]
            table.add_row("" if number else by, name, count(curve.people), count(curve.defrauded), *cells)
        table.add_section()
    return table


def _most(groups: Mapping[str, Curve]) -> list[tuple[str, Curve]]:
    """Return all groups, or only the SHOWN largest if there are more. The report has all of them."""
    if len(groups) <= SHOWN:
        return list(groups.items())
    return sorted(groups.items(), key=lambda each: -each[1].people)[:SHOWN]


def _lost(point: survival.Point) -> str:
    return f"{hundredths(1 - point.share)} ({hundredths(1 - point.high)} to {hundredths(1 - point.low)})"


def swept(parameter: str, curve: Sequence[Point]) -> Table:
    """Return a table of a sweep with a row for each value: the loss avoided (10,000 yuan), how much more that is than
    in the row before, contacts and hours, each as mean ± half the 95 % interval. ◆ marks the Pareto front.
    """
    table = Table(title=f"{parameter}, mean ± 95 %", title_justify="left", box=box.SIMPLE_HEAD)
    heads = (parameter, "loss avoided, ¥10,000", "more than before", "contacts", "operators' hours", "officers' hours")
    for name in heads:
        table.add_column(name, justify="right")
    table.add_column("front")
    for point in curve:
        table.add_row(point.value, *_line(point), "◆" if point.front else "")
    return table


def _line(point: Point) -> list[str]:
    told: list[tuple[Interval | None, Told]] = [
        (point.loss_avoided_fen, ten_thousands),
        (point.more, ten_thousands),
        (point.contacts, count),
        (point.operator_hours, hours),
        (point.officer_hours, hours),
    ]
    return [plus_minus(each.mean, each.half, words) if each else "" for each, words in told]
