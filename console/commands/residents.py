"""The commands `quanzu residents …`: import and export the register, and write an example file."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from console.commands import places
from console.commands.common import Existing, err, open_installation, out

REFUSED_SHOWN = 20

app = typer.Typer(
    name="residents", no_args_is_help=True, help="The register of residents, and places to look for them."
)
app.add_typer(places.app)


@app.command("import")
def residents_import(file: Existing) -> None:
    """Import residents from CSV or Parquet, and print the numbers of rows as JSON; unreadable rows are refused with
    line, column and reason.

    Nothing is imported from another kind of file, or if a column is missing or misspelt.
    """
    from streams.repositories.residents.files import import_file
    from streams.runtime.cooperative import spare_the_collector

    async def run() -> None:
        async with open_installation() as line:
            spare_the_collector()  # garbage collection of each chunk took a fifth of the time
            found = await import_file(file, line.residents, line.settings.id_number_keys(), at=line.clock.now())
        counts = {"rows": found.rows, "imported": found.imported, "unchanged": found.unchanged}
        out.print_json(data={**counts, "refused": len(found.refused)})
        for refusal in found.refused[:REFUSED_SHOWN]:
            err.print(str(refusal), markup=False, highlight=False, soft_wrap=True)
        if found.refused_file:
            err.print(f"refused rows, to be put right and imported: {found.refused_file}", markup=False, soft_wrap=True)

    asyncio.run(run())


@app.command("export")
def residents_export(file: Path) -> None:
    """Write all residents to a CSV or Parquet file, as the file's ending says: .csv or .parquet."""
    from streams.repositories.residents.files import export_file

    async def run() -> None:
        async with open_installation() as line:
            out.print(f"{await export_file(file, line.residents)} residents in {file}", markup=False)

    asyncio.run(run())


@app.command("example")
def residents_example(file: Path, count: Annotated[int, typer.Option(min=1, help="How many")] = 20) -> None:
    """Write a CSV or Parquet file of made-up people, as an example of the columns."""
    from streams.repositories.residents.files import write_example

    write_example(file, count)
    out.print(str(file), markup=False)
