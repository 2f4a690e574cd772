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
    out_: Annotated[Path, typer.Option("--out", help="Folder for signals.jsonl and truth.json")] = Path("province"),
) -> None:
    """Write a simulated province's signals and its truth to files, without any server."""
    from simulators.demo.simulate import simulate as write

    write(seed, hours, out_)
    out.print(f"{out_}/signals.jsonl, {out_}/truth.json", markup=False)
