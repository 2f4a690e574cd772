"""What is transient is tried again in place, for as long as it takes: an input is never skipped."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiokafka.errors import KafkaError
from prometheus_client import Counter
from redis.exceptions import RedisError

from streams.runtime.credentials import denied

log = logging.getLogger(__name__)

FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 5.0
TRANSIENT = (KafkaError, RedisError, OSError, TimeoutError)

RETRIES = Counter("quanzu_retries_total", "Times that something was tried again since a server was away", ["what"])

Answer = TypeVar("Answer")


def wanted() -> bool:
    """Whether the task that asks was not cancelled: a client may take a cancellation for its own time-out's."""
    task = asyncio.current_task()
    return task is None or not task.cancelling()


async def until_done(what: str, attempt: Callable[[], Awaitable[Answer]]) -> Answer:
    """Run `attempt` until it no longer raises what passes by itself. What does not pass is raised as it is.

    Raises AccessError when a server says that this process may not.
    """
    wait = FIRST_WAIT_SECONDS
    while True:
        try:
            return await attempt()
        except TRANSIENT as error:
            if (refused := denied(error)) is not None:
                raise refused from error
            RETRIES.labels(what).inc()
            log.warning("%s: %s (%s). Trying again in %.1f s", what, type(error).__name__, error, wait)
        await asyncio.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT_SECONDS)
