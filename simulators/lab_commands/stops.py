"""`quanzu lab stops`: how much stolen money is stopped, and how soon. Imports what the command needs when it runs."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from console.commands.common import Report, err, load_settings, out
from simulators.lab_commands.options import Against, First, Processes, Seeds, text
from simulators.lab_commands.report_files import write

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from simulators.pursuit.effects import ParameterEffect
    from simulators.pursuit.figures import Summary

app = typer.Typer()

NAMES = {
    "followed": "stops follow the money",
    "each_hop": "… a person reads each order",
    "one_hop": "the payee's account only",
    "fed": "… after 2 min, by nobody, if a feed told it",
    "oracle": "oracle: knows where it is",
}


@app.command()
def stops(
    default: Against = None,
    seeds: Seeds = 20,
    first_seed: First = 1,
    days: Annotated[int, typer.Option(min=1, help="Days in which money is stolen")] = 5,
    effects: Annotated[
        bool, typer.Option("--effects", help="Also vary each parameter: about 40 times the work")
    ] = False,
    processes: Processes = 2,
    report: Report = None,
) -> None:
    """Measure how much stolen money banks hold after reports, and how soon. Exits with 1 if a target is missed.

    Compares stops that follow the money with stops of the payee's account alone and with an oracle, on the same
    simulated thefts. Every fen is accounted for: it exits with an error if one is missing.
    """
    from console.progress import bar
    from simulators.assumptions.stolen_money import StolenMoney
    from simulators.pursuit import figures
    from simulators.pursuit.effects import as_report, parameter_effects

    policy, wanted = text(default or load_settings().policy), range(first_seed, first_seed + seeds)
    found = []
    with bar(err, "seeds") as progress:
        for done, one in enumerate(figures.compare_ways(policy, StolenMoney(), wanted, days, processes), 1):
            found.append(one)
            progress(done, seeds)
    told = figures.summaries(found)
    more = list(_shown(parameter_effects(policy, wanted, days, processes))) if effects else []
    out.print(_ways(told))
    out.print(_wrongful(told))
    if more:
        out.print(_effects(more))
    write(report, as_report(told, more, wanted, days))
    below = figures.missed_bars(told[figures.FOLLOWED])
    out.print(f"bars missed: {', '.join(below) or 'none'}", markup=False, highlight=False)
    raise typer.Exit(1 if below else 0)


def _ways(told: "Mapping[str, Summary]") -> Table:
    table = Table("", "first stop, p50", "p95", "held, of what was there", "held, of all", "orders", "honest accounts")
    for way, each in told.items():
        table.add_row(
            NAMES[way],
            f"{each.p50:.1f} min",
            f"{each.p95:.1f} min",
            f"{each.held_of_there.mean:.0%} ± {each.held_of_there.half:.0%}",
            f"{each.held_of_all.mean:.0%} ± {each.held_of_all.half:.0%}",
            f"{each.orders / each.reports:.1f} a report",
            str(sum(each.honest.values())),
        )
    return table


def _wrongful(told: "Mapping[str, Summary]") -> Table:
    table = Table(
        "wrongful stops", "in all", "by cause", "unread", "objected", "lifted", "release, p50", "p95", "let go"
    )
    for way, each in told.items():
        causes = ", ".join(f"{cause.value} {count}" for cause, count in sorted(each.wrongful.items()))
        table.add_row(
            NAMES[way],
            str(sum(each.wrongful.values())),
            causes or "–",
            str(each.unread),
            str(each.objected),
            str(each.lifted),
            f"{each.release_p50:.1f} h",
            f"{each.release_p95:.1f} h",
            str(each.let_go),
        )
    return table


def _shown(effects: "Iterator[ParameterEffect]") -> "Iterator[ParameterEffect]":
    for number, each in enumerate(effects):
        err.print(f"effects: {number}: {each.parameter} {each.value}", markup=False, highlight=False)
        yield each


def _effects(more: "Sequence[ParameterEffect]") -> Table:
    table = Table(
        "parameter", "value", "first stop, p50", "p95", "held, of what was there", "of all", "more", "wrongful"
    )
    for each in more:
        table.add_row(
            each.parameter,
            each.value,
            f"{each.p50:.1f} min",
            f"{each.p95:.1f} min",
            f"{each.held_of_there:.0%}",
            f"{each.held_of_all:.0%}",
            f"{each.more_of_all.mean * 100:+.1f} ± {each.more_of_all.half * 100:.1f}",
            str(each.wrongful),
        )
    return table
