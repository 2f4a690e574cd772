"""`quanzu lab upstream`: the yield of looking for victims upstream, by source. Imports are deferred."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from console.commands.common import Report, err, load_settings, out
from simulators.lab_commands.options import Against, First, Processes, Seeds, text
from simulators.lab_commands.report_files import write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulators.lab.intervals import Interval
    from simulators.studies.upstream import Gain, YieldPerCall

app = typer.Typer()

FOUND_BY = {"inflow": "payments to a confirmed account", "call": "calls from a confirmed number", None: "any signal"}
ORDERS = {"danger": "by danger", "arrival": "as they came", "alerts": "at each first alert"}


@app.command()
def upstream(
    default: Against = None,
    seeds: Seeds = 20,
    first_seed: First = 1,
    hours: Annotated[int, typer.Option(min=1, help="Duration in the province's time, at the compressed pace")] = 3,
    residents: Annotated[int, typer.Option(min=100, help="People in each province")] = 1_500,
    calls: Annotated[int, typer.Option(min=1, help="Most calls to one suspect's list")] = 2,
    processes: Processes = 2,
    report: Report = None,
) -> None:
    """Measure how many people a call spares a further loss, by the source that found them and the order of calls.

    Compares the lists of confirmed suspects, by danger and in the order in which the signals came, with calls at each
    first alert. Nobody is warned otherwise.
    """
    from datetime import timedelta
    from functools import partial

    from console.progress import bar
    from domain.policy import load
    from simulators.lab.seeds import map_seeds
    from simulators.studies.upstream import gains, per_call, upstream_study

    policy, wanted = load(text(default or load_settings().policy)), range(first_seed, first_seed + seeds)
    live = partial(upstream_study, policy=policy, residents=residents, length=timedelta(hours=hours), most=calls)
    studies = []
    with bar(err, "seeds") as progress:
        for done, (_, found) in enumerate(map_seeds(live, wanted, processes), 1):
            studies.append(found)
            progress(done, seeds)
    told, differences = per_call(studies), gains(studies)
    out.print(_yields(told))
    out.print(_gains(differences))
    write(
        report,
        {
            "seeds": list(wanted),
            "hours": hours,
            "residents": residents,
            "calls": calls,
            "policy": policy.hash,
            "yields": [asdict(each) for each in told],
            "gains": [asdict(each) for each in differences],
        },
    )


def _yields(told: "Sequence[YieldPerCall]") -> Table:
    table = Table(
        "found by", "called", "calls", "not alerted before", "people spared, per 100 calls", "yuan kept, a call"
    )
    for each in told:
        source, order = each.way
        table.add_row(
            FOUND_BY[source],
            ORDERS[order],
            f"{each.calls:.1f}",
            f"{each.unknown:.1f}",
            _with_half(each.spared, 100),
            _with_half(each.kept_fen, 0.01, digits=0),
        )
    return table


def _gains(found: "Sequence[Gain]") -> Table:
    table = Table("difference", "people spared, per 100 calls", "yuan kept, a call")
    for each in found:
        (source, order), (other_source, other) = each.way, each.other
        versus = ORDERS[other] if source == other_source else FOUND_BY[other_source]
        table.add_row(
            f"{FOUND_BY[source]}, {ORDERS[order]} – {versus}",
            _with_half(each.spared, 100, sign="+"),
            _with_half(each.kept_fen, 0.01, digits=0, sign="+"),
        )
    return table


def _with_half(found: "Interval", times: float, digits: int = 1, sign: str = "") -> str:
    return f"{found.mean * times:{sign},.{digits}f} ± {found.half * times:,.{digits}f}"
