"""The command `quanzu residents places …`: the table of places where officers may look for a resident."""

import asyncio

import typer

from console.commands.common import Existing, err, open_installation, out

FAULTS_SHOWN = 20

app = typer.Typer(name="places", no_args_is_help=True, help="Places where officers may look for a resident.")


@app.callback()
def places() -> None:
    """Places where officers may look for a resident."""


@app.command("import")
def places_import(file: Existing) -> None:
    """Replace the table of places by a CSV file (deploy/places/example.csv is one), and print the numbers as JSON.

    A file with a fault changes nothing: the faults are printed with row and column, and the exit code is 1.
    """
    from domain.visits.place_file import read_places
    from domain.visits.roster_file import EncodingError, decode

    try:
        found, faults = read_places(decode(file.read_bytes()))
    except EncodingError as error:
        err.print(f"{file.name}, {error}: nothing was imported", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    if faults:
        for fault in faults[:FAULTS_SHOWN]:
            err.print(f"{file.name}, {fault}", markup=False, highlight=False, soft_wrap=True)
        err.print(f"{len(faults)} faults: nothing was imported", markup=False)
        raise typer.Exit(1)

    async def run() -> None:
        async with open_installation() as line:
            written, deleted = await line.places.replace(found)
        out.print_json(data={"places": len(found), "written": written, "deleted": deleted})

    asyncio.run(run())
