"""The product's own Redis client (streams.state.redis_lean.Lean), whose connections lead to a simulated server.

Everything above the connection is redis-py's and the product's: pipelines, transactions, scripts, trying again. Only
`execute_command` and the pool are made shorter, which in redis-py count and lock what nobody asks for here.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.connection import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.client import EMPTY_RESPONSE, NEVER_DECODE
from redis.exceptions import ConnectionError as GoneError
from redis.exceptions import ReadOnlyError, RedisError, ResponseError
from redis.exceptions import TimeoutError as SilentError

from streams.state.redis_client import TRIES
from streams.state.redis_lean import Asking, Lean
from tests.simulation.fake_redis.commands import OK
from tests.simulation.fake_redis.core import SimRedis, refusal
from tests.simulation.fake_redis.values import RefusedError, Status, encoded, integer

QUEUED = Status(b"QUEUED")
_NOT_CALLBACKS = {"keys", EMPTY_RESPONSE, NEVER_DECODE}  # options that a callback does not take
LOOK_SECONDS = 0.01  # how often WAIT looks for what replicas have acknowledged

Command = list[bytes]


class Link(Protocol):
    """The way to a server and back. A cut one waits as long as its client would, and raises TimeoutError.

    Other OSErrors, and redis-py's own exceptions, may be raised as well.
    """

    async def out(self) -> None:
        """The request has arrived at the server."""

    async def back(self) -> None:
        """The answer has arrived."""


class Connection:
    """As redis-py's, as far as its client and the product's use one.

    It leads to the server that `server_of` gave as it was made, and is broken when that is another one, or has been
    started anew since.
    """

    host, port, db = "simulated", 6379, 0

    def __init__(self, server_of: Callable[[], SimRedis], link: Link, retry: Retry, **_: Any) -> None:  # noqa: ANN401
        self._server_of, self._link, self.retry = server_of, link, retry
        self._server: SimRedis | None = None
        self._incarnation = self._offset = 0
        self._replies: deque[Any] = deque()
        self._owed = False  # replies are at the server, and have not come back
        self._queue: list[Command] | None = None
        self._flawed = False
        self._watched: dict[bytes, Any] = {}  # key -> what it was when it was watched

    @property
    def is_connected(self) -> bool:
        return self._server is not None

    def broken(self) -> bool:
        """Whether the server has closed it."""
        server = self._server
        return (
            server is None
            or not server.up
            or server.incarnation != self._incarnation
            or server is not self._server_of()
        )

    def should_reconnect(self) -> bool:
        return False

    async def can_read(self) -> bool:
        return bool(self._replies) or self.broken()

    async def connect(self) -> None:
        """Connect, if it is not; tries again as redis-py does."""
        if self._server is None:
            await self.retry.call_with_retry(self._dial, self._drop)

    async def disconnect(self, nowait: bool = False, **_: Any) -> None:  # noqa: ANN401 - as redis-py's
        self._server, self._queue, self._owed, self._watched = None, None, False, {}
        self._replies.clear()

    def pack_command(self, *arguments: Any) -> list[Command]:  # noqa: ANN401 - whatever a command takes
        return [encoded(arguments)]

    def pack_commands(self, commands: Iterable[Sequence[Any]]) -> list[Command]:
        return [encoded(command) for command in commands]

    async def send_command(self, *arguments: Any, **_: Any) -> None:  # noqa: ANN401 - as above
        await self.send_packed_command([encoded(arguments)])

    async def send_packed_command(self, commands: Iterable[Command], check_health: bool = True) -> None:
        """Have the server carry them out, when they arrive."""
        if self._server is None:
            await self.connect()
        await self._cross(self._link.out)
        if self.broken():
            await self.disconnect()
            raise GoneError("Connection closed by server.")
        try:
            await self._carry_out(commands)
        except BaseException:  # it died meanwhile, or whoever waits was cancelled
            await self.disconnect()
            raise
        self._owed = True

    async def _carry_out(self, commands: Iterable[Command]) -> None:
        for command in commands:
            if command[0] == b"WAIT" and self._queue is None:
                self._replies.append(await self._waited(command))
            else:
                self._replies.append(self._answer(command))

    async def read_response(self, *_: Any, **__: Any) -> Any:  # noqa: ANN401 - as above
        """The next reply. Raises redis.exceptions.ResponseError when the server refused."""
        if self._owed:
            self._owed = False
            await self._cross(self._link.back)
        if not self._replies:
            await self.disconnect()
            raise GoneError("Connection closed by server.")
        reply = self._replies.popleft()
        if isinstance(reply, ResponseError):
            raise reply
        return reply

    async def ask(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """Send all commands at once; their replies, refusals among them."""
        await self.send_packed_command([encoded(command) for command in commands])
        self._owed = False
        await self._cross(self._link.back)
        replies = [*self._replies]
        self._replies.clear()
        return replies

    async def _dial(self) -> None:
        await self._cross(self._link.out)
        server = self._server_of()
        if not server.up:
            raise GoneError(f"Error 111 connecting to {server.name}. Connection refused.")
        await self._cross(self._link.back)
        self._server, self._incarnation, self._flawed = server, server.incarnation, False
        self.host = server.name

    async def _drop(self, _error: Exception) -> None:
        await self.disconnect()

    async def _cross(self, way: Callable[[], Any]) -> None:
        try:
            await way()
        except RedisError:
            await self.disconnect()
            raise
        except TimeoutError as error:
            await self.disconnect()
            raise SilentError(f"Timeout reading from {self.host}") from error
        except OSError as error:
            await self.disconnect()
            raise GoneError(f"Error while reading from {self.host} : {error.args}") from error
        except BaseException:
            await self.disconnect()
            raise

    def _answer(self, command: Command) -> Any:  # noqa: ANN401 - any reply
        server: Any = self._server
        name = command[0]
        if self._queue is None and name not in _SESSION:
            before = server.offset
            try:
                return server.perform(command)
            except RefusedError as error:
                return refusal(error)
            finally:
                if server.offset != before:
                    self._offset = server.offset
        return self._transaction(server, name, command)

    def _transaction(self, server: SimRedis, name: bytes, command: Command) -> Any:  # noqa: ANN401 - any reply
        if name in _TALK:
            return OK
        if name in _WATCHES and self._queue is None:
            self._watched = {key: server.seen(key) for key in command[1:]} | self._watched if command[1:] else {}
            return OK
        queue, flawed = self._queue, self._flawed
        if name == b"MULTI":
            self._queue, self._flawed = [], False
            return OK if queue is None else refusal(RefusedError("ERR MULTI calls can not be nested"))
        if queue is None:
            return refusal(RefusedError(f"ERR {name.decode()} without MULTI"))
        if name not in _SESSION:
            return self._queued(server, queue, command)
        self._queue = None
        watched, self._watched = self._watched, {}
        if name == b"DISCARD":
            return OK
        return self._executed(server, queue, watched, flawed)

    def _executed(self, server: SimRedis, queue: list[Command], watched: dict[bytes, Any], flawed: bool) -> Any:  # noqa: ANN401
        if flawed:
            return refusal(RefusedError("EXECABORT Transaction discarded because of previous errors."))
        if any(server.seen(key) != before for key, before in watched.items()):
            return None
        replies = server.transact(queue)
        self._offset = server.offset
        return replies

    def _queued(self, server: SimRedis, queue: list[Command], command: Command) -> Any:  # noqa: ANN401 - any reply
        try:
            server.judge(command)
        except RefusedError as error:
            self._flawed = True
            return refusal(error)
        queue.append(command)
        return QUEUED

    async def _waited(self, command: Command) -> int:
        """WAIT: how many replicas have what this connection wrote, when enough have, or the time is up."""
        server: Any = self._server
        wanted, milliseconds = integer(command[1]), integer(command[2])
        loop = asyncio.get_running_loop()
        until = loop.time() + milliseconds / 1000
        while True:
            count: int = server.acknowledged(self._offset)
            if count >= wanted or (milliseconds and loop.time() >= until):
                return count
            await asyncio.sleep(LOOK_SECONDS)


_TALK = (b"CLIENT", b"SELECT", b"AUTH")
_WATCHES = (b"WATCH", b"UNWATCH")
_SESSION = {b"MULTI", b"EXEC", b"DISCARD", *_WATCHES, *_TALK}


class ManagedConnection(Connection):
    """One that Sentinels have named: a primary that has become a replica is left."""

    async def read_response(self, *_: Any, **__: Any) -> Any:  # noqa: ANN401 - as above
        try:
            return await super().read_response()
        except ReadOnlyError:
            await self.disconnect()
            raise GoneError("The previous master is now a slave") from None

    async def ask(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        replies = await super().ask(commands)
        if any(isinstance(reply, ReadOnlyError) for reply in replies):
            await self.disconnect()
            raise GoneError("The previous master is now a slave")
        return replies


class Pool(ConnectionPool):
    """redis-py's, without its locks and figures: nothing here waits between looking and taking."""

    async def get_connection(self, *_: Any, **__: Any) -> Any:  # noqa: ANN401 - as redis-py's
        connection: Any = self.get_available_connection()  # type: ignore[no-untyped-call]
        try:
            if connection.is_connected and await connection.can_read():
                await connection.disconnect()
            await connection.connect()
        except BaseException:
            await self.release(connection)
            raise
        return connection

    async def release(self, connection: Any) -> None:  # noqa: ANN401 - one of ours
        self._in_use_connections.remove(connection)
        self._available_connections.append(connection)

    async def aclose(self) -> None:
        await self.disconnect()


class SimAsking(Asking):
    """The product's pipeline. A transaction goes as one question too: redis-py makes a task of giving it back."""

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        commands = self.command_stack
        if not self.is_transaction or self.explicit_transaction or self.watching or self.scripts or not commands:
            return await super().execute(raise_on_error)
        self.command_stack = []
        pool: Any = self.connection_pool
        connection = await pool.get_connection()
        try:
            replies = await connection.retry.call_with_retry(
                lambda: self._transacted(connection, commands), lambda _: connection.disconnect()
            )
        finally:
            await pool.release(connection)
        if raise_on_error:
            self.raise_first_error(commands, replies)
        return [self._read(*command, reply) for command, reply in zip(commands, replies, strict=True)]

    async def _transacted(self, connection: Any, commands: Sequence[Any]) -> list[Any]:  # noqa: ANN401 - one of ours
        """The replies to EXEC. Raises the first refusal where a command could not be queued, as redis-py does."""
        _, *queued, replies = await connection.ask([("MULTI",), *(command for command, _ in commands), ("EXEC",)])
        if isinstance(replies, ResponseError):
            for number, reply in enumerate(queued):
                if isinstance(reply, ResponseError):
                    self.annotate_exception(reply, number + 1, commands[number][0])
                    raise reply from replies
            raise replies
        return list(replies)


class SimLean(Lean):
    """The product's client; a command of its own takes no measurements."""

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        return SimAsking(self.connection_pool, self.response_callbacks, transaction, shard_hint)

    async def execute_command(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as redis-py's
        pool: Any = self.connection_pool
        connection = await pool.get_connection()
        try:
            try:
                [reply] = await connection.ask([arguments])
            except (GoneError, SilentError) as error:
                reply = await self._again(connection, arguments, error)
        finally:
            await pool.release(connection)
        return self._read(arguments[0], options, reply)

    async def _again(self, connection: Any, arguments: Sequence[Any], error: Exception | None) -> Any:  # noqa: ANN401
        """The reply after the command has failed once, by the connection's own rules for trying again."""

        async def ask() -> Any:  # noqa: ANN401 - any reply
            nonlocal error
            if error is not None:
                before, error = error, None
                raise before
            return (await connection.ask([arguments]))[0]

        return await connection.retry.call_with_retry(ask, lambda _: connection.disconnect())

    def _read(self, name: Any, options: dict[str, Any], reply: Any) -> Any:  # noqa: ANN401 - as redis-py's
        """The reply as redis-py's callback for the command makes it."""
        if isinstance(reply, ResponseError):
            if EMPTY_RESPONSE in options:
                return options[EMPTY_RESPONSE]
            raise reply
        read = self.response_callbacks.get(name)
        if read is None:
            return reply
        return read(reply, **{option: value for option, value in options.items() if option not in _NOT_CALLBACKS})


def client(server_of: Callable[[], SimRedis], link: Link, *, sentinels: bool = False, tries: int = TRIES) -> "Redis":
    """A client of the server that `server_of` gives, over the link.

    When `server_of` gives another server than before, open connections are broken, as by a failover's CLIENT KILL.
    """
    made: Any = ManagedConnection if sentinels else Connection
    retry = Retry(ExponentialBackoff(cap=0.5, base=0.02), retries=tries)
    pool = Pool(made, 1_000, server_of=server_of, link=link, retry=retry, protocol=3)
    return SimLean(connection_pool=pool)
