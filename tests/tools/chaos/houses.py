"""The servers of a round: three brokers and a Redis, or a pair with Sentinels; or embedded ones on a small disk."""

import asyncio
import secrets
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from streams.runtime.embedded import Embedded
from streams.runtime.settings import Settings
from tests.tools.installation_keys import KEYS
from tests.tools.servers.faketime import MachineClock
from tests.tools.servers.kafka import Kafka
from tests.tools.servers.redis import RedisPair, RedisServer

DISK = "48m"  # of an embedded round's data folder: several times what a round writes


class House(StrEnum):
    """On which servers a round runs."""

    REDIS = "redis"  # three brokers and a Redis
    SENTINEL = "sentinel"  # three brokers, a primary with its replica and Sentinels
    EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True)
class Servers:
    """What runs. `settings` lead through proxies where there are any; `folder` holds the data of the round."""

    settings: Settings
    folder: Path
    kafka: Kafka | None = None
    redis: RedisServer | None = None
    pair: RedisPair | None = None
    vault: RedisServer | None = None

    @property
    def brokers(self) -> str:
        """Kafka's address, past the proxies."""
        return self.kafka.address if self.kafka else str(self.settings.kafka)

    def client(self) -> Any:  # noqa: ANN401 - redis-py types a command's result as sync or async at once
        """A client of the Redis that is in charge now, past the proxies; a context."""
        server = self.pair.primary if self.pair else self.redis
        return Redis.from_url(server.url if server else str(self.settings.redis), protocol=3)


@asynccontextmanager
async def servers(
    house: House, kafka: Kafka | None, folder: Path, *, sealed: bool = False, clock: MachineClock | None = None
) -> AsyncIterator[Servers]:
    """Servers for one round, empty. `kafka` is kept from round to round; embedded rounds need none.

    `sealed`: with a vault, so that what tells of a person is sealed; embedded rounds have none. `clock`: of the machine
    of a Redis that stands alone.
    """
    async with AsyncExitStack() as stack:
        if house is House.EMBEDDED:
            disk = stack.enter_context(small_disk(folder / "disk"))
            embedded = await stack.enter_async_context(Embedded(disk))
            yield Servers(embedded.settings(Settings(http_port=0)), disk)
            return
        if kafka is None:
            raise ValueError(f"a round on {house} needs brokers")
        resetting = asyncio.to_thread(_emptied, kafka)
        vault = stack.enter_context(RedisServer(folder / "vault", synced="always")) if sealed else None
        if house is House.SENTINEL:
            pair, _ = await asyncio.gather(asyncio.to_thread(RedisPair(folder / "redis").__enter__), resetting)
            stack.callback(pair.close)
            yield Servers(_settings(kafka, pair.url, vault, folder), folder, kafka, pair=pair, vault=vault)
            return
        redis, _ = await asyncio.gather(asyncio.to_thread(RedisServer(folder / "redis", clock).__enter__), resetting)
        stack.callback(redis.close)
        yield Servers(_settings(kafka, redis.proxied, vault, folder), folder, kafka, redis, vault=vault)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A tmpfs of DISK, whose logs stay beside it; needs root. Raises CalledProcessError where it cannot be mounted."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        for log in folder.rglob("*.log"):
            shutil.copyfile(log, folder.with_name(f"{log.parent.name}-{log.name}"))
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _emptied(kafka: Kafka) -> None:
    kafka.mend()
    kafka.reset()


def _settings(kafka: Kafka, redis: str, vault: RedisServer | None, folder: Path) -> Settings:
    return Settings.model_validate(
        {
            "kafka": kafka.proxied,
            "redis": redis,
            "vault": vault.url if vault else None,
            "replication": min(3, len(kafka.nodes)),
            "secret": secrets.token_hex(16),
            "keys": KEYS,
            "data": folder,
            "http_port": 0,
        }
    )
