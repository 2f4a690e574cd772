"""Makes the Redis client for an address: of one server, or of the primary that its Sentinels currently name."""

from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.exceptions import RedisError

from domain.consistency.epochs import Sentinels
from streams.runtime.redis_address import NOBODY, Login, Watched, watched
from streams.state.redis_lean import Lean, lean

# Retries for about a second. With Sentinels, each connection attempt is itself retried, so fewer make a second.
TRIES, TRIES_SENTINEL = 5, 3
SENTINEL_SECONDS = 1.0  # the timeout after which the next Sentinel is asked
TIMES: dict[str, Any] = {"socket_timeout": 5, "socket_connect_timeout": 2}
CONNECTIONS = (
    1_000  # for each process: after an outage all waiting work runs at once, and redis-py's default limit is 100
)


class _Pool(SentinelConnectionPool):
    """A pool that also closes its connections to the Sentinels."""

    async def aclose(self) -> None:
        await super().aclose()
        await self.sentinel_manager.aclose()


def client(url: str, login: Login = NOBODY) -> "Redis":
    """Return a client whose commands are retried for about a second before they raise
    redis.exceptions.ConnectionError.

    `url`: of one Redis, or of its Sentinels. With Sentinels, each new connection goes to the primary that they name
    at that time; a connection to a server that has become a replica is closed when the server first refuses a write.
    Raises ValueError if `url` is invalid.
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
    """Ask each of the client's Sentinels which server is the primary.

    Returns the number of Sentinels, the number that answered, the host:port that most of them name ("" if none names
    a primary), and the number of those that name it.
    """
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
    """Return True if the client finds its primary through Sentinels."""
    return isinstance(redis.connection_pool, SentinelConnectionPool)


def _retry(tries: int) -> Retry:
    return Retry(ExponentialBackoff(cap=0.5, base=0.02), retries=tries)
