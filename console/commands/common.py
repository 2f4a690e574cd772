"""What the commands share: where they write, how options read, the settings, the line."""

import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from streams.installation import Installation
    from streams.runtime.settings import Settings

PIPED = 200  # columns where there is no terminal: in a file or another program a cut figure is a lost one


def _console(*, stderr: bool = False) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() or "COLUMNS" in os.environ else PIPED)


out = _console()
err = _console(stderr=True)


def duration(text: object) -> timedelta:
    """An option's duration: 30s, 10m, 2h, 1d."""
    from domain.policy.units import LONGEST
    from domain.policy.units import duration as read

    try:
        return read(text)
    except ValueError:
        most = f"{LONGEST.days} days at most"
        raise typer.BadParameter(
            f'{text!r} is no duration. Write "5m" for five minutes (s, m, h or d; {most})'
        ) from None


def day(text: object) -> date:
    """An option's day."""
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise typer.BadParameter("a day is written 2026-01-31") from None


def moment(text: str, now: datetime) -> datetime:
    """An option's moment: a duration before now, or a time; without a zone it is the province's."""
    from console.story import LOCAL
    from domain.policy.units import duration as read

    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        try:
            return now - read(text)
        except ValueError:
            raise typer.BadParameter(f"{text!r}: write 2h (ago), 2026-03-01 or 2026-03-01T11:12") from None
    return at if at.tzinfo else at.replace(tzinfo=LOCAL)


def _in_a_folder(path: Path | None) -> Path | None:
    if path is not None and not path.absolute().parent.is_dir():
        raise typer.BadParameter(f"there is no folder {path.parent}")  # told before the run, not after it
    return path


Report = Annotated[Path | None, typer.Option(callback=_in_a_folder, help="Write what came of it as JSON")]
Existing = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]
By = Annotated[str, typer.Option(help="Who does it: it is kept with the reason")]
Reason = Annotated[str, typer.Option(help="Why: it is kept")]


def write_new(file: Path, raw: bytes) -> None:
    """Write a file that only its owner reads, and never over another. Raises FileExistsError."""
    from streams.runtime.files import new_file

    with new_file(file) as made:
        made.write(raw)


def load_settings() -> "Settings":
    """The settings, and a log that tells no library's chatter."""
    from streams.runtime import logs
    from streams.runtime.settings import load

    found = load()
    logs.begin(found.log_level, found.log_format)
    return found


@asynccontextmanager
async def opened(component: str = "operator") -> AsyncIterator["Installation"]:
    """The line on servers that are there: of the settings, or of a Quanzu running in the data folder.

    `component`: whose rights the process has (streams/security/rights).
    """
    from console.commands.running import opened as on
    from streams.runtime.server_discovery import reachable
    from streams.security.rights import Component

    settings = load_settings()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a broker that is away is not the command's affair
    async with on(reachable(settings), Component(component)) as line:
        yield line
