"""Console accounts and the API tokens of programs: in Redis, and on the compacted topic `staff`."""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from redis.asyncio import Redis

from schemas.people.staff import Account, ApiToken
from streams.messaging.producer import Producer
from streams.messaging.reader import Tails
from streams.messaging.topics import STAFF
from streams.runtime.settings import Settings
from streams.state.compacted_table import CompactedTable, Place, restore
from streams.state.keys import STAFF_ACCOUNTS, STAFF_LOCK, STAFF_TOKENS, STAFF_WHOLE
from streams.state.locks import locked

Change = Callable[[Account, list[Account]], Account]
"""Returns the changed account, given the account and all accounts; may raise to refuse the change."""

Check = Callable[[list[Account]], None]
"""Raises if no account may be added to the given ones."""

NAMES_SECONDS = 5.0  # names on pages are at most this old

_TOKENS, _NONE = b"tokens", b"none"  # values of STAFF_WHOLE: whether the table of tokens has one

Told = Callable[[Account, Account], Awaitable[None]]
"""Called before the change is written, with the account before and after: for the audit."""


class _Accounts(CompactedTable[Account]):
    place = Place(STAFF, Account, STAFF_ACCOUNTS, name="login")


class _Tokens(CompactedTable[ApiToken]):
    place = Place(STAFF, ApiToken, STAFF_TOKENS, prefix="token/")  # a login has no slash


class Staff:
    """Stores accounts by login, and programs' tokens by id. A change is written to the topic, then to Redis.

    A mark in Redis (STAFF_WHOLE) says that both tables are complete, and whether there is a token. Without it, because
    Redis was wiped or another process is still restoring it, or if a table is missing, a reader restores both first.
    Writing raises SendError if a record is too large.
    """

    def __init__(self, settings: Settings, redis: "Redis", producer: Producer) -> None:
        self._redis: Any = redis  # redis-py types a command's result as sync or async at once
        self._accounts, self._tokens = _Accounts(settings, redis, producer), _Tokens(settings, redis, producer)
        self._named: dict[str, str] = {}
        self._named_at = float("-inf")

    @property
    def named(self) -> Mapping[str, str]:
        """The names of persons by login, as last read by `names`, and those written here since."""
        return self._named

    async def put(self, account: Account) -> None:
        """Write an account, new or changed, to the topic and Redis, without comparing it with its previous state.
        Raises TimeoutError if Kafka does not answer within 8 s, SendError if it refuses the record, and RedisError if
        Redis is unavailable.
        """
        await self._accounts.write(account)
        self._named[account.login] = account.name

    async def add(self, account: Account, check: Check, told: Callable[[], Awaitable[None]] | None = None) -> None:
        """Write a new account to the topic and Redis, under the lock on all accounts.

        `check` gets the existing accounts first; then `told` is awaited.

        Raises the exceptions of `check` and `told`, and then writes nothing; SendError if the account is too large;
        TimeoutError if Kafka or Redis does not answer within 8 s. Errors of Redis pass through.
        """
        async with locked(self._redis, STAFF_LOCK):
            check(await self.all())
            if told is not None:
                await told()
            await self.put(account)

    async def change(self, login: str, change: Change, told: Told | None = None) -> Account:
        """Change the account of `login` by the function `change`, which gets it and all accounts, under the lock on all
        accounts, and return the changed account as stored.

        `told` is awaited, with the account before and after, before the write. Raises KeyError if the login is unknown,
        the exceptions of `change` and `told`, SendError if the account is too large, and TimeoutError if Kafka or Redis
        does not answer within 8 s. Errors of Redis pass through.
        """
        async with locked(self._redis, STAFF_LOCK):
            everybody = await self.all()
            before = next((each for each in everybody if each.login == login), None)
            if before is None:
                raise KeyError(login)
            after = change(before, everybody)
            if told is not None:
                await told(before, after)
            await self.put(after)
        return after

    async def get(self, login: str) -> Account | None:
        """Return the account of this login, or None if it is unknown. If Redis lacks some, accounts and tokens are
        first read from the topic. Raises RedisError or KafkaError if Redis or Kafka is unavailable.
        """
        await self._ensure()
        return await self._accounts.get(login)

    async def all(self) -> list[Account]:
        """Return all accounts, sorted by login. If Redis lacks some, accounts and tokens are first read from the
        topic. Raises RedisError or KafkaError if Redis or Kafka is unavailable.
        """
        await self._ensure()
        return sorted(await self._accounts.all(), key=lambda account: account.login)

    async def names(self) -> dict[str, str]:
        """Return the names of all persons with an account, by login: read at most 5 s ago (NAMES_SECONDS), and those
        written here since. If Redis lacks some, accounts and tokens are first read from the topic. Raises RedisError or
        KafkaError if Redis or Kafka is unavailable.
        """
        begun = time.monotonic()
        if begun - self._named_at > NAMES_SECONDS:
            self._named, self._named_at = {account.login: account.name for account in await self.all()}, begun
        return dict(self._named)

    async def put_token(self, token: ApiToken) -> None:
        """Write a program's token, new or changed, to the topic and Redis, without comparing it with its previous
        state. Raises TimeoutError if Kafka does not answer within 8 s, SendError if it refuses the record, and
        RedisError if Redis is unavailable.
        """
        await self._tokens.write(token)
        await self._redis.set(STAFF_WHOLE, _TOKENS, xx=True)

    async def revoke(self, token_id: str) -> ApiToken | None:
        """Delete the token with this id permanently, from the topic and Redis, and return it; None if the id is
        unknown. Raises TimeoutError if Kafka does not answer within 8 s, SendError if it refuses the record, and
        RedisError if Redis is unavailable.
        """
        token = await self.token(token_id)
        if token is not None:
            await self._tokens.drop(token_id)
            await self._note_tokens(xx=True)
        return token

    async def token(self, token_id: str) -> ApiToken | None:
        """Return the token with this id, or None if it is unknown. If Redis lacks some, accounts and tokens are
        first read from the topic. Raises RedisError or KafkaError if Redis or Kafka is unavailable.
        """
        await self._ensure()
        return await self._tokens.get(token_id)

    async def tokens(self) -> list[ApiToken]:
        """Return all tokens, the newest first. If Redis lacks some, accounts and tokens are first read from the
        topic. Raises RedisError or KafkaError if Redis or Kafka is unavailable.
        """
        await self._ensure()
        return sorted(await self._tokens.all(), key=lambda token: token.made_at, reverse=True)

    async def restore(self, since: Tails | None = None) -> None:
        """Copy the topic's accounts and tokens to Redis: all, or only records at or after the offsets in `since`.
        Unreadable records are logged and left out. Raises RedisError or KafkaError if Redis or Kafka is unavailable.
        """
        await restore([self._accounts, self._tokens], since)
        await self._note_tokens()

    async def _note_tokens(self, *, xx: bool = False) -> None:
        """Set the mark that both tables are complete. `xx`: only if it is set."""
        await self._redis.set(STAFF_WHOLE, _NONE if await self._tokens.empty() else _TOKENS, xx=xx)

    async def _ensure(self) -> None:
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.exists(STAFF_ACCOUNTS)
            pipe.exists(STAFF_TOKENS)
            pipe.get(STAFF_WHOLE)
            accounts, tokens, whole = await pipe.execute()
        if not accounts or whole is None or (whole == _TOKENS and not tokens):
            await self.restore()
