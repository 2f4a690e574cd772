"""Finds the servers for a command: those of the settings, those of a Quanzu running in the data folder, or new ones."""

import asyncio
import fcntl
import json
import logging
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from streams.runtime.embedded import LOCK, READY_SECONDS, RUNNING, Embedded, EmbeddedError
from streams.runtime.settings import Settings, SettingsError

log = logging.getLogger(__name__)

STARTING_SECONDS = 2 * READY_SECONDS  # longest wait for another process to start its broker and its Redis
LOOK_SECONDS = 0.2


@asynccontextmanager
async def servers(settings: Settings) -> AsyncIterator[Settings]:
    """Context manager: yield settings that name servers.

    If `settings` name none, embedded servers run during the block; if another process already runs embedded in the data
    folder, its servers are used, once it has started them. Raises EmbeddedError if embedded servers cannot be started,
    and OSError if the data folder cannot be written.
    """
    if settings.kafka is not None:
        yield settings
        return
    try:
        async with Embedded(settings.data) as embedded:
            own = embedded.settings(settings)
            announce(own)
            yield own
    except EmbeddedError:
        other = await _started(settings)
        if other is None:
            raise
        yield other


async def _started(settings: Settings) -> Settings | None:
    """Return the settings of the servers that another process runs in the data folder. While it starts them, wait, with
    a line in the log. None if no process does, or it takes over STARTING_SECONDS.
    """
    ends = time.monotonic() + STARTING_SECONDS
    found = running(settings)
    if found is None and _claimed(settings):
        log.warning("another process starts the servers in %s: waiting until they are ready", settings.data)
    while found is None and _claimed(settings) and time.monotonic() < ends:
        await asyncio.sleep(LOOK_SECONDS)
        found = running(settings)
    return found


def announce(settings: Settings) -> None:
    """Write the embedded servers' addresses, the clock and the intake's port to the data folder, where other commands
    find them.

    Does nothing if the servers are not embedded. Raises OSError if the file cannot be written.
    """
    if not settings.embedded:
        return
    found = {"kafka": settings.kafka, "redis": settings.redis, "clock": settings.clock, "http_port": settings.http_port}
    made = settings.data / f".{RUNNING}.{os.getpid()}"
    made.write_text(json.dumps(found))
    made.replace(settings.data / RUNNING)  # in one step: another command may be reading it


def running(settings: Settings) -> Settings | None:
    """Return `settings` with the servers, clock and port of the embedded Quanzu that runs in its data folder; None if
    none runs there, or it is starting or stopping. A port of the intake that was given explicitly is not replaced.
    """
    if not _claimed(settings):
        return None
    try:
        found = json.loads((settings.data / RUNNING).read_text())
    except FileNotFoundError:  # it is starting or stopping
        return None
    if "http_port" in settings.model_fields_set:  # given explicitly: a second intake needs its own port
        del found["http_port"]
    return settings.model_copy(update={**found, "embedded": True})


def reachable(settings: Settings) -> Settings:
    """Return the settings of servers that already run: the configured ones, or embedded ones in the data folder. Starts
    none, and connects to none.

    Raises SettingsError if no servers are configured and none run embedded.
    """
    found = settings if settings.kafka is not None else running(settings)
    if found is None:
        raise SettingsError(
            f"no servers: QUANZU_KAFKA and QUANZU_REDIS are not set, and no embedded Quanzu runs in {settings.data}. "
            "Start `quanzu worker` in another terminal (it brings servers of its own), or set both"
        )
    return found


def starts_servers(settings: Settings) -> bool:
    """Return True if a command would have to start its own embedded servers, which end with the command; False if
    servers are configured, or another process runs or starts some in the data folder.
    """
    return settings.kafka is None and not _claimed(settings)


def refuse_company(settings: Settings) -> None:
    """Raise EmbeddedError if an embedded Quanzu, with another clock and residents, already runs in the data folder.

    Does nothing if the settings name a Kafka.
    """
    if settings.kafka is None and running(settings) is not None:
        raise EmbeddedError(
            f"another Quanzu runs embedded in {settings.data}: stop it, or set QUANZU_DATA to another folder"
        )


def _claimed(settings: Settings) -> bool:
    """Return whether a process holds the data folder: a killed process leaves its file behind, but not its lock."""
    path = settings.data / LOCK
    if not path.exists():
        return False
    with path.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
