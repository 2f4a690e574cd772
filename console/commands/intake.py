"""`quanzu intake`: accept signals over HTTP or from a file."""

import asyncio
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.commands.common import Report, day, err, load_settings, out

if TYPE_CHECKING:
    from domain.feeds.bank_mapping import BankMapping

ALONE = (
    "These servers were started for this command alone, and are gone now with what was taken in. "
    "To keep it, start `quanzu worker` in another terminal first."
)


def intake(
    what: Annotated[str, typer.Argument(help="serve, or a format: jsonl, amlsim, cdr, iso20022, csv (a bank's file)")],
    file: Annotated[Path | None, typer.Argument(exists=True, dir_okay=False, help="The file to read")] = None,
    report: Report = None,
    resume: Annotated[bool, typer.Option(help="Continue where an interrupted run stopped")] = True,
    start: Annotated[date, typer.Option(parser=day, metavar="<day>", help="amlsim: the day of step 0")] = date(
        2026, 1, 1
    ),
    mapping: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="csv: how the bank's file is read, a TOML file")
    ] = None,
    trial: Annotated[
        bool, typer.Option("--try", help="csv: show how the first ten rows would be read, and write nothing")
    ] = False,
    mask: Annotated[bool, typer.Option(help="--try: hide accounts and ids")] = True,
) -> None:
    """Accept signals over HTTP or from a file.

    `serve` runs until stopped; a file's report is printed as JSON. Refused if the format is unknown or the file cannot
    be read. `csv` ends with 1 if a row became a dead letter, or would with `--try`.
    """
    from console.commands.running import serve_intake, take_file
    from console.progress import bar
    from streams.intake.formats import FORMATS, MAPPED, Options
    from streams.runtime import tracing
    from streams.runtime.server_discovery import starts_servers

    if what not in ("serve", *FORMATS, MAPPED):
        raise typer.BadParameter(f"no format {what!r}: serve, {', '.join((*FORMATS, MAPPED))}")
    if what != "serve" and file is None:
        raise typer.BadParameter(f"name the {what} file to take in")
    bank = _mapping(what, mapping, trial=trial)
    if bank is not None and file is not None and trial:
        _try(file, bank, mask=mask)
    settings = load_settings()
    tracing.begin("intake", settings.traces, settings.traces_ratio)
    by_itself = starts_servers(settings)
    if file is None:
        if by_itself:
            err.print("No worker runs: signals wait until `quanzu worker` is started in another terminal.")
        asyncio.run(serve_intake(settings, lambda address: out.print(address, highlight=False)))
        return
    with bar(err, file.name) as progress:
        found = asyncio.run(
            take_file(settings, what, file, Options(start=start, mapping=bank), resume, report, progress)
        )
    out.print_json(found.model_dump_json())
    if by_itself:
        err.print(ALONE, style="yellow", soft_wrap=True)
    if bank is not None and found.dead_lettered:
        raise typer.Exit(1)


def _mapping(what: str, path: Path | None, *, trial: bool) -> "BankMapping | None":
    """Return the mapping of a bank's file; None for other formats.

    Raises typer.BadParameter if the options do not fit the format, and BankMappingError if the mapping is invalid.
    """
    from domain.feeds.bank_mapping import BankMappingError, load
    from streams.intake.formats import MAPPED

    if what != MAPPED and (path is not None or trial):
        raise typer.BadParameter(f"--mapping and --try are for a bank's file: quanzu intake {MAPPED}")
    if what != MAPPED:
        return None
    if path is None:
        raise typer.BadParameter("name the mapping of the bank's file: --mapping bank.toml")
    try:
        return load(path.read_text("utf-8-sig"), path.name)
    except UnicodeDecodeError:
        raise BankMappingError(f"{path.name}: not UTF-8. Save it as UTF-8") from None


def _try(file: Path, mapping: "BankMapping", *, mask: bool) -> None:
    from console.tried_rows import trial
    from streams.intake.trial import try_file
    from streams.runtime.clock import Clock

    rows = try_file(file, mapping, Clock().now(), load_settings().rights())
    out.print(trial(rows, mapping.time.tzinfo, mask=mask))
    raise typer.Exit(1 if any(row.payment is None for row in rows) else 0)
