"""Short-lived records of a browser that has not signed in yet: stored in Redis for some minutes, found by a cookie."""

import secrets
from typing import Any, Literal

import orjson
from fastapi import Request
from starlette.responses import Response

from console.web.auth.sessions import hashed
from streams.state.keys import UNDER_WAY

MINUTES = 10
Record = dict[str, Any]


class UnderWay:
    """Records of one kind, each found by the browser's cookie.

    `same_site`: "lax" if the record must be found after another site's redirect, as with an OpenID provider; else
    "strict".
    """

    def __init__(self, redis: Any, kind: str, same_site: Literal["lax", "strict"]) -> None:  # noqa: ANN401 - see streams/repositories/residents
        self._redis, self._kind, self._same_site = redis, kind, same_site
        self.cookie = f"__Host-quanzu-{kind}"

    async def begin(self, response: Response, record: Record) -> None:
        """Store a new record for MINUTES minutes, and set its cookie on the response. Errors of Redis pass through."""
        token = secrets.token_urlsafe(32)
        await self._redis.set(self._key(token), orjson.dumps(record), ex=MINUTES * 60)
        response.set_cookie(
            self.cookie, token, MINUTES * 60, path="/", secure=True, httponly=True, samesite=self._same_site
        )

    async def of(self, request: Request) -> Record | None:
        """Return the record that the browser's cookie names; None if the cookie is missing or the record has expired.
        Errors of Redis pass through.
        """
        raw = await self._redis.get(self._key(request.cookies.get(self.cookie, "")))
        return None if raw is None else self._read(raw)

    def id_of(self, request: Request) -> str:
        """Return the hash of the browser's cookie, which identifies its record; without a cookie, the hash of ""."""
        return hashed(request.cookies.get(self.cookie, ""))

    async def keep(self, request: Request, record: Record) -> None:
        """Replace the browser's record if it still exists. Its expiry is unchanged. Errors of Redis pass through."""
        key = self._key(request.cookies.get(self.cookie, ""))
        await self._redis.set(key, orjson.dumps(record), xx=True, keepttl=True)

    async def take(self, request: Request, response: Response | None = None) -> Record | None:
        """Remove the browser's record and return it; None if there is none. Of two concurrent calls only one gets the
        record. Deletes the cookie on `response`, if one is given. Errors of Redis pass through.
        """
        raw = await self._redis.getdel(self._key(request.cookies.get(self.cookie, "")))
        if response is not None:
            response.delete_cookie(self.cookie, path="/", secure=True, httponly=True, samesite=self._same_site)
        return None if raw is None else self._read(raw)

    def _key(self, token: str) -> str:
        return f"{UNDER_WAY}{self._kind}:{hashed(token)}"

    def _read(self, raw: bytes) -> Record:
        found: Record = orjson.loads(raw)
        return found
