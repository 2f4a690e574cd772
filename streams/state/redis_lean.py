"""What costs much in redis-py's asyncio client, done in another way: a line's work is mostly to ask Redis."""

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

_SPECIAL = {EMPTY_RESPONSE, NEVER_DECODE}  # options of a command whose reply redis-py must read itself


class Packing:
    """Packs commands in C. redis-py's own asyncio connections do it in Python, a microsecond for each argument.

    Its serializer for hiredis looks at each argument first, for kinds of bytes that nobody here sends.
    """

    def pack_command(self, *args: Any) -> list[bytes]:  # noqa: ANN401 - whatever a command takes
        words = args[0].split()  # CLIENT SETINFO is two
        try:
            return [pack_command((*words, *args[1:]) if len(words) > 1 else args)]
        except TypeError as error:
            raise DataError(*error.args) from error


class Patience(AbstractConnection):
    """Gives up a server that keeps the connection waiting for `patience` seconds: a wait is looked at by one timer.

    redis-py makes a timer for each reply and a task for what is sent: 5 of the 13 µs that a pipeline's command takes.
    """

    patience: float
    _since: float | None = None  # when what is waited for now was asked for
    _timer: asyncio.TimerHandle | None = None

    async def send_packed_command(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - redis-py's own
        before = self._wait()
        try:
            await super().send_packed_command(*args, **options)
        finally:
            self._since = before

    async def read_response(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - as above
        if options.get("timeout") is not None:  # a subscription's, which may be silent for longer
            return await super().read_response(*args, **options)
        before = self._wait()
        try:
            return await super().read_response(*args, **options)
        finally:
            self._since = before

    def _wait(self) -> float | None:
        """Begin to wait; gives since when another wait goes on, which this one is part of."""
        before, self._since = self._since, time.monotonic()
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.patience, self._look)
        return before

    def _look(self) -> None:
        self._timer = None
        if self._since is None:
            return  # whoever waits next sets it
        if (left := self._since + self.patience - time.monotonic()) > 0:
            self._timer = asyncio.get_running_loop().call_later(left, self._look)
        elif self._reader and self._writer:
            self._reader.set_exception(SilentError(f"no answer from {self._host_error()} for {self.patience:g} s"))
            self._writer.transport.abort()  # so that what cannot be written is given up too


class AtOnce(AbstractConnection):
    """Takes all replies that are there at once. redis-py goes through six coroutines for each."""

    _error: Exception | None = None  # a reply that was taken already and is still to be read

    async def ask(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """Send all commands at once; their replies, as read_all gives them."""
        packed = [part for command in commands for part in self.pack_command(*command)]
        await self.send_packed_command([b"".join(packed)])
        return await self.read_all(len(commands))

    async def read_all(self, count: int) -> list[Any]:
        """The replies to so many commands, errors among them; raises as read_response does, but no ResponseError.

        Data that is there already is taken as it lies there. All else goes redis-py's way: waiting, errors, which tell
        some connections that the server is no primary any more, and what the server says unasked.
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
            await self.disconnect(nowait=True)  # the other replies are nobody's any more
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
    """A pipeline that asks at once, if it is no transaction, and has the connection back without a turn of the loop."""

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Send all commands; their answers. Raises, and tries again, as redis-py's does."""
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
        """The reply as redis-py's callback for the command makes it."""
        read = self.response_callbacks.get(command[0])
        if read is None or isinstance(reply, ResponseError):
            return reply
        return read(reply, **{name: value for name, value in options.items() if name != "keys"})


class Lean(Redis):
    """A client whose pipelines are those."""

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        return Asking(self.connection_pool, self.response_callbacks, transaction, shard_hint)


def lean(redis: "Redis") -> "Redis":
    """Have the client's connections do in another way what costs much in redis-py's."""
    pool: Any = redis.connection_pool
    patience, pool.connection_kwargs["socket_timeout"] = pool.connection_kwargs["socket_timeout"], None
    made = (Packing, AtOnce, Patience, pool.connection_class)
    pool.connection_class = type(pool.connection_class.__name__, made, {"patience": patience})
    return redis
