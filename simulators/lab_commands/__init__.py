"""`quanzu lab`: evaluates policies on simulated provinces with known truth, and on recorded signals."""

import typer

from simulators.lab_commands import (
    experiments,
    handovers,
    missing,
    money,
    orders,
    plots,
    policies,
    province,
    recorded,
    simulate,
    stops,
    upstream,
)

app = typer.Typer(name="lab", no_args_is_help=True, help="The laboratory: try policies before they are in force.")
_PARTS = (
    simulate,
    province,
    policies,
    money,
    orders,
    stops,
    upstream,
    missing,
    handovers,
    experiments,
    recorded,
    plots,
)
for part in _PARTS:
    app.add_typer(part.app)
