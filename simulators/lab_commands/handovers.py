"""`quanzu lab handovers`: hand-overs between two provinces under cuts. Imports what the command needs when it runs."""

from typing import Annotated

import typer
from rich.table import Table

from console.commands.common import load_settings, out
from simulators.lab_commands.options import Against, First, Seeds, text

app = typer.Typer()


@app.command()
def handovers(
    default: Against = None,
    seeds: Seeds = 20,
    first_seed: First = 1,
    offers: Annotated[int, typer.Option(min=1, help="Hand-overs of each seed, level and kind of cuts")] = 100,
) -> None:
    """Measure how many hand-overs to another province are acknowledged by their deadline when the network is cut.

    The cuts are assumed (simulators/studies/handovers.py). "cross": both provinces offer the same resident to each
    other; "acknowledged in time" is then one of the two. "nobody": hand-overs in which at some moment no province
    handled the resident; it must be 0.
    """
    from domain.policy import load
    from simulators.studies.handovers import handover_study

    table = Table("offers", "cuts", "level", "acknowledged in time", "stays here", "both handle", "nobody")
    policy = load(text(default or load_settings().policy))
    for each in handover_study(policy, range(first_seed, first_seed + seeds), offers):
        cuts = "none" if each.cuts is None else f"{each.cuts.lasts} after {each.cuts.works} ({each.cuts.share:.0%})"
        shares = [f"{number / each.offers:.1%}" for number in (each.in_time, each.stayed, each.both)]
        table.add_row("cross" if each.crosses else "one", cuts, each.level.value, *shares, str(each.nobody))
    out.print(table)
