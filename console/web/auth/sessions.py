"""Sessions: the browser's cookie has a random token, Redis has its hash. If Redis is lost, people sign in again.

A session ends after a time without an act of the person, after a maximum time (both by the wall clock), on sign-out,
and when a change of the account raises its epoch. Requests that an open page makes by itself (its streams, its renewed
parts) are not acts. Programs use API tokens (auth/tokens.py) instead.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import orjson
from fastapi import Request
from starlette.responses import Response

from console.web.auth import tokens
from console.web.auth.who import Who
from console.web.kit.settings import ConsoleSettings
from domain.access.step_up import SignedInBy
from schemas.people.staff import Account, StaffRole
from streams.repositories.staff import Staff
from streams.runtime.clock import Wall
from streams.state.keys import SESSION, SESSIONS_OF

COOKIE = "__Host-quanzu"
AGENT = 200  # stored characters of the User-Agent header
BEARER = "bearer "
WAITING = frozenset({StaffRole.DISPLAY, StaffRole.OFFICER})  # a wall and a telephone in a pocket wait for events


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session as stored in Redis. `began`: seconds since 1970 (wall clock); `epoch`: the account's number at sign-in,
    which a change that ends sessions raises; `agent`: the browser's User-Agent.
    """

    login: str
    epoch: int
    began: float
    how: str  # a SignedInBy (domain/access/step_up.py)
    address: str
    agent: str


@dataclass(frozen=True, slots=True)
class Session:
    """A session as shown to its owner. `id`: the hash of the token; `began`, `used` (the last act): times in UTC."""

    id: str
    began: datetime
    used: datetime
    how: str
    address: str
    agent: str


class Sessions:
    """Begins, finds and ends sessions, which are stored in Redis."""

    def __init__(self, redis: Any, staff: Staff, settings: ConsoleSettings, wall: Wall) -> None:  # noqa: ANN401 - see streams/repositories/residents
        self._redis, self._staff, self._wall = redis, staff, wall
        self._idle, self._whole = settings.session_minutes * 60, settings.session_hours * 3600
        self._waiting = settings.waiting_hours * 3600

    async def begin(
        self, account: Account, how: SignedInBy = SignedInBy.PASSWORD, address: str = "", agent: str = ""
    ) -> str:
        """Begin a session of an account and return its token, for the cookie. `how`: the way in which the person signed
        in; `address`: the client's address; `agent`: the browser's User-Agent. The last two are shown to the person in
        the list of sessions. Errors of Redis pass through.
        """
        token = secrets.token_urlsafe(32)
        name, began = hashed(token), self._wall.time()
        kept = StoredSession(account.login, account.epoch, began, how.value, address, agent[:AGENT])
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.set(SESSION + name, orjson.dumps(asdict(kept)), ex=self._idle_of(account))
            pipe.zadd(SESSIONS_OF + account.login, {name: began})
            pipe.zremrangebyscore(SESSIONS_OF + account.login, "-inf", began - self._whole)
            pipe.expire(SESSIONS_OF + account.login, self._whole)
            await pipe.execute()
        return token

    async def of(self, request: Request, acts: bool = False) -> Who | None:
        """Return the person or program that sends the request, by bearer token or else by session cookie; None if
        neither is valid. The cookie is ignored if the request has a bearer token, even an invalid one. `acts`: True
        restarts the session's idle time, because a person sent the request. Errors of Redis pass through.
        """
        if (given := self.bearer(request)) is not None:
            return await self._bearer(given)
        token = request.cookies.get(COOKIE)
        return await self.find(token, acts) if token else None

    def bearer(self, request: Request) -> str | None:
        """Return the request's bearer token, "" if it is empty, or None if the request has none."""
        given = request.headers.get("authorization", "")
        return given[len(BEARER) :].strip() if given[: len(BEARER)].lower() == BEARER else None

    async def find(self, token: str, acts: bool = False) -> Who | None:
        """Return the person whose session has this token; None if the session has ended. `acts`: True restarts the
        session's idle time.

        The session is ended now if its maximum time is over, or if the account was disabled, removed or changed so that
        its sessions end. Errors of Redis pass through.
        """
        name = hashed(token)
        kept = await self.stored(name)
        if kept is None:
            return None
        account = await self._staff.get(kept.login)
        if account is None or not _may_sign_in(account) or account.epoch != kept.epoch or self._over(kept):
            await self._forget(kept.login, name)
            return None
        if acts:
            await self._redis.expire(SESSION + name, self._idle_of(account))
        return _who(account, name)

    async def end(self, token: str) -> None:
        """End the session with this token, if it exists. Errors of Redis pass through."""
        kept = await self.stored(hashed(token))
        if kept is not None:
            await self._forget(kept.login, hashed(token))

    async def end_one(self, login: str, session: str) -> bool:
        """End the session with this id of a login. Return False if the login does not have the session. Errors of Redis
        pass through.
        """
        kept = await self.stored(session)
        if kept is None or kept.login != login:
            return False
        await self._forget(login, session)
        return True

    async def of_login(self, account: Account) -> list[Session]:
        """Return the account's open sessions, the latest begun first. Errors of Redis pass through."""
        names = [name.decode() for name in await self._redis.zrange(SESSIONS_OF + account.login, 0, -1, desc=True)]
        async with self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.get(SESSION + name)
                pipe.ttl(SESSION + name)
            found = await pipe.execute()
        read = [
            (name, StoredSession(**orjson.loads(raw)), ttl)
            for name, raw, ttl in zip(names, found[::2], found[1::2], strict=True)
            if raw
        ]
        return [
            self._session(account, name, kept, ttl)
            for name, kept, ttl in read
            if kept.epoch == account.epoch and not self._over(kept)
        ]

    async def signed_in(self, accounts: Sequence[Account]) -> set[str]:
        """Return the logins of those among `accounts` that have an open session now. Errors of Redis pass through."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for account in accounts:
                pipe.zrange(SESSIONS_OF + account.login, 0, -1)
            names = await pipe.execute()
        of = [(account, name.decode()) for account, found in zip(accounts, names, strict=True) for name in found]
        raws = await self._redis.mget([SESSION + name for _, name in of]) if of else []
        kept = [
            (account, StoredSession(**orjson.loads(raw))) for (account, _), raw in zip(of, raws, strict=True) if raw
        ]
        return {
            account.login
            for account, each in kept
            if each.epoch == account.epoch and _may_sign_in(account) and not self._over(each)
        }

    async def _bearer(self, token: str) -> Who | None:
        kept = await self._staff.token(tokens.id_of(token) or "")
        if kept is None or not tokens.fits(token, kept):
            return None
        account = await self._staff.get(kept.login)
        if account is None or not tokens.token_in_force(kept, account, self._wall.now()):
            return None
        return replace(_who(account, tokens.SESSION + kept.id), scopes=frozenset(kept.scopes), token=kept.id)

    async def stored(self, session: str) -> StoredSession | None:
        """Return the session whose token has the hash `session`; None if Redis does not have it, because it was ended
        or its idle time is over. The maximum time and the account are not checked here, only by `find`. Errors of Redis
        pass through.
        """
        raw = await self._redis.get(SESSION + session)
        return None if raw is None else StoredSession(**orjson.loads(raw))

    async def _forget(self, login: str, session: str) -> None:
        await self._redis.delete(SESSION + session)
        await self._redis.zrem(SESSIONS_OF + login, session)

    def _over(self, kept: StoredSession) -> bool:
        return self._wall.time() >= kept.began + self._whole

    def _idle_of(self, account: Account) -> int:
        return self._waiting if account.role in WAITING else self._idle

    def _session(self, account: Account, name: str, kept: StoredSession, ttl: int) -> Session:
        used = max(kept.began, self._wall.time() - (self._idle_of(account) - ttl))
        return Session(name, _moment(kept.began), _moment(used), kept.how, kept.address, kept.agent)


def hashed(token: str) -> str:
    """Return the SHA-256 (hex) of a token. Redis stores only this hash, so that a reader of Redis cannot sign in."""
    return hashlib.sha256(token.encode()).hexdigest()


def give(response: Response, token: str) -> None:
    """Set the session cookie on the response: not readable by scripts, not sent with requests from other sites."""
    response.set_cookie(COOKIE, token, secure=True, httponly=True, samesite="strict", path="/")


def take_back(response: Response) -> None:
    """Delete the session cookie and the page's storage, which holds tasks on an officer's telephone."""
    response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="strict", path="/")
    response.headers["Clear-Site-Data"] = '"storage"'


def _may_sign_in(account: Account) -> bool:
    """Return True if the account may have sessions. A disabled account and a program's account may not."""
    return not account.disabled and account.role is not StaffRole.SERVICE


def _who(account: Account, session: str) -> Who:
    return Who(account.login, account.name, account.role, account.area, account.station, account.officer, session)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
