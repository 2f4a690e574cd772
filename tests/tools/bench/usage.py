"""What a run uses of its workers, of Redis and of the broker: processor, memory, bytes over the network, on disk."""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import psutil
from redis import Redis

from streams.runtime.settings import Settings
from tests.tools.field.load.overload import cpu_seconds
from tests.tools.servers.process import need

_SENT, _RECEIVED = re.compile(r"bytes_sent:(\d+)"), re.compile(r"bytes_received:(\d+)")


@dataclass(frozen=True, slots=True)
class Usage:
    """So far: CPU seconds; bytes into and out of Redis and the broker. `memory`: bytes of Redis, now."""

    worker: float
    redis: float
    broker: float
    to_redis: float
    from_redis: float
    to_broker: float
    from_broker: float
    memory: float

    def since(self, before: Self) -> Self:
        """What was used in between, and how much more memory there is."""
        return type(self)(*(getattr(self, name) - getattr(before, name) for name in _names()))

    def times(self, factor: float) -> Self:
        """So many times as much."""
        return type(self)(*(getattr(self, name) * factor for name in _names()))


def _names() -> list[str]:
    return [field.name for field in fields(Usage)]


def usage(settings: Settings, workers: Sequence[int]) -> Usage:
    """Of worker processes with these numbers, and of the settings' servers: the broker is a child of this process.

    Of the broker the connections that are open now: what was sent on those that are closed is not in it.
    """
    with Redis.from_url(settings.redis or "") as redis:
        info: Any = {name: value for part in ("cpu", "memory", "stats") for name, value in redis.info(part).items()}
    brokers = [each for each in psutil.Process().children(recursive=True) if each.name() == "java"]
    return Usage(
        cpu_seconds(workers),
        info["used_cpu_user"] + info["used_cpu_sys"],
        cpu_seconds([each.pid for each in brokers]),
        info["total_net_input_bytes"],
        info["total_net_output_bytes"],
        *_broker_bytes(settings),
        info["used_memory"],
    )


def topic_bytes(folder: Path) -> dict[str, int]:
    """Bytes of each topic's log on the broker whose folder lies in `folder`, without indices."""
    found: dict[str, int] = {}
    for log in folder.glob("broker-1/*/*.log"):
        topic = log.parent.name.rpartition("-")[0]
        found[topic] = found.get(topic, 0) + log.stat().st_size
    return found


def _broker_bytes(settings: Settings) -> tuple[int, int]:
    """Into and out of the broker."""
    need("ss")
    ports = [broker.rpartition(":")[2] for broker in settings.brokers]
    chosen = " or ".join(f"sport = :{port}" for port in ports)
    said = subprocess.run(["ss", "-tinH", f"( {chosen} )"], capture_output=True, text=True, check=True).stdout
    return sum(map(int, _RECEIVED.findall(said))), sum(map(int, _SENT.findall(said)))
