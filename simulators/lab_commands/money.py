"""`quanzu lab money`: the ledger compared with the truth. Imports what the command needs when it runs."""

from typing import TYPE_CHECKING

import typer

from console.commands.common import err, out
from simulators.lab_commands.options import Options, with_options
from simulators.lab_commands.report_files import write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulators.studies.honesty import ClassHonesty

app = typer.Typer()

MARKS = (1, 3, 7, 14, 30, 60, 90)  # days after a warning; the last three are customary


@app.command()
@with_options(seeds=100, days=30, operators=1, officers=4, overload=0.03)
def money(options: Options) -> None:
    """Compare the ledger's loss avoided, by class of evidence, with the truth in simulated provinces.

    A and B must never exceed the truth, and the intervals of C and D must cover it in nine of ten seeds; otherwise it
    exits with 1. Also shows who is defrauded after a warning, by level, channel and station. Few scams over many days
    are as good as many over few; with far fewer than 100 seeds, intervals cannot reach nine of ten.
    """
    from console.progress import bar
    from simulators.lab import money, tables

    setup, policy = options.setup, options.policy
    with bar(err, "seeds") as progress:
        found = money.run(setup, policy, options.wanted, options.processes, progress)
    told, warned = money.verdicts(found), money.curves(found)
    out.print(tables.honest(told))
    out.print(tables.warned(warned, [day for day in MARKS if day <= options.days] or [options.days]))
    write(options.report, money.report(setup, policy, found, told, warned))
    _conclude(told)


def _conclude(told: "Sequence[ClassHonesty]") -> None:
    good = sum(each.honest for each in told)
    for each in told:
        if not each.honest:
            out.print(f"class {each.evidence}: {_why(each)}", highlight=False)
    out.print(f"honest: {good} of {len(told)} classes", highlight=False)
    raise typer.Exit(0 if good == len(told) else 1)


def _why(verdict: "ClassHonesty") -> str:
    if not verdict.claims:
        return "nothing is claimed in any seed, so nothing is shown: take more days, or more happens (--overload)"
    if verdict.coverage is None:
        return "one seed claims anything, and no other tells how much of it is true: take more seeds"
    if verdict.over and verdict.evidence in ("A", "B"):
        return f"in {verdict.over} of {verdict.claims} seeds more is claimed than was kept"
    return f"the interval covers the truth in {verdict.coverage:.0%} of {verdict.claims} seeds"
