"""Which servers a command talks to: those of the settings, those of a Quanzu running in the data folder, or its own."""

import fcntl
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from streams.runtime.embedded import LOCK, RUNNING, Embedded, EmbeddedError
from streams.runtime.settings import Settings, SettingsError


@asynccontextmanager
async def servers(settings: Settings) -> AsyncIterator[Settings]:
    """The settings with reachable servers; started here, and stopped again, when there are none yet.

    Raises EmbeddedError when they cannot be started.
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
        other = running(settings)
        if other is None:
            raise
        yield other


def announce(settings: Settings) -> None:
    """Let other commands in the same data folder find these servers, the clock among them; real ones are not ours."""
    if not settings.embedded:
        return
    found = {"kafka": settings.kafka, "redis": settings.redis, "clock": settings.clock, "http_port": settings.http_port}
    (settings.data / RUNNING).write_text(json.dumps(found))


def running(settings: Settings) -> Settings | None:
    """The settings of the embedded Quanzu that runs in this data folder."""
    if not _claimed(settings):
        return None
    try:
        found = json.loads((settings.data / RUNNING).read_text())
    except FileNotFoundError:  # it is just beginning, or ending
        return None
    if "http_port" in settings.model_fields_set:  # it was asked for: a second intake has a port of its own
        del found["http_port"]
    return settings.model_copy(update={**found, "embedded": True})


def reachable(settings: Settings) -> Settings:
    """The settings of servers that are there already: a command that looks at servers starts none.

    Raises SettingsError when there are none.
    """
    found = settings if settings.kafka is not None else running(settings)
    if found is None:
        raise SettingsError(
            f"no servers: QUANZU_KAFKA and QUANZU_REDIS are not set, and no embedded Quanzu runs in {settings.data}. "
            "Start `quanzu worker` in another terminal (it brings servers of its own), or set both"
        )
    return found


def alone(settings: Settings) -> bool:
    """Whether a command would have to start servers of its own, which end with it."""
    return settings.kafka is None and running(settings) is None


def refuse_company(settings: Settings) -> None:
    """Raises EmbeddedError when an embedded Quanzu runs in the data folder, whose clock and residents are others."""
    if settings.kafka is None and running(settings) is not None:
        raise EmbeddedError(
            f"another Quanzu runs embedded in {settings.data}: stop it, or set QUANZU_DATA to another folder"
        )


def _claimed(settings: Settings) -> bool:
    """Whether somebody has the folder: whoever was killed left the file behind, but not the lock."""
    path = settings.data / LOCK
    if not path.exists():
        return False
    with path.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
