"""Takes dispatches from a topic, carries out several at once, and acknowledges each one separately.

A slow provider does not delay other providers' dispatches. Commits never go past an unacknowledged record
(transport.py).
"""

import asyncio
from collections.abc import Awaitable, Callable

from faust.types import EventT, StreamT

from schemas.base import ANY_VERSION
from schemas.casework.events import Dispatch
from streams.messaging.app import LINGER_SECONDS, ack, records
from streams.messaging.codec import refuse_unreadable
from streams.messaging.dead_letter_writer import DeadLetters
from streams.runtime import tracing

BATCH = 100
UNDER_WAY = 2 * BATCH  # dispatches in memory at once; each waits for a slot of its channel

Carry = Callable[[Dispatch, tracing.Trace | None], Awaitable[None]]


async def carry_each(
    stream: StreamT[bytes], carry: Carry, dead_letters: DeadLetters, within: float = LINGER_SECONDS
) -> None:
    """Call `carry` for each dispatch of a stream, up to 200 at once, and acknowledge the dispatch when `carry` returns.
    Returns when the stream ends. This is the body of an agent.

    `within`: seconds to wait for more records after the first of a batch. Invalid records become dead letters and are
    acknowledged. Raises an exception group if `carry` raises, or Kafka refuses a dead letter; that record is not
    acknowledged.
    """

    async def carry_one(event: EventT[bytes]) -> None:
        try:
            if dispatch := await read(event, dead_letters):
                await carry(dispatch, tracing.of_headers(event.message.headers))
            ack(event)
        finally:
            room.release()

    room = asyncio.Semaphore(UNDER_WAY)
    async with asyncio.TaskGroup() as group:
        async for batch in records(stream, BATCH, within=within):
            for event in batch:
                await room.acquire()
                group.create_task(carry_one(event))


async def read(event: EventT[bytes], dead_letters: DeadLetters) -> Dispatch | None:
    """Return the dispatch in a record. If the record is invalid, write a dead letter and return None. Raises SendError
    if Kafka refuses the dead letter permanently.
    """
    message = event.message
    value = message.value or b""
    try:
        refuse_unreadable(value)
        return Dispatch.model_validate_json(value, extra=ANY_VERSION)
    except ValueError as error:
        await dead_letters.record(message.topic, message.partition, message.offset, value, error)
        return None
