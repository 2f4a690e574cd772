"""`quanzu lab simulate`: a simulated province as files. Imports what the command needs when it runs."""

from pathlib import Path
from typing import Annotated

import typer

from console.commands.common import out

app = typer.Typer()


@app.command()
def simulate(
    seed: Annotated[int, typer.Option(help="The same seed gives the same province")] = 7,
    hours: Annotated[float, typer.Option(min=0, help="Hours of the province's time")] = 1,
    out_: Annotated[Path, typer.Option("--out", help="Folder for the three files")] = Path("province"),
) -> None:
    """Write a simulated province's residents, signals and truth to files, without any server.

    The files are residents.jsonl, signals.jsonl and truth.json.
    """
    from simulators.demo.simulate import simulate as write

    write(seed, hours, out_)
    out.print(f"{out_}/residents.jsonl, {out_}/signals.jsonl, {out_}/truth.json", markup=False)
