"""Retrying until an operation succeeds; waiting for an event for a limited time; stopping Kafka consumers, and tasks
that may ignore a cancellation.
"""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from prometheus_client import Counter
from redis.exceptions import RedisError
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_exponential

from streams.runtime.credentials import denied

log = logging.getLogger(__name__)

FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 5.0
_PIPELINE = " of pipeline caused error: "  # redis-py writes the command with its values in front of it
TRANSIENT = (KafkaError, RedisError, OSError, TimeoutError)

RETRIES = Counter("quanzu_retries_total", "Retries because a server was unavailable", ["what"])

Answer = TypeVar("Answer")


def wanted() -> bool:
    """Return False if the current task was cancelled, else True.

    Loops check it because a client library may mistake a cancellation for its own timeout and swallow it.
    """
    task = asyncio.current_task()
    return task is None or not task.cancelling()


async def until_done(what: str, attempt: Callable[[], Awaitable[Answer]]) -> Answer:
    """Await `attempt()`, and return its result. While it raises a transient error, call it again, without end, after
    pauses of up to 5 s.

    Transient are KafkaError, RedisError and OSError (with TimeoutError). `what` names the operation in logs and
    metrics. Raises AccessError if a server denies access, and other errors of `attempt` unchanged.
    """
    try:
        return await _unless_denied(attempt)
    except TRANSIENT as error:  # only now: preparing retries costs 26 µs, and most first attempts succeed
        return await _retried(what, attempt, error)


async def _retried(what: str, attempt: Callable[[], Awaitable[Answer]], first: Exception) -> Answer:
    """Return the result of `attempt`, whose first try raised `first`."""
    failed = [first]

    async def attempted() -> Answer:
        if failed:
            raise failed.pop()
        return await _unless_denied(attempt)

    trying = AsyncRetrying(
        sleep=asyncio.sleep,  # the loop's, whose time a simulation makes
        wait=wait_exponential(FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS),
        retry=retry_if_exception_type(TRANSIENT),
        before_sleep=partial(_tell_again, what),
        reraise=True,
    )
    return await trying(attempted)


async def _unless_denied(attempt: Callable[[], Awaitable[Answer]]) -> Answer:
    """Run `attempt` once. Raises AccessError if a server denies this process access or a permission."""
    try:
        return await attempt()
    except TRANSIENT as error:
        if (refused := denied(error)) is not None:
            raise refused from error
        raise


def _tell_again(what: str, state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    RETRIES.labels(what).inc()
    log.warning("%s: %s. Trying again in %.1f s", what, without_values(error), state.upcoming_sleep)


AGAIN_SECONDS = 0.25
TRIES = 20


async def set_within(event: asyncio.Event, seconds: float | None) -> bool:
    """Wait until the event is set, at most `seconds` (None: without limit). Return True if it is set, False if it is
    not set by then.
    """
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


async def stop(consumer: AIOKafkaConsumer) -> None:
    """Stop a consumer and close its connections, even in the middle of a fetch or if the caller is cancelled. Raises
    CancelledError only if the caller is cancelled.

    Without this, aiokafka (0.14) lets the CancelledError of a waiting fetch out of its own `stop`, as if the caller
    were cancelled (aiokafka #647). Its connections would then stay open, an agent would take the error for its own end,
    and Faust's thread would die of it while others wait for that thread forever.
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
    """Cancel tasks repeatedly until they have ended; log those that have not after 20 tries (5 s).

    Python 3.11's wait_for may mistake a cancellation for its own timeout: the task then goes on as if it had not been
    cancelled.
    """
    left = {task for task in tasks if not task.done()}
    for _ in range(TRIES):
        if not left:
            return
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=AGAIN_SECONDS)
    log.error("%d tasks do not end: %s", len(left), left)


def without_values(error: BaseException | None) -> str:
    """Return a text about an error for the log: its type, with its text if a server or a connection raised it,
    otherwise with the traceback. For an exception group, the texts about each of its errors, one after the other.

    The text of any other error, such as a ValidationError, repeats values, which may be personal.
    """
    if isinstance(error, BaseExceptionGroup):
        return "\n".join(map(without_values, error.exceptions))
    name = type(error).__name__
    if error is None or isinstance(error, TRANSIENT):
        return f"{name} ({str(error).rpartition(_PIPELINE)[2]})"
    return f"{name}\n{''.join(traceback.format_tb(error.__traceback__))}"
