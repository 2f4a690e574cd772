"""Faster replacements for parts of redis-py's asyncio client. Most of a worker's CPU time goes into asking Redis."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from hiredis import PushNotification, pack_command
from redis._parsers.hiredis import NOT_ENOUGH_DATA
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.connection import AbstractConnection
from redis.client import EMPTY_RESPONSE, NEVER_DECODE
from redis.exceptions import ConnectionError as GoneError
from redis.exceptions import DataError, ResponseError
from redis.exceptions import TimeoutError as SilentError

_SPECIAL = {EMPTY_RESPONSE, NEVER_DECODE}  # options of commands whose replies redis-py itself must parse


class Packing:
    """Encodes commands in C. redis-py's asyncio connections encode them in Python, at a microsecond for each
    argument.

    redis-py's own serializer for hiredis would first check each argument for types of bytes that Quanzu never sends.
    """

    def pack_command(self, *args: Any) -> list[bytes]:  # noqa: ANN401 - any argument of a command
        """Return the encoded command, as a list with one bytes object.

        Raises DataError if an argument cannot be encoded.
        """
        words = args[0].split()  # CLIENT SETINFO is two
        try:
            return [pack_command((*words, *args[1:]) if len(words) > 1 else args)]
        except TypeError as error:
            raise DataError(*error.args) from error


class Patience(AbstractConnection):
    """A connection that is closed if its server does not answer for `patience` seconds; the waiting call raises
    redis' TimeoutError.

    One timer checks all waits. redis-py makes a timer for each reply and a task for each send, which take 5 of the 13
    µs of a pipeline's command.
    """

    patience: float
    _since: float | None = None  # when the current wait began
    _timer: asyncio.TimerHandle | None = None

    async def send_packed_command(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - redis-py's own
        """Send a command as redis-py does.

        Raises redis' TimeoutError if it cannot be written within `patience` seconds.
        """
        before = self._wait()
        try:
            await super().send_packed_command(*args, **options)
        finally:
            self._since = before

    async def read_response(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - as above
        """Return one reply as redis-py does.

        Raises redis' TimeoutError if no reply comes within `patience` seconds, or within the option `timeout` if it
        is given.
        """
        if options.get("timeout") is not None:  # of a subscription, which may be silent for longer
            return await super().read_response(*args, **options)
        before = self._wait()
        try:
            return await super().read_response(*args, **options)
        finally:
            self._since = before

    def _wait(self) -> float | None:
        """Begin to wait; return when the outer wait began, if this one is part of another."""
        before, self._since = self._since, time.monotonic()
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.patience, self._look)
        return before

    def _look(self) -> None:
        self._timer = None
        if self._since is None:
            return  # the next wait starts the timer again
        if (left := self._since + self.patience - time.monotonic()) > 0:
            self._timer = asyncio.get_running_loop().call_later(left, self._look)
        elif self._reader and self._writer:
            self._reader.set_exception(SilentError(f"no answer from {self._host_error()} for {self.patience:g} s"))
            self._writer.transport.abort()  # also gives up a blocked write


class AtOnce(AbstractConnection):
    """A connection that reads all replies that have already arrived in one call. redis-py awaits six coroutines for
    each reply.
    """

    _error: Exception | None = None  # an error reply that was taken from the reader and is not returned yet

    async def ask(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """Send all commands at once, and return their replies in order.

        An error reply (ResponseError) is returned in its place, not raised. Other errors, such as a lost connection,
        are raised, and the connection is closed.
        """
        packed = [part for command in commands for part in self.pack_command(*command)]
        await self.send_packed_command([b"".join(packed)])
        return await self.read_all(len(commands))

    async def read_all(self, count: int) -> list[Any]:
        """Return the next `count` replies, in order.

        An error reply (ResponseError) is returned in its place. Other errors are raised as by read_response, and the
        connection is closed. Replies that have arrived are taken from the parser directly. redis-py handles the rest:
        waiting, errors (some connections learn from them that the server is no longer a primary), and messages that the
        server pushes, which do not count.
        """
        parser: Any = self._parser
        replies: list[Any] = []
        try:
            while len(replies) < count:
                reply: Any = parser._reader.gets()
                if isinstance(reply, PushNotification):
                    await parser.handle_push_response(reply)
                    continue
                if reply is NOT_ENOUGH_DATA or isinstance(reply, Exception):
                    self._error = reply if isinstance(reply, Exception) else None
                    reply = await self._read_one()
                replies.append(reply)
        except BaseException:
            await self.disconnect(nowait=True)  # nobody would read the remaining replies
            raise
        return replies

    async def _read_one(self) -> Any:  # noqa: ANN401 - as above
        try:
            return await self.read_response()
        except ResponseError as error:
            return error

    async def _read_response_from_parser(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - as above
        error, self._error = self._error, None
        if error is None:
            return await super()._read_response_from_parser(*args, **options)
        if isinstance(error, GoneError):
            raise error
        return error


class Asking(Pipeline):
    """A pipeline that sends all commands at once, unless it is a transaction, and avoids redis-py's extra awaits."""

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Send all commands and return their replies in order, converted by redis-py's callbacks.

        Raises the first ResponseError among them, or returns it in its place if `raise_on_error` is False. Retries and
        raises connection errors as redis-py's pipeline does.
        """
        commands = self.command_stack
        asks_more = self.is_transaction or self.explicit_transaction or self.watching or self.scripts
        if asks_more or any(not _SPECIAL.isdisjoint(options) for _, options in commands):
            return await super().execute(raise_on_error)
        self.command_stack = []
        if not commands:
            return []
        pool: Any = self.connection_pool
        connection = await pool.get_connection()
        try:
            replies = await connection.retry.call_with_retry(
                lambda: connection.ask([command for command, _ in commands]), lambda _: connection.disconnect()
            )
        finally:
            await pool.release(connection)
        if raise_on_error:
            self.raise_first_error(commands, replies)
        return [self._read(*command, reply) for command, reply in zip(commands, replies, strict=True)]

    def _read(self, command: Sequence[Any], options: Mapping[str, Any], reply: Any) -> Any:  # noqa: ANN401 - any
        """Return the reply converted by redis-py's callback for the command."""
        read = self.response_callbacks.get(command[0])
        if read is None or isinstance(reply, ResponseError):
            return reply
        return read(reply, **{name: value for name, value in options.items() if name != "keys"})


class Lean(Redis):
    """A Redis client whose pipelines are `Asking` pipelines, which take less time for each command."""

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        """Return a new `Asking` pipeline. `transaction`: its commands run as one transaction (MULTI/EXEC)."""
        return Asking(self.connection_pool, self.response_callbacks, transaction, shard_hint)


def lean(redis: "Redis") -> "Redis":
    """Change the client's connections to the faster classes of this module, in place, and return the same client. The
    client's socket timeout (seconds) becomes their patience.
    """
    pool: Any = redis.connection_pool
    patience, pool.connection_kwargs["socket_timeout"] = pool.connection_kwargs["socket_timeout"], None
    made = (Packing, AtOnce, Patience, pool.connection_class)
    pool.connection_class = type(pool.connection_class.__name__, made, {"patience": patience})
    return redis
