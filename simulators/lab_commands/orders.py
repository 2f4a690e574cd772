"""`quanzu lab orders`: the orders of the operators' queue over a month, beside a bound. Imports what the command needs
when it runs.
"""

from dataclasses import asdict, replace
from typing import Annotated

import typer
from rich.table import Table

from console.commands.common import Report, err, load_settings, out
from simulators.lab_commands.options import Against, First, Seeds, text
from simulators.lab_commands.report_files import write

app = typer.Typer()


@app.command()
def orders(
    default: Against = None,
    seeds: Seeds = 20,
    first_seed: First = 1,
    false_alarms: Annotated[
        float | None,
        typer.Option(min=0, show_default="as in the calibrated province", help="False alarms of the district a day"),
    ] = None,
    report: Report = None,
) -> None:
    """Compare the orders of the operators' queue over thirty days of a district of the calibrated province.

    The orders: nobody (operators call no one); first come; level, then age; the order in force; an index learnt from
    another province's closed cases; an oracle. `nobody waits` is a bound: no order can do better with the same hours.
    Also the effect of one more operator or officer, half the travel time, and stop orders a minute sooner. Exits with 1
    if the policy is invalid.
    """
    from console.progress import bar
    from domain.policy import load
    from simulators.studies import desk_orders as study

    policy = load(text(default or load_settings().policy))
    district = study.District()
    if false_alarms is not None:
        district = replace(district, false_a_day=false_alarms)
    beliefs, found = study.beliefs_after(study.PILOT, district, policy), []
    with bar(err, "provinces") as progress:
        for number in range(seeds):
            found.append(study.order_figures(first_seed + number, district, policy, beliefs))
            progress(number + 1, seeds)
    rows = study.order_rows(found)
    table = Table("order or staff", title=f"A desk's month, seeds {first_seed} to {first_seed + seeds - 1}")
    for column in ("spared, of 100", "more", "money kept, %", "more", "busy, %", "never called"):
        table.add_column(column, justify="right")
    for row in rows:
        shares = (row.spared, row.more_spared, row.kept, row.more_kept)
        told = (f"{each.mean:.1f} ± {each.half:.1f}" for each in shares)
        table.add_row(row.name, *told, f"{row.busy:.0f}", f"{row.not_taken:,.0f}")
    out.print(table)
    runs = [{name: asdict(figures) for name, figures in each.items()} for each in found]
    write(report, {"first_seed": first_seed, "rows": [asdict(row) for row in rows], "by_seed": runs})
