"""`quanzu admin backup`, `restore` and `rebuild`: save the permanent data, and rebuild the store from it."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from console.commands.common import err, load_settings, moment, open_installation, out

if TYPE_CHECKING:
    from streams.casework.journal import Progress
    from streams.casework.steps import CaseworkContext


def backup(folder: Path) -> None:
    """Write the permanent data (the journal, residents, rules) to a new folder.

    The folder holds personal data. Refused with exit code 1 if it exists and is not empty.
    """
    from streams.operations import backup

    async def run() -> None:
        async with open_installation() as line:
            await backup.backup(line.settings, folder, line.clock.now(), _topic_done)
        out.print(f"{folder} is whole", markup=False)

    asyncio.run(run())


class RebuildPartition(Protocol):
    """A function that rebuilds one partition's store from its journal. `progress`: called with the work done and the
    total work; `new_log`: True if the topic case-inputs was lost and created again.
    """

    async def __call__(
        self, context: "CaseworkContext", partition: int, progress: "Progress", *, new_log: bool
    ) -> None: ...


class StoreCommands:
    """The commands `restore` and `rebuild`. Both rebuild the store with the function of casework for one partition."""

    def __init__(self, rebuild_partition: RebuildPartition) -> None:
        self._rebuild_partition = rebuild_partition

    def restore(
        self,
        folder: Path,
        until: Annotated[
            str | None,
            typer.Option(help="Restore cases as of this time (Kafka's); everything else as in the backup"),
        ] = None,
    ) -> None:
        """Write a backup into new, empty topics, and rebuild the store from them.

        Refused with exit code 1, before anything is written, if the backup is damaged, if it was made under another key
        or number of partitions, or if a topic or Redis is not empty.
        """
        from streams.operations import backup
        from streams.runtime.server_discovery import reachable

        settings = reachable(load_settings())
        back_to = moment(until, datetime.now(UTC)) if until else None
        asyncio.run(backup.restore(settings, folder, _topic_done, back_to))
        self.rebuild(new_log=True)

    def rebuild(
        self,
        new_log: Annotated[
            bool, typer.Option("--new-log", help="The topic case-inputs was lost and created again")
        ] = False,
    ) -> None:
        """Rebuild the store (the cases in Redis) from the journal.

        Refused with exit code 1 if workers run, and if the journal has inputs that the topic case-inputs lacks. If that
        topic was lost, --new-log first writes to each journal that it was created again.
        """
        asyncio.run(self._rebuild(new_log))

    async def _rebuild(self, new_log: bool) -> None:
        from console.progress import bar

        async with open_installation() as installation:
            await installation.owners.refuse_owned()
            for partition in range(installation.settings.partitions):
                with bar(err, f"partition {partition}: the journal") as progress:
                    await self._rebuild_partition(installation.casework_context, partition, progress, new_log=new_log)
                offset = await installation.store.offset(partition)
                out.print(f"partition {partition}: built anew to input {offset}")


def _topic_done(name: str, records: int) -> None:
    out.print(f"{name}: {records:,} records", markup=False, highlight=False)
