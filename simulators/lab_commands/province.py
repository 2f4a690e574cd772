"""`quanzu lab calibrate` and `day`: checks of the simulated province. Imports what a command needs when it runs."""

import resource
import time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from console.commands.common import Report, err, load_settings, out
from simulators.lab_commands.told import write

if TYPE_CHECKING:
    from collections.abc import Iterable

    from simulators.studies.calibration import Line
    from simulators.studies.day import Counts

app = typer.Typer()

Seed = Annotated[int, typer.Option(min=0, help="The same seed gives the same province")]


@app.command()
def calibrate(
    seed: Seed = 1,
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds, from the first on")] = 20,
    report: Report = None,
) -> None:
    """Compare simulated years without warnings with Jilin's published figures. Ends with 1 if a line is off.

    A line is off if the simulated figure is not within its tolerance, which is shown beside it.
    """
    from console.progress import bar
    from simulators.studies import calibration

    with bar(err, "years") as progress:
        lines = calibration.calibrate(range(seed, seed + seeds), progress=progress)
    good = sum(line.ok for line in lines)
    out.print(_calibrated(lines, seed, seeds))
    write(report, {"seed": seed, "seeds": seeds, "ok": good, "of": len(lines), "lines": calibration.report(lines)})
    out.print(f"calibrated: {good} of {len(lines)}", markup=False, highlight=False)
    raise typer.Exit(0 if good == len(lines) else 1)


@app.command()
def day(
    residents: Annotated[
        int | None,
        typer.Option(min=1_000, show_default="all, 24 million", help="How many people live in the province"),
    ] = None,
    seed: Seed = 1,
    report: Report = None,
) -> None:
    """Simulate one day of the whole province, and count people, scams, contacts and other evidence."""
    from domain.policy.file import load
    from simulators.assumptions.figures import PEOPLE
    from simulators.studies.day import day as live

    began = time.perf_counter()
    rules = load(load_settings().policy.read_text("utf-8")).risk
    counts = live(seed, residents or PEOPLE, rules)
    seconds = round(time.perf_counter() - began, 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    out.print(_counted(counts))
    write(report, {"seed": seed, **counts, "seconds": seconds, "peak_mib": peak})
    out.print(f"{seconds} s, {peak:,} MiB at most", markup=False, highlight=False)


def _calibrated(lines: "Iterable[Line]", seed: int, seeds: int) -> Table:
    table = Table(title=f"Jilin, 2020, and seeds {seed} to {seed + seeds - 1}")
    table.add_column("fact")
    table.add_column("published", justify="right")
    table.add_column("simulated", justify="right")
    table.add_column("tolerance")
    table.add_column("ok")
    for line in lines:
        verdict = "[green]yes[/]" if line.ok else "[red]no[/]"
        table.add_row(line.fact, line.published, line.simulated, line.tolerance, verdict)
    return table


def _counted(counts: "Counts") -> Table:
    table = Table("what", "kind", title="A day of the province")
    table.add_column("count", justify="right")
    for what, kinds in counts.items():
        for number, (kind, count) in enumerate(sorted(kinds.items(), key=lambda one: -one[1])):
            table.add_row("" if number else what, str(kind), f"{count:,}")
    return table
