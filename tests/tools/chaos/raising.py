"""What is wrong with a worker: its Redis raises on each hundredth call, by turns before it and after it was done."""

from collections.abc import Awaitable, Callable
from typing import Any
from unittest import mock

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import ConnectionError as RedisConnectionError

from streams.runtime.settings import Settings
from streams.state.case_store import connect

NAME = "raising"
EVERY = 100


class Calls:
    """Counts calls, and says which of them fail."""

    def __init__(self) -> None:
        self._number = 0

    def before(self) -> int:
        """The call's number. Raises on the hundredth, the three hundredth and so on: nothing was done."""
        self._number += 1
        if self._number % (2 * EVERY) == EVERY:
            raise RedisConnectionError("a fault that was asked for: the call was lost")
        return self._number

    def after(self, number: int) -> None:
        """Raises on the two hundredth, the four hundredth and so on: all was done, and nobody knows."""
        if number % (2 * EVERY) == 0:
            raise RedisConnectionError("a fault that was asked for: the answer was lost")


CALLS = Calls()


class RaisingPipeline(Pipeline):
    """Raises for a pipeline as a whole."""

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        number = CALLS.before()
        answers: list[Any] = await super().execute(raise_on_error)
        CALLS.after(number)
        return answers


class RaisingRedis(Redis):
    """Raises for single commands."""

    _command: Callable[..., Awaitable[Any]] = Redis.execute_command

    async def execute_command(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as redis-py has it
        number = CALLS.before()
        answer = await self._command(*arguments, **options)
        CALLS.after(number)
        return answer

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        return RaisingPipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)


def raising(settings: Settings) -> Redis:
    """The product's own client, its connections and its retries, in a class that raises."""
    return RaisingRedis(connection_pool=connect(settings).connection_pool)


def patch() -> None:
    """Let this process's line use it."""
    mock.patch("streams.installation.connect", raising).start()
