"""The accounts of the console: written to the compacted topic `staff` first, then to Redis."""

from typing import Any

from schemas.staff import Account
from streams.producer import Producer, Record
from streams.topics import STAFF

KEY = "staff"  # hash: login -> account


class Staff:
    """Every account, by login."""

    def __init__(self, redis: Any, producer: Producer) -> None:  # noqa: ANN401 - see streams/residents
        self._redis, self._producer = redis, producer

    async def put(self, account: Account) -> None:
        """Write an account, new or changed."""
        raw = account.model_dump_json().encode()
        await self._producer.send_all([Record(STAFF.name, account.login.encode(), raw)])
        await self._redis.hset(KEY, account.login, raw)

    async def get(self, login: str) -> Account | None:
        raw = await self._redis.hget(KEY, login)
        return None if raw is None else Account.model_validate_json(raw)

    async def all(self) -> list[Account]:
        """All accounts, by login."""
        found = [Account.model_validate_json(raw) for raw in await self._redis.hvals(KEY)]
        return sorted(found, key=lambda account: account.login)
