"""`quanzu admin export`: cases, contacts, the ledger or the assignments of experiments as a table."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from console.commands.common import By, Reason, moment, open_installation, out

FORMATS = (".parquet", ".csv")


def export(
    kind: Annotated[str, typer.Argument(metavar="cases|contacts|ledger|experiments", help="What to export")],
    by: By,
    reason: Reason,
    file: Annotated[Path, typer.Option("--out", dir_okay=False, help="A new file: .parquet or .csv")],
    since: Annotated[str, typer.Option("--from", help="Opened or contacted since: 30d (ago), 2026-03-01")],
    until: Annotated[str, typer.Option("--to", help="And before: 1d (ago), 2026-03-31")] = "0s",
    ids: Annotated[
        bool,
        typer.Option(
            "--ids", help="Real ids of residents and transfers, which identify people together with the register"
        ),
    ] = False,
) -> None:
    """Write cases, contacts, ledger or experiments to a table, under pseudonyms.

    docs/export.md lists the columns. The period applies to the time of a contact's result; for the other kinds, to the
    opening of the case. The audit records who exported and why. Refused with exit code 2 if the file exists, or its
    name ends with neither .parquet nor .csv.
    """
    from domain.statistics.export import pseudonyms
    from schemas.administration.audit import AuditEntry
    from streams.operations.export import Format, Kind, Span
    from streams.operations.export import export as write
    from streams.security import audit

    if kind not in [each.value for each in Kind]:
        raise typer.BadParameter(f"{kind!r}: write one of {', '.join(Kind)}")
    if file.suffix not in FORMATS:
        raise typer.BadParameter(f"{file.name!r} ends with none of {', '.join(FORMATS)}: the ending says the format")
    if file.exists():
        raise typer.BadParameter(f"{file} is there already: an export never writes over a file")

    async def run() -> None:
        async with open_installation() as line:
            now: datetime = line.clock.now()
            name = str if ids else pseudonyms(line.settings.key())
            span = Span(moment(since, now), moment(until, now))
            detail = f"{span.since:%Y-%m-%dT%H:%M%z} to {span.until:%Y-%m-%dT%H:%M%z}, {'ids' if ids else 'pseudonyms'}"
            entry = AuditEntry(at=now, by=by, act="look-export", on=kind, reason=reason, detail=detail)
            await audit.write(line.producer, [entry])
            rows = await write(line.settings, Kind(kind), span, name, file, Format(file.suffix[1:]))
        out.print(f"{file}: {rows:,} rows", markup=False, highlight=False)

    asyncio.run(run())
