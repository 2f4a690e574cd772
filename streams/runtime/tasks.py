"""Tasks that go on until they succeed, and consumers and tasks that stop when they are told to."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer
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


AGAIN_SECONDS = 0.25
TRIES = 20


async def stop(consumer: AIOKafkaConsumer) -> None:
    """Return when the consumer has stopped, and its connections are closed. It goes on if the caller is cancelled.

    aiokafka (0.14) cancels what is under way, and lets the CancelledError of a fetch that waited to be tried again out
    of its `stop`, as if whoever stops were cancelled (aiokafka #647): its connections stay open then, an agent that
    reads takes it for its own end, and Faust's thread dies of it and is waited for without end.
    """
    await asyncio.shield(_stopped(consumer))


async def _stopped(consumer: AIOKafkaConsumer) -> None:
    try:
        await consumer.stop()
    except asyncio.CancelledError:
        if (task := asyncio.current_task()) and task.cancelling():
            raise
        for fetch in consumer._fetcher._pending_tasks:
            fetch.cancel()
        await consumer._client.close()


async def cancelled(tasks: "Iterable[asyncio.Future[Any]]") -> None:
    """Cancel tasks until they have ended.

    Python 3.11's wait_for, in a client's time-out, may take a cancellation for its own: its task goes on as if nobody
    had said anything, and who waits for it waits for ever. What does not end after TRIES is told of, and left.
    """
    left = {task for task in tasks if not task.done()}
    for _ in range(TRIES):
        if not left:
            return
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=AGAIN_SECONDS)
    log.error("%d tasks do not end: %s", len(left), left)
