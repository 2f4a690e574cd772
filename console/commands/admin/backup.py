"""`quanzu admin backup`, `restore` and `rebuild`: save what is kept for good, and build the store from it."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from console.commands.common import err, load_settings, moment, opened, out


def backup(folder: Path) -> None:
    """Write what is kept for good (the journal, residents, rules) to a new folder.

    The folder holds personal data.
    """
    from streams.operations import backup

    async def run() -> None:
        async with opened() as line:
            await backup.backup(line.settings, folder, line.clock.now(), _topic_done)
        out.print(f"{folder} is whole", markup=False)

    asyncio.run(run())


def restore(
    folder: Path,
    until: Annotated[
        str | None,
        typer.Option(help="Back to this moment, as Kafka wrote it down: cases as they were, all else as in the backup"),
    ] = None,
) -> None:
    """Write a backup into new, empty topics, and build the store from them."""
    from streams.operations import backup
    from streams.runtime.server_discovery import reachable

    settings = reachable(load_settings())
    back_to = moment(until, datetime.now(UTC)) if until else None
    asyncio.run(backup.restore(settings, folder, _topic_done, back_to))
    rebuild(new_log=True)


def rebuild(
    new_log: Annotated[bool, typer.Option("--new-log", help="The topic case-inputs was lost and made anew")] = False,
) -> None:
    """Build the store again from the journal. Refused while workers run."""
    from console.progress import bar

    async def run() -> None:
        async with opened() as line:
            await line.orphans.refuse_owned()
            for partition in range(line.settings.partitions):
                if new_log:
                    await line.casework.begin_anew(partition)
                with bar(err, f"partition {partition}: the journal") as progress:
                    await line.casework.rebuild(partition, progress)
                out.print(f"partition {partition}: built anew to input {await line.store.offset(partition)}")

    asyncio.run(run())


def _topic_done(name: str, records: int) -> None:
    out.print(f"{name}: {records:,} records", markup=False, highlight=False)
