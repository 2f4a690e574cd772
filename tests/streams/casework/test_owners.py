"""A partition is silent when its owner's last heartbeat is over, by whatever clock it was written."""

from streams.casework.failover import SILENT_MS, PartitionOwners
from streams.runtime.settings import Settings
from streams.state.case_store import connect
from streams.state.keys import key


async def test_a_heartbeat_of_a_clock_that_was_ahead_does_not_make_a_dead_owner_alive(settings: Settings) -> None:
    redis = connect(settings)
    owners = PartitionOwners(settings, redis)
    await owners.heartbeat([0, 1])
    assert {0, 1}.isdisjoint(await owners.silent())
    await redis.set(key("owned", 1), 1, px=SILENT_MS + 600_000)
    assert 1 in await owners.silent()
    assert 0 not in await owners.silent()
    await redis.aclose()
