"""A client of the Redis that an address names: one server, or whichever its Sentinels name as the primary now."""

import re
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.exceptions import RedisError

from domain.epochs import Sentinels
from streams.redis_lean import Lean, lean

SENTINEL_PORT = 26379
# Tries again for about a second. With Sentinels each try to connect is itself tried again, so fewer make a second.
TRIES, TRIES_SENTINEL = 5, 3
SENTINEL_SECONDS = 1.0  # then the next Sentinel is asked
TIMES: dict[str, Any] = {"socket_timeout": 5, "socket_connect_timeout": 2}
CONNECTIONS = (
    1_000  # of a process: after an outage all that waited is under way at once, and redis-py refuses the 101st
)

# The form that prefect, redisvl, langchain and limits read: members with commas, then the service, then the database.
_SENTINELS = re.compile(
    r"(?P<scheme>rediss?)\+sentinel://(?P<login>[^@/?]*@)?(?P<members>[^@/?]+)/(?P<service>[^/?]+)"
    r"(?P<db>/\d+)?/?(?P<query>\?.*)?"
)


@dataclass(frozen=True, slots=True)
class Login:
    """Who comes to Redis and to its Sentinels, and the file of who vouches for them. What an address says wins."""

    user: str | None = None
    password: str | None = None
    sentinel_user: str | None = None
    sentinel_password: str | None = None
    ca: str | None = None

    def options(self, *, tls: bool, sentinel: bool = False) -> dict[str, Any]:
        """As redis-py takes them."""
        user, password = (self.sentinel_user, self.sentinel_password) if sentinel else (self.user, self.password)
        given = {"username": user, "password": password, "ssl_ca_certs": self.ca if tls else None}
        return {name: value for name, value in given.items() if value is not None}


NOBODY = Login()


@dataclass(frozen=True, slots=True)
class Watched:
    """A primary that Sentinels watch, and the options of the clients of both."""

    sentinels: tuple[tuple[str, int], ...]
    service: str
    primary_options: dict[str, Any]
    sentinel_options: dict[str, Any]

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read redis+sentinel://[user:password@]host:port,host:port/service/0, or rediss+sentinel:// over TLS.

        Options follow a question mark as in redis://; sentinel_username and sentinel_password are the Sentinels'.
        Raises ValueError that says what to write.
        """
        found = _SENTINELS.fullmatch(url)
        if found is None:
            raise ValueError("write Sentinels as redis+sentinel://host:26379,host:26379/service/0")
        plain = f"{found['scheme']}://{found['login'] or ''}primary{found['db'] or ''}{found['query'] or ''}"
        options: dict[str, Any] = dict(parse_url(plain))
        login = {name: options.pop(f"sentinel_{name}", None) for name in ("username", "password")}
        del options["host"]
        if options.pop("connection_class", None) is not None:
            options["ssl"] = True
        tls = {name: value for name, value in options.items() if name.startswith("ssl")}
        asked = {name: value for name, value in login.items() if value is not None} | tls
        return cls(tuple(map(_address, found["members"].split(","))), found["service"], options, asked)

    @property
    def tls(self) -> bool:
        return bool(self.primary_options.get("ssl"))


class _Pool(SentinelConnectionPool):
    """Closes the connections to the Sentinels with its own."""

    async def aclose(self) -> None:
        await super().aclose()
        await self.sentinel_manager.aclose()


def watched(url: str) -> bool:
    """Whether the address names Sentinels."""
    return "+sentinel:" in url


def check(url: str) -> None:
    """Raises ValueError that says what to write when the address cannot be read."""
    if watched(url):
        Watched.parse(url)
    else:
        parse_url(url)


def client(url: str, login: Login = NOBODY) -> "Redis":
    """A client that tries again for about a second before it raises redis.exceptions.ConnectionError.

    With Sentinels, each new connection is made to the primary that they name then; one to a server that has become
    a replica is given up at its first refusal to write.
    """
    if not watched(url):
        usual = {**TIMES, "max_connections": CONNECTIONS, **login.options(tls=url.startswith("rediss"))}
        return lean(Lean.from_url(url, retry=_retry(TRIES), protocol=3, **usual))
    found = Watched.parse(url)
    times = dict.fromkeys(TIMES, SENTINEL_SECONDS)
    known = login.options(tls=found.tls, sentinel=True) | found.sentinel_options
    asked = {**known, **times, "retry": Retry(NoBackoff(), 0), "decode_responses": True}
    sentinels: Any = Sentinel(found.sentinels, sentinel_kwargs=asked)  # type: ignore[no-untyped-call]
    options = {**TIMES, "max_connections": CONNECTIONS, **login.options(tls=found.tls), **found.primary_options}
    made: Redis = sentinels.master_for(found.service, Lean, _Pool, **options, retry=_retry(TRIES_SENTINEL), protocol=3)
    return lean(made)


async def sentinels_say(redis: "Redis") -> Sentinels:
    """Ask the Sentinels of a client, whose address names them, for the primary, as host:port."""
    pool: Any = redis.connection_pool
    named: list[str] = []
    for sentinel in pool.sentinel_manager.sentinels:
        try:
            host, port = await sentinel.sentinel_get_master_addr_by_name(pool.service_name) or ("", "")
        except (RedisError, OSError):
            continue
        named.append(f"{host}:{port}" if host else "")
    known = [name for name in named if name]
    primary = max(known, key=known.count, default="")
    return Sentinels(len(pool.sentinel_manager.sentinels), len(named), primary, known.count(primary))


def has_sentinels(redis: "Redis") -> bool:
    """Whether the client was made from an address that names Sentinels."""
    return isinstance(redis.connection_pool, SentinelConnectionPool)


def _retry(tries: int) -> Retry:
    return Retry(ExponentialBackoff(cap=0.5, base=0.02), retries=tries)


def _address(member: str) -> tuple[str, int]:
    parts = urlsplit(f"//{member.strip()}")
    if not parts.hostname:
        raise ValueError(f"{member!r} is no Sentinel: write host:26379")
    return parts.hostname, parts.port or SENTINEL_PORT
