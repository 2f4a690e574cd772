"""Shared parts of the commands: the output consoles, option types, settings, and the connection to the servers."""

import errno
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

PIPED = 200  # columns without a terminal: figures in a file or pipe must not be cut off


def _console(*, stderr: bool = False) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() or "COLUMNS" in os.environ else PIPED)


out = _console()
err = _console(stderr=True)


def duration(text: object) -> timedelta:
    """Return the duration that an option's text means: 30s, 10m, 2h, 1d. Raises typer.BadParameter if the text is
    invalid or above 3660 days.
    """
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
    """Return the day that an option's text means, such as 2026-01-31. Raises typer.BadParameter if the text is not a
    day.
    """
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise typer.BadParameter("a day is written 2026-01-31") from None


def moment(text: str, now: datetime) -> datetime:
    """Return the time that an option's text means, with a time zone: a duration before `now` (2h), a day (its midnight)
    or a time; without a zone it is China's time. Raises typer.BadParameter if the text is none of these.
    """
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
        raise typer.BadParameter(f"there is no folder {path.parent}")  # reported before the work, not after it
    return path


Report = Annotated[Path | None, typer.Option(callback=_in_a_folder, help="Write the result as JSON")]
Existing = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]
By = Annotated[str, typer.Option(help="Who does it; recorded with the reason")]
Reason = Annotated[str, typer.Option(help="Why; recorded")]


def refuse_existing(file: Path) -> None:
    """Raise FileExistsError if `file` exists, or is a link even to a missing file. To be called before anything is read
    or recorded for the file.
    """
    if file.exists() or file.is_symlink():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(file))


def write_new(file: Path, raw: bytes) -> None:
    """Write the bytes to a new file that only its owner can read. Raises FileExistsError if the file exists, OSError if
    it cannot be written.
    """
    from streams.runtime.files import new_file

    with new_file(file) as made:
        made.write(raw)


def load_settings(*, secret: bool = True) -> "Settings":
    """Return the settings from the environment, and configure logging by them. `secret`: whether the process needs
    QUANZU_SECRET. Raises SettingsError if a setting is invalid.
    """
    from streams.runtime import logs
    from streams.runtime.settings import load

    found = load(secret=secret)
    logs.begin(found.log_level, found.log_format)
    return found


@asynccontextmanager
async def open_installation(component: str = "operator") -> AsyncIterator["Installation"]:
    """Context manager: yield the installation, opened on running servers: those of the settings, or of a Quanzu that
    runs in the data folder.

    `component`: whose access rights the process uses, a value of streams.security.rights.Component; any other value
    raises ValueError. Raises SettingsError if a setting is invalid, no servers run, or a topic is missing or wrong, and
    AccessError if a server denies access. Errors of Kafka and Redis pass through.
    """
    from console.commands.running import open_installation as on
    from streams.runtime.server_discovery import reachable
    from streams.security.installation_keys import NEED_SECRET
    from streams.security.rights import Component

    settings = load_settings(secret=component in NEED_SECRET)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # the command reports an unreachable broker itself
    async with on(reachable(settings), Component(component)) as line:
        yield line
