"""`quanzu lab experiments`: how often the analysis of randomised experiments is right. Imports are deferred."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from console.commands.common import Report, out
from simulators.lab_commands.report_files import write

if TYPE_CHECKING:
    from collections.abc import Iterable

    from simulators.studies.experiments import StudyResult

app = typer.Typer()

LEAST_COVERED, MOST_FALSE = 0.95, 0.05  # of the experiments, as the bounds promise


@app.command("experiments")
def lab_experiments(
    experiments: Annotated[int, typer.Option(min=10, help="Simulated experiments for each planted effect")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same outcomes")] = 7,
    report: Report = None,
) -> None:
    """Simulate experiments with a known effect, and read each every day. Exits with 1 if a promise of the bounds fails.

    The promises: on all days together, at least 95 % cover the truth, and at most 5 % find an effect, or harm, where
    there is none.
    """
    from simulators.studies.experiments import BASE, PER_DAY, all_studies, planned_units

    found = all_studies(experiments, seed)
    units = planned_units()
    out.print(_table(found))
    out.print(
        f"{experiments:,} experiments a row, {units:,} units each, {PER_DAY} a day, {BASE:.0%} of the cap lost under "
        "the control. Drawn outcomes: a check of the analysis, no proof about warnings.",
        markup=False,
        highlight=False,
    )
    write(report, {"experiments": experiments, "seed": seed, "units": units, "studies": [asdict(one) for one in found]})
    kept = all(
        each.covered >= LEAST_COVERED and (each.effect or max(each.found, each.harm) <= MOST_FALSE) for each in found
    )
    raise typer.Exit(0 if kept else 1)


def _table(found: "Iterable[StudyResult]") -> Table:
    table = Table(
        "planted",
        "covered on all days",
        "effect found",
        "median day",
        "stopped for harm",
        "median day",
        "p < 0.05 on some day",
    )
    for each in found:
        table.add_row(
            f"{each.effect * 100:+.0f} points" if each.effect else "none",
            f"{each.covered:.1%}",
            f"{each.found:.1%}",
            "–" if each.day is None else f"{each.day:.0f}",
            f"{each.harm:.1%}",
            "–" if each.harm_day is None else f"{each.harm_day:.0f}",
            f"{each.peeked:.1%}",
        )
    return table
