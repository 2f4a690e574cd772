"""`quanzu lab plot`. Imports what the command needs when it runs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from console.commands.common import Existing, out
from schemas.errors import UserError
from simulators.lab_commands.extra import needed

app = typer.Typer()

Plots = Annotated[Path | None, typer.Option(file_okay=False, help="Folder for plots, PNG and SVG")]


@app.command()
def plot(
    report: Existing,
    folder: Annotated[Path, typer.Argument(file_okay=False, help="Folder for the plots, PNG and SVG")] = Path("plots"),
) -> None:
    """Draw a report that compare, sweep, fit or money wrote with --report. It needs the extra `lab`.

    It prints the paths of the PNG and of the SVG. Exits with 1 if the file is not such a report, or the extra is
    missing.
    """
    try:
        told = json.loads(report.read_text(encoding="utf-8"))
    except ValueError:
        raise UserError(f"{report} is no report: it is not JSON") from None
    draw(told, folder)


def draw(told: Mapping[str, Any], folder: Path | None) -> None:
    """Draw a report of compare, sweep, fit or money (`told`) into `folder`, and print the paths of the plots. Does
    nothing if `folder` is None.

    Raises MissingError if the extra `lab` is not installed, UserError if `told` is not such a report, KeyError if it
    lacks a field, and OSError if a file cannot be written.
    """
    if folder is None:
        return
    with needed():
        from simulators.lab import plots

        paths = plots.drawn(told, folder)
    out.print(" ".join(map(str, paths)), markup=False, highlight=False, soft_wrap=True)
