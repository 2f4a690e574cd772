"""`quanzu lab missing`: how soon a missing resident is found, by one officer and by several. Imports what the command
needs when it runs.
"""

from typing import Annotated

import typer
from rich.table import Table

from console.commands.common import load_settings, out
from simulators.lab_commands.options import Against, First, Seeds, text

app = typer.Typer()
OFFICERS = (1, 2, 4, 6)


@app.command()
def missing(
    default: Against = None,
    seeds: Seeds = 20,
    first_seed: First = 1,
    residents: Annotated[int, typer.Option(min=1, help="Missing residents of each seed")] = 100,
) -> None:
    """Measure how soon residents who cannot be reached are found, by one officer and by a sweep of several.

    Where the residents are is assumed (simulators/studies/missing.py); travel times are the policy's.
    """
    from domain.policy import load
    from simulators.studies.missing import WITHIN, search_times

    rules = load(text(default or load_settings().policy)).visits
    hours = WITHIN.total_seconds() / 3600
    table = Table("officers", "found within 1 h", f"within {hours:.0f} h", "median until the true place is reached")
    for each in search_times(OFFICERS, range(first_seed, first_seed + seeds), residents, rules):
        median = "–" if each.median_minutes is None else f"{each.median_minutes:.0f} min"
        table.add_row(str(each.officers), f"{each.hour:.0%}", f"{each.found:.0%}", median)
    out.print(table)
