"""Stop a consumer, whatever its fetches are at."""

import asyncio

from aiokafka import AIOKafkaConsumer


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
