"""`quanzu lab`: policies judged on a province whose truth is known, and on what is recorded."""

import typer

from simulators.lab_commands import money, plots, policies, province, recorded, simulate

app = typer.Typer(name="lab", no_args_is_help=True, help="The laboratory: try policies before they are in force.")
for part in (simulate, province, policies, money, recorded, plots):
    app.add_typer(part.app)
