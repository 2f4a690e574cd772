"""`quanzu lab calibrate`, `day` and `recovery`: checks of the simulated province, and a study in it.

Imports what a command needs when it runs.
"""

import resource
import time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from console.commands.common import Report, err, load_settings, out
from simulators.lab_commands.report_files import write

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
    """Compare simulated years without warnings with Jilin's published figures. Exits with 1 if a line is off.

    A line is off if the simulated figure is not within its tolerance, which is shown next to it.
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
    """Simulate one day of the whole province. Print how many people, scams, signals, contacts and everyday events it
    has, and the sums of money; also the seconds and the memory that it took. With --report, write all of this as JSON.
    """
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


@app.command()
def recovery(
    seed: Seed = 1,
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds, from the first on")] = 6,
    processes: Annotated[int, typer.Option(min=1, help="Seeds that run at the same time")] = 1,
    report: Report = None,
) -> None:
    """Compare second losses to recovery scams under the policy with its shield and without it, in provinces where
    every victim is hit again. Exits with 2 if the policy has no shield.
    """
    from console.progress import bar
    from domain.policy.file import load
    from simulators.studies import recovery as study

    text = load_settings().policy.read_text("utf-8")
    if load(text).shield is None:
        err.print("The policy has no [shield]: there is nothing to compare.", markup=False, highlight=False)
        raise typer.Exit(2)
    with bar(err, "provinces") as progress:
        found = study.recovery_study(text, range(seed, seed + seeds), processes, progress)
    told = study.report(found)
    table = Table("policy", title=f"Second losses, seeds {seed} to {seed + seeds - 1}")
    for column in ("losses", "again", "share", "95 %", "lost again (yuan)", "support calls", "contacts"):
        table.add_column(column, justify="right")
    for name in (study.SHIELDED, study.UNSHIELDED):
        arm = told[name]
        share = "–" if arm["share"] is None else f"{arm['share']:.1%}"
        between = f"{arm['low']:.1%} to {arm['high']:.1%}"
        sums = (f"{arm['again_fen'] // 100:,}", f"{arm['calls']:,}", f"{arm['contacts']:,}")
        table.add_row(name, str(arm["losses"]), str(arm["again"]), share, between, *sums)
    out.print(table)
    apart = told["difference"]
    out.print(
        f"difference of the shares: {apart['mean']:+.1%} ({apart['low']:+.1%} to {apart['high']:+.1%})", highlight=False
    )
    write(report, told)


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
