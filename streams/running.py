"""Which servers a command talks to: those of the settings, those of a Quanzu running in the data folder, or its own."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from streams.embedded import Embedded, EmbeddedError
from streams.settings import Settings

FILE = "running.json"  # in the data folder, for as long as an embedded Quanzu runs there


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
    """Let other commands in the same data folder find these servers, the clock among them."""
    found = {"kafka": settings.kafka, "redis": settings.redis, "clock": settings.clock, "http_port": settings.http_port}
    (settings.data / FILE).write_text(json.dumps(found))


def running(settings: Settings) -> Settings | None:
    """The settings of the embedded Quanzu that runs in this data folder."""
    path = settings.data / FILE
    if not path.exists():
        return None
    found = json.loads(path.read_text())
    return settings.model_copy(update={**found, "embedded": True})
