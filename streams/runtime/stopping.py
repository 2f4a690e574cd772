"""Stop a consumer, whatever its fetches are at; and tasks, though one lose its cancellation."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer

log = logging.getLogger(__name__)

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
