"""`quanzu admin official`: the official form of a day, as JSON or a CSV file."""

import asyncio
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.commands.common import day, open_installation, out, refuse_existing, write_new

if TYPE_CHECKING:
    from domain.statistics.official import Form


def official(
    of: Annotated[
        date | None, typer.Option("--day", parser=day, help="A day in China, 2026-03-05; default: today")
    ] = None,
    file: Annotated[Path | None, typer.Option("--csv", dir_okay=False, help="Write the form to a new CSV file")] = None,
) -> None:
    """Print a day's official form as JSON: avoided, stopped, frozen, returned (fen).

    It also counts residents and orders. Each figure is given for the day, the month and the year up to the day, beside
    the same figure of the year before.
    """
    from domain.calendar import local_date
    from domain.statistics.official import FIRST_YEAR
    from domain.statistics.official_file import form_as_csv, form_as_json
    from streams.monitoring.official import official_form

    async def run() -> "Form":
        async with open_installation() as line:
            wanted = of or local_date(line.clock.now())
            return await official_form(line.redis, range(line.settings.partitions), wanted)

    if of is not None and of.year <= FIRST_YEAR:
        raise typer.BadParameter(f"a day after {FIRST_YEAR}")
    if file is not None:
        refuse_existing(file)
    form = asyncio.run(run())
    if file is not None:
        write_new(file, form_as_csv(form).encode("utf-8-sig"))  # a spreadsheet then knows the encoding
    out.print_json(data=form_as_json(form))
