"""`quanzu intake`: accept signals over HTTP or from a file."""

import asyncio
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from console.commands.common import Report, day, err, load_settings, out

ALONE = (
    "These servers were started for this command alone, and are gone now with what was taken in. "
    "To keep it, start `quanzu worker` in another terminal first."
)


def intake(
    what: Annotated[str, typer.Argument(help="serve, or a format: jsonl, amlsim, cdr")],
    file: Annotated[Path | None, typer.Argument(exists=True, dir_okay=False, help="The file to read")] = None,
    report: Report = None,
    resume: Annotated[bool, typer.Option(help="Continue where an interrupted run stopped")] = True,
    start: Annotated[date, typer.Option(parser=day, metavar="<day>", help="amlsim: the day of step 0")] = date(
        2026, 1, 1
    ),
) -> None:
    """Accept signals over HTTP or from a file.

    `serve` runs until stopped; a file's report is printed as JSON. Refused if the format is unknown or the file cannot
    be read.
    """
    from console.commands.running import serve_intake, take_file
    from console.progress import bar
    from streams.intake.formats import FORMATS, Options
    from streams.runtime import tracing
    from streams.runtime.server_discovery import starts_servers

    if what not in ("serve", *FORMATS):
        raise typer.BadParameter(f"no format {what!r}: serve, {', '.join(FORMATS)}")
    if what != "serve" and file is None:
        raise typer.BadParameter(f"name the {what} file to take in")
    settings = load_settings()
    tracing.begin("intake", settings.traces, settings.traces_ratio)
    by_itself = starts_servers(settings)
    if file is None:
        if by_itself:
            err.print("No worker runs: signals wait until `quanzu worker` is started in another terminal.")
        asyncio.run(serve_intake(settings, lambda address: out.print(address, highlight=False)))
        return
    with bar(err, file.name) as progress:
        found = asyncio.run(take_file(settings, what, file, Options(start=start), resume, report, progress))
    out.print_json(found.model_dump_json())
    if by_itself:
        err.print(ALONE, style="yellow", soft_wrap=True)
