"""`quanzu intake stix` and `quanzu intake taxii`: another centre's suspects, from a file or polled from its server."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from console.commands.common import err, load_settings, out

if TYPE_CHECKING:
    from streams.intake.formats import Options
    from streams.intake.taxii.polling import PollReport, TaxiiSource
    from streams.runtime.settings import Settings

STIX, TAXII = "stix", "taxii"
LEAST_EVERY = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Polled:
    """The command's options for a poll, as they were given."""

    root: str | None
    source: str | None
    collection: str | None
    key_file: Path | None
    user: str | None
    ca: Path | None
    every: timedelta | None


def stix_options(source: str | None) -> "Options":
    """Return the options for reading another centre's STIX objects. `source`: the name of that centre. Raises
    typer.BadParameter if it is missing or invalid, and SettingsError if a setting of intake is invalid.
    """
    from pydantic import ValidationError

    from domain.stix.objects import identity_id
    from schemas.administration.dead_letters import StixFile
    from streams.intake.formats import Options
    from streams.intake.settings import load as load_intake
    from streams.messaging.dead_letter_writer import reason

    if source is None:
        raise typer.BadParameter("name whose suspects they are: --source NAME")
    name = load_intake().sharing_name
    try:
        return Options(stix=StixFile(source=source, own=identity_id(name) if name else None))
    except ValidationError as error:
        raise typer.BadParameter(reason(error)) from None


def poll_collection(given: Polled, report: Path | None) -> NoReturn:
    """Poll a TAXII collection, print the report of each poll as JSON, and end the command by typer.Exit: with 1 if an
    object became a dead letter, else 0. With `given.every`, poll until stopped; a server that cannot be asked is then
    asked again. `report`: a file for the report, or None.

    Raises typer.BadParameter if an option is missing or invalid, SettingsError if a setting is invalid, OSError if the
    key file cannot be read, and TaxiiError if the server cannot be asked and `given.every` is None.
    """
    options, source = stix_options(given.source), _source(given)
    if given.every is not None and given.every < LEAST_EVERY:
        raise typer.BadParameter("poll every 10s at most")
    found = asyncio.run(_poll(load_settings(), source, options, given, report))
    raise typer.Exit(1 if found.dead_lettered else 0)


def _source(given: Polled) -> "TaxiiSource":
    from streams.intake.taxii.polling import TaxiiSource

    if given.root is None:
        raise typer.BadParameter("name the API root of the other centre's server: https://HOST/PATH/")
    if given.collection is None or given.key_file is None:
        raise typer.BadParameter("name the collection (--collection) and the file with this centre's key (--key-file)")
    key = given.key_file.read_text("utf-8").strip()
    return TaxiiSource(given.source or "", given.root, given.collection, key, given.user)


async def _poll(
    wanted: "Settings", source: "TaxiiSource", options: "Options", given: Polled, report: Path | None
) -> "PollReport":
    from console.commands.running import open_installation
    from streams.intake.settings import load as load_intake
    from streams.intake.taxii.polling import PollReport, TaxiiError
    from streams.intake.taxii.taking import Poller, taxii_client
    from streams.runtime import metrics
    from streams.runtime.server_discovery import servers
    from streams.security.rights import Component

    async with (
        servers(wanted) as settings,
        open_installation(settings, Component.INTAKE) as line,
        taxii_client(given.ca) as client,
    ):
        if given.every is not None:
            metrics.serve(load_intake().intake_metrics_port, settings.metrics_host, "QUANZU_INTAKE_METRICS_PORT")
        poller = Poller(settings, line.intake.producer, line.intake.clock, options)
        found = PollReport(source=source.source)  # if the server cannot be asked before the command is stopped
        async for _ in _times(given.every):
            try:
                found = await poller.poll(source, client)
            except TaxiiError as error:
                if given.every is None:
                    raise
                err.print(str(error), style="yellow", soft_wrap=True)
                continue
            _tell(found, report)
    return found


def _tell(found: "PollReport", report: Path | None) -> None:
    out.print_json(found.model_dump_json())
    if report is not None:
        report.write_text(found.model_dump_json(indent=2) + "\n", encoding="utf-8")


async def _times(every: timedelta | None) -> AsyncIterator[None]:
    """Yield once; with `every`, again after each such time, until the process is told to stop."""
    from streams.runtime.serving import stop_signal

    yield
    if every is None:
        return
    stopping = asyncio.create_task(stop_signal())
    while not stopping.done():
        await asyncio.wait([stopping], timeout=every.total_seconds())
        if not stopping.done():
            yield
