"""The keys of a simulated Redis as plain Python values, for the laws."""

from typing import Any

from tests.simulation.fake_redis.server import SimRedis
from tests.simulation.fake_redis.values import Hash, Members


def plain(server: SimRedis) -> dict[str, Any]:
    """Each key's value: bytes, a dict of a hash, a set, or a dict of a sorted set's scores."""
    return {name.decode(): _plain(server.space.find(name)) for name in server.space.names()}


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a key holds
    if isinstance(value, bytes | Hash):
        return value
    return set(value) if isinstance(value, Members) else value.scores
