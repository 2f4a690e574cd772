"""The interface for asking which Redis leads. epoch.py implements it with Kafka.

With embedded servers, nothing is checked.
"""

import asyncio
import logging
from typing import Protocol

log = logging.getLogger(__name__)

NAP_SECONDS = 0.05
EXEMPT_RUN = ""  # with it, the scripts do not check the run


class Leader(Protocol):
    """Knows which Redis leads. A run is the identity of a Redis process together with the history of its data."""

    @property
    def replicated(self) -> bool:
        """True if the Redis that answered last has a connected replica that can confirm a write (WAIT)."""

    async def start(self) -> None:
        """Start to follow the epoch. With Kafka, raises KafkaError if it is unavailable, SettingsError if the embedded
        servers are not started yet, and ValueError if the CA file is unusable.
        """

    async def stop(self) -> None:
        """Stop following the epoch."""

    def current(self) -> str | None:
        """Return the run of the Redis that leads, as the epoch names it; None while this process must not act on
        Redis.

        EXEMPT_RUN ("") with embedded servers. With Kafka, raises RuntimeError before `start`.
        """

    async def run(self) -> str:
        """Return the run that the epoch names (see `current`). Waits without limit while this process must not act.

        With Kafka, raises RuntimeError before `start`.
        """

    async def names(self, run: str) -> bool:
        """Return True if the epoch names `run`; waits up to 3.5 s while a new epoch begins. Returns False if it then
        names another run, or this process must not act.

        Always True with embedded servers. With Kafka, raises RuntimeError before `start`.
        """

    async def refused(self) -> None:
        """Have the connected Redis checked, and return after at most 0.2 s.

        Call it when a Redis script refused the run.
        """


class Exempt:
    """The Leader of embedded servers, which checks nothing: there is one Redis, and it ends with its process."""

    replicated = False

    async def start(self) -> None:
        """Log a warning that no epoch is kept."""
        log.warning("embedded servers: no epoch is kept, so nothing fences a second Redis. Not for production")

    async def stop(self) -> None:
        """Do nothing: nothing was started."""

    def current(self) -> str | None:
        """Return EXEMPT_RUN (""), never None: this process may always act.

        Redis scripts that get it do not check that they run on the Redis that leads.
        """
        return EXEMPT_RUN

    async def run(self) -> str:
        """Return EXEMPT_RUN ("") at once (see `current`)."""
        return EXEMPT_RUN

    async def names(self, run: str) -> bool:
        """Return True for any run: there is one Redis."""
        return True

    async def refused(self) -> None:
        """Return after 0.05 s. No Redis is checked."""
        await asyncio.sleep(NAP_SECONDS)


EXEMPT = Exempt()
