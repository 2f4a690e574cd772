"""Accounts of the console and the tokens of programs: in Redis, and on the compacted topic `staff` to outlive it."""

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
from streams.state.locks import alone

ACCOUNTS = "staff"  # hash: login -> account
TOKENS = "staff-tokens"  # hash: a token's id -> the token
LOCK = "staff-lock"
_TOKEN = "token/"  # noqa: S105 - what the keys of tokens' records begin with; a login has no slash

Change = Callable[[Account, list[Account]], Account]
"""An account, and everybody's -> the account as it shall be."""

Check = Callable[[list[Account]], None]
"""Raises when everybody's accounts leave no room for a new one."""

Told = Callable[[Account, Account], Awaitable[None]]
"""Is told, before it is written, what an account was and what it will be: for the audit."""


class Staff:
    """Every account, by login. What is changed is on the topic before it is in Redis."""

    def __init__(self, settings: Settings, redis: "Redis", producer: Producer) -> None:
        self._settings, self._producer = settings, producer
        self._redis: Any = redis  # redis-py types a command's result as sync or async at once

    async def put(self, account: Account) -> None:
        """Write an account, new or changed, whatever it was before."""
        raw = account.model_dump_json().encode()
        await self._producer.send_all([Record(STAFF.name, account.login.encode(), raw)])
        await self._redis.hset(ACCOUNTS, account.login, raw)

    async def add(self, account: Account, check: Check, told: Callable[[], Awaitable[None]] | None = None) -> None:
        """Write a new account, after `check` has raised nothing at the sight of those there are, and `told` was told.

        Raises what `check` raises, and TimeoutError as `change` does.
        """
        async with alone(self._redis, LOCK):
            check(await self.all())
            if told is not None:
                await told()
            await self.put(account)

    async def change(self, login: str, change: Change, told: Told | None = None) -> Account:
        """Change an account; of two who do so at once the second sees what the first did.

        Raises KeyError when there is no such account, what `change` raises, and TimeoutError when Kafka is away.
        """
        async with alone(self._redis, LOCK):
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
        await self._ensure()
        raw = await self._redis.hget(ACCOUNTS, login)
        return None if raw is None else Account.model_validate_json(raw, extra=ANY_VERSION)

    async def all(self) -> list[Account]:
        """All accounts, by login."""
        await self._ensure()
        found = [Account.model_validate_json(raw, extra=ANY_VERSION) for raw in await self._redis.hvals(ACCOUNTS)]
        return sorted(found, key=lambda account: account.login)

    async def names(self) -> dict[str, str]:
        """What people are called, by login."""
        return {account.login: account.name for account in await self.all()}

    async def put_token(self, token: ApiToken) -> None:
        """Write a program's token."""
        raw = token.model_dump_json().encode()
        await self._producer.send_all([Record(STAFF.name, f"{_TOKEN}{token.id}".encode(), raw)])
        await self._redis.hset(TOKENS, token.id, raw)

    async def revoke(self, token_id: str) -> ApiToken | None:
        """End a token for good; none when there is no such token."""
        token = await self.token(token_id)
        if token is not None:
            await self._producer.send_all([Record(STAFF.name, f"{_TOKEN}{token_id}".encode(), None)])
            await self._redis.hdel(TOKENS, token_id)
        return token

    async def token(self, token_id: str) -> ApiToken | None:
        await self._ensure()
        raw = await self._redis.hget(TOKENS, token_id)
        return None if raw is None else ApiToken.model_validate_json(raw, extra=ANY_VERSION)

    async def tokens(self) -> list[ApiToken]:
        """All tokens, the latest first."""
        found = [ApiToken.model_validate_json(raw, extra=ANY_VERSION) for raw in await self._redis.hvals(TOKENS)]
        return sorted(found, key=lambda token: token.made_at, reverse=True)

    async def restore(self, since: Tails | None = None) -> None:
        """Fill Redis from the topic, or put what lies behind `since` on it back."""
        async for record in read_all(self._settings, STAFF.name, since):
            where = readable(STAFF.name, record.offset, partial(_place, record))
            if where and record.value:
                await self._redis.hset(*where, record.value)
            elif where:
                await self._redis.hdel(*where)

    async def _ensure(self) -> None:
        if not await self._redis.exists(ACCOUNTS):  # nobody yet, or Redis was wiped
            await self.restore()


def _place(record: Read) -> tuple[str, str]:
    """Where in Redis a record of the topic belongs. Raises ValueError when it belongs nowhere."""
    name = (record.key or b"").decode()
    if name.startswith(_TOKEN):
        if record.value:
            ApiToken.model_validate_json(record.value, extra=ANY_VERSION)
        return TOKENS, name.removeprefix(_TOKEN)
    if record.value and Account.model_validate_json(record.value, extra=ANY_VERSION).login != name:
        raise ValueError("the record's key is not its account's login")
    return ACCOUNTS, name
