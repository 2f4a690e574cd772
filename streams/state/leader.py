"""The interface for asking which Redis leads. With Kafka: epoch.py. Embedded servers have no epoch."""

import asyncio
import logging
from typing import Protocol

log = logging.getLogger(__name__)

NAP_SECONDS = 0.05
EXEMPT_RUN = ""  # with it, the scripts do not check the run


class Leader(Protocol):
    """Which Redis leads, as far as this process knows. A run identifies a Redis process and the history of its data."""

    @property
    def replicated(self) -> bool:
        """Return whether the Redis that answers has a replica that can confirm a write (WAIT)."""

    async def start(self) -> None:
        """Start to follow the epoch."""

    async def stop(self) -> None:
        """Stop following it."""

    def current(self) -> str | None:
        """Return the run of the Redis that leads, as the epoch names it; None while this process must not act.

        EXEMPT_RUN ("") with embedded servers. With Kafka, raises RuntimeError before `start`.
        """

    async def run(self) -> str:
        """Wait until this process may act, and return the run that the epoch names."""

    async def names(self, run: str) -> bool:
        """Return whether the epoch names this run; waits while a new epoch begins. Proposes one where it may."""

    async def refused(self) -> None:
        """Return after a pause: the Redis that answered is not the one that the epoch names."""


class Exempt:
    """The Leader of embedded servers, which checks nothing: there is one Redis, and it ends with its process."""

    replicated = False

    async def start(self) -> None:
        """Log a warning that no epoch is kept."""
        log.warning("embedded servers: no epoch is kept, so nothing fences a second Redis. Not for production")

    async def stop(self) -> None:
        """Do nothing: nothing was started."""

    def current(self) -> str | None:
        """Return EXEMPT_RUN, with which the scripts check no run."""
        return EXEMPT_RUN

    async def run(self) -> str:
        """Return EXEMPT_RUN, with which the scripts check no run."""
        return EXEMPT_RUN

    async def names(self, run: str) -> bool:
        """Return True."""
        return True

    async def refused(self) -> None:
        """Return after a short pause."""
        await asyncio.sleep(NAP_SECONDS)


EXEMPT = Exempt()
