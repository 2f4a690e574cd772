"""`quanzu lab compare` and `sweep`: policies on simulated provinces. Imports what a command needs when it runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.commands.common import err, out
from simulators.lab_commands.options import Options, text, with_options
from simulators.lab_commands.plots import Plots, draw
from simulators.lab_commands.report_files import write

if TYPE_CHECKING:
    from simulators.lab.setup import Setup

app = typer.Typer()

Policies = Annotated[
    list[Path] | None,
    typer.Argument(exists=True, dir_okay=False, readable=True, help="Candidates to compare with `default`"),
]


@app.command()
@with_options()
def compare(options: Options, policies: Policies = None, plots: Plots = None) -> None:
    """Compare policies on the same scams with the same random numbers: the policy in force, the candidates, and four
    references under the policy in force.

    The references are three orders of the operators' queue (level, then age; first come; an oracle that knows the
    truth) and nobody: operators call no one, and all else works as usual. Exits with 1 if a policy is invalid, or two
    policy files have the same name.
    """
    from simulators.lab import compare, tables

    setup = options.setup
    candidates = [(path.stem, text(path)) for path in policies or ()]
    among = compare.contenders(options.policy, candidates)
    found = _run(setup, among, options)
    told = compare.report(setup, among, found)
    out.print(tables.compared(told))
    write(options.report, told)
    draw(told, plots)


@app.command()
@with_options()
def sweep(
    options: Options,
    parameter: Annotated[
        str, typer.Argument(help="A value of the policy file such as risk.levels.orange, or operators, or officers")
    ],
    since: Annotated[str, typer.Argument(metavar="FROM")],
    until: Annotated[str, typer.Argument(metavar="TO")],
    steps: Annotated[int, typer.Option(min=2, help="How many values")] = 5,
    plots: Plots = None,
) -> None:
    """Vary one value of a policy, or the number of operators or officers, and measure the effect.

    Exits with 1 if the policy is invalid, lacks the parameter or becomes invalid with one of the values, or if the
    parameter's value, FROM or TO is neither a number nor a duration.
    """
    from simulators.lab import sweep, tables

    setup, policy = options.setup, options.policy
    names = sweep.steps(parameter, since, until, steps, policy)
    among = sweep.among(parameter, names, policy, setup)
    curve = sweep.points(_run(setup, among, options), names)
    out.print(tables.swept(parameter, curve))
    told = sweep.report(parameter, curve, setup, options.wanted)
    write(options.report, told)
    draw(told, plots)


def _run(setup: "Setup", among: Any, options: Options) -> Any:  # noqa: ANN401 - imported when it runs
    from console.progress import bar
    from simulators.lab import compare

    with bar(err, "seeds") as progress:
        return compare.run(setup, among, options.wanted, options.processes, progress)
