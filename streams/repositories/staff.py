"""Console accounts and the API tokens of programs: in Redis, and on the compacted topic `staff`."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from redis.asyncio import Redis

from schemas.base import ANY_VERSION
from schemas.people.staff import Account, ApiToken
from streams.messaging.dead_letter_writer import readable
from streams.messaging.producer import Producer, Record
from streams.messaging.reader import Read, Tails, read_all
from streams.messaging.topics import STAFF
from streams.runtime.settings import Settings
from streams.state.keys import STAFF_ACCOUNTS, STAFF_LOCK, STAFF_TOKENS
from streams.state.locks import locked

_TOKEN = "token/"  # noqa: S105 - the prefix of the record keys of tokens; a login has no slash

Change = Callable[[Account, list[Account]], Account]
"""Returns the changed account, given the account and all accounts; may raise to refuse the change."""

Check = Callable[[list[Account]], None]
"""Raises if no account may be added to the given ones."""

Told = Callable[[Account, Account], Awaitable[None]]
"""Called before the change is written, with the account before and after: for the audit."""


class Staff:
    """Stores accounts by login, and tokens by id. A change is written to the topic, then to Redis.

    Writing raises SendError if a record is too large.
    """

    def __init__(self, settings: Settings, redis: "Redis", producer: Producer) -> None:
        self._settings, self._producer = settings, producer
        self._redis: Any = redis  # redis-py types a command's result as sync or async at once

    async def put(self, account: Account) -> None:
        """Write an account, new or changed, regardless of its previous state."""
        raw = account.model_dump_json().encode()
        await self._producer.send_all([Record(STAFF.name, account.login.encode(), raw)])
        await self._redis.hset(STAFF_ACCOUNTS, account.login, raw)

    async def add(self, account: Account, check: Check, told: Callable[[], Awaitable[None]] | None = None) -> None:
        """Write a new account after `check` accepted the existing ones; `told` is awaited before the write.

        Raises what `check` and `told` raise, and TimeoutError if Kafka or Redis does not answer within 8 s.
        """
        async with locked(self._redis, STAFF_LOCK):
            check(await self.all())
            if told is not None:
                await told()
            await self.put(account)

    async def change(self, login: str, change: Change, told: Told | None = None) -> Account:
        """Change an account under a lock, and return it: of two concurrent changes, the second sees the first.

        Raises KeyError if there is no such account, what `change` and `told` raise, and TimeoutError if Kafka or Redis
        does not answer within 8 s.
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
        """Return an account by its login, or None if there is none."""
        await self._ensure()
        raw = await self._redis.hget(STAFF_ACCOUNTS, login)
        return None if raw is None else Account.model_validate_json(raw, extra=ANY_VERSION)

    async def all(self) -> list[Account]:
        """Return all accounts, sorted by login."""
        await self._ensure()
        found = [Account.model_validate_json(raw, extra=ANY_VERSION) for raw in await self._redis.hvals(STAFF_ACCOUNTS)]
        return sorted(found, key=lambda account: account.login)

    async def names(self) -> dict[str, str]:
        """Return people's names by login."""
        return {account.login: account.name for account in await self.all()}

    async def put_token(self, token: ApiToken) -> None:
        """Write a program's token, new or changed."""
        raw = token.model_dump_json().encode()
        await self._producer.send_all([Record(STAFF.name, f"{_TOKEN}{token.id}".encode(), raw)])
        await self._redis.hset(STAFF_TOKENS, token.id, raw)

    async def revoke(self, token_id: str) -> ApiToken | None:
        """Delete a token for good and return it, or None if there is no such token."""
        token = await self.token(token_id)
        if token is not None:
            await self._producer.send_all([Record(STAFF.name, f"{_TOKEN}{token_id}".encode(), None)])
            await self._redis.hdel(STAFF_TOKENS, token_id)
        return token

    async def token(self, token_id: str) -> ApiToken | None:
        """Return a token by its id, or None if there is none."""
        await self._ensure()
        raw = await self._redis.hget(STAFF_TOKENS, token_id)
        return None if raw is None else ApiToken.model_validate_json(raw, extra=ANY_VERSION)

    async def tokens(self) -> list[ApiToken]:
        """Return all tokens, the newest first."""
        found = [ApiToken.model_validate_json(raw, extra=ANY_VERSION) for raw in await self._redis.hvals(STAFF_TOKENS)]
        return sorted(found, key=lambda token: token.made_at, reverse=True)

    async def restore(self, since: Tails | None = None) -> None:
        """Write the topic's accounts and tokens to Redis: all, or only records at or after the offsets in `since`."""
        async for record in read_all(self._settings, STAFF.name, since):
            where = readable(STAFF.name, record.offset, partial(_place, record))
            if where and record.value:
                await self._redis.hset(*where, record.value)
            elif where:
                await self._redis.hdel(*where)

    async def _ensure(self) -> None:
        if not await self._redis.exists(STAFF_ACCOUNTS):  # there is no account yet, or Redis was wiped
            await self.restore()


def _place(record: Read) -> tuple[str, str]:
    """Return the Redis hash and field for a record of the topic. Raises ValueError if its key or value is invalid."""
    name = (record.key or b"").decode()
    if name.startswith(_TOKEN):
        if record.value:
            ApiToken.model_validate_json(record.value, extra=ANY_VERSION)
        return STAFF_TOKENS, name.removeprefix(_TOKEN)
    if record.value and Account.model_validate_json(record.value, extra=ANY_VERSION).login != name:
        raise ValueError("the record's key is not its account's login")
    return STAFF_ACCOUNTS, name
