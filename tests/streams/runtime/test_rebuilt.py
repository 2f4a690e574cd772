"""A store rebuilt by the command from the journal is the one that was lost, key by key."""

from pathlib import Path

from streams.runtime.embedded import Embedded
from streams.runtime.settings import Settings
from tests.tools.field.faults.rebuild import run
from tests.tools.servers.redis import RedisServer


def test_a_province_whose_redis_was_wiped_is_rebuilt_to_the_same_store(tmp_path: Path) -> None:
    with Embedded(tmp_path / "embedded") as embedded, RedisServer(tmp_path / "redis") as server:
        settings = embedded.settings(Settings(partitions=2)).model_copy(update={"redis": server.url})
        found = run(settings, server, cases=60, rounds=6)
    kept = ("cases", "applied", "deadlines", "queue", "settled", "ledger", "books", "counts", "awaited", "watch")
    assert all(found["members"][name] for name in kept)
    assert found["differences"] == {}
