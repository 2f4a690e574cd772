"""Sessions: an opaque token in the browser's cookie, its hash in Redis. Who loses one signs in anew."""

import hashlib
import secrets
from typing import Any

import orjson
from fastapi import Request
from starlette.responses import Response

from console.web.auth.staff import Staff
from console.web.settings import ConsoleSettings
from console.web.who import Who
from schemas.staff import Account

COOKIE = "__Host-quanzu"
KEY = "session:"  # and the token's hash -> login and epoch


class Sessions:
    """Begins, finds and ends sessions."""

    def __init__(self, redis: Any, staff: Staff, settings: ConsoleSettings) -> None:  # noqa: ANN401 - see streams/residents
        self._redis, self._staff, self._settings = redis, staff, settings

    async def begin(self, account: Account) -> str:
        """A new session's token."""
        token = secrets.token_urlsafe(32)
        value = orjson.dumps({"login": account.login, "epoch": account.epoch})
        await self._redis.set(KEY + hashed(token), value, ex=self._settings.session_minutes * 60)
        return token

    async def of(self, request: Request) -> Who | None:
        """Who is signed in; the session is used, and lasts."""
        token = request.cookies.get(COOKIE)
        return await self.find(token) if token else None

    async def find(self, token: str) -> Who | None:
        """Whose session a token is; none when it ended, or the account changed so that it must."""
        name = hashed(token)
        raw = await self._redis.getex(KEY + name, ex=self._settings.session_minutes * 60)
        if raw is None:
            return None
        kept = orjson.loads(raw)
        account = await self._staff.get(kept["login"])
        if account is None or account.disabled or account.epoch != kept["epoch"]:
            return None
        return Who(
            account.login, account.name, account.role, account.area, account.station, account.officer, session=name
        )

    async def end(self, token: str) -> None:
        """Sign out."""
        await self._redis.delete(KEY + hashed(token))


def hashed(token: str) -> str:
    """What is kept of a token: whoever reads Redis cannot sign in with it."""
    return hashlib.sha256(token.encode()).hexdigest()


def give(response: Response, token: str) -> None:
    """Let the browser keep the token, where no script reads it and no other page sends it."""
    response.set_cookie(COOKIE, token, secure=True, httponly=True, samesite="strict", path="/")
