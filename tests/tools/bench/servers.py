"""The servers to measure on: an Apache Kafka and Debian's Redis, or the embedded ones; empty topics on them."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from unittest.mock import patch

from streams.channels.settings import ChannelSettings
from streams.messaging import topics
from streams.runtime.embedded import Embedded
from streams.runtime.settings import Settings
from tests.tools.installation_keys import KEYS
from tests.tools.servers.kafka import Kafka
from tests.tools.servers.redis import RedisServer

SECRET = "bench" * 8
RECEIPTS_SECRET = ",".join(f"{channel}:{channel}{SECRET}" for channel in ChannelSettings().signers())
READY_SECONDS = 30.0

Servers = Callable[[Path], AbstractContextManager[Settings]]


@contextmanager
def real(folder: Path, partitions: int = 4) -> Iterator[Settings]:
    """One broker and one Redis with its append-only file, as one node of a province has them."""
    # Embedded it is derived: here it is the workers' and the carriers'.
    secret = patch.dict(os.environ, QUANZU_RECEIPTS_SECRET=RECEIPTS_SECRET)
    with secret, Kafka(folder) as kafka, RedisServer(folder / "redis") as redis:
        yield _ready(
            Settings(
                kafka=kafka.address,
                redis=redis.url,
                replication=1,
                partitions=partitions,
                secret=SECRET,
                keys=KEYS,
                data=folder / "data",
                metrics_port=0,
                http_port=0,
                log_level="WARNING",
                app_id="bench",
            )
        )


@contextmanager
def embedded(folder: Path, partitions: int = 4) -> Iterator[Settings]:
    """Tansu and Valkey, as for trying out."""
    base = Settings(
        partitions=partitions,
        secret=SECRET,
        keys=KEYS,
        metrics_port=0,
        http_port=0,
        log_level="WARNING",
        app_id="bench",
    )
    with Embedded(folder / "data") as servers:
        yield _ready(servers.settings(base))


BOTH: dict[str, Servers] = {"real": real, "embedded": embedded}


def _ready(settings: Settings) -> Settings:
    """Return when all topics are there: a broker learns of each in its own time."""
    topics.create(settings)
    until = time.monotonic() + READY_SECONDS
    while wrong := topics.check(settings):
        if time.monotonic() > until:
            raise TimeoutError("\n".join(wrong))
        time.sleep(0.1)
    return settings
