"""What must be true before a growth begins: intake is closed, everything is processed, and no process runs.

A console that still runs cannot be recognised. What it writes while the topics are copied is noticed by the offsets
(see steps).
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from redis.asyncio import Redis

from domain.consistency.growth import unapplied
from schemas.base import ANY_VERSION
from schemas.casework.inputs import Hold
from schemas.channels.webhooks import Webhook
from streams.casework.failover import PartitionOwners
from streams.channels.webhooks import CLOCKS_APART, Webhooks
from streams.messaging import topics
from streams.messaging.offsets import beginning_offsets, end_offsets, offset_at
from streams.operations.drain import CONSUMED, unprocessed
from streams.operations.growth import broker
from streams.operations.growth.copies import GrowthError
from streams.operations.growth.moved_keys import lane_keys
from streams.runtime.settings import Settings
from streams.state.case_store import CaseStore
from streams.state.keys import DRAINING, key, milliseconds

WORKED_OFF = (*CONSUMED, topics.REPORTED_FRAUDS)
DRAIN = "Start the workers, let `quanzu admin drain` finish, stop every process, and run this again"


class ReadyState(NamedTuple):
    """The state in which a growth begins: the hash of the policy and the holds in force in all partitions, by partition
    the offset after the last input, all of which are applied, and the names of the consumer groups that follow the
    journal.
    """

    policy: str
    holds: list[Hold]
    inputs: list[int]
    groups: list[str]


async def require_ready(settings: Settings, redis: "Redis") -> ReadyState:
    """Return the state of an installation that may grow.

    Raises GrowthError that says what to do first if the topics are not as they must be, intake is open, a process is in
    a consumer group, a worker still owns a partition, something is not processed, or the partitions' rules differ;
    AccessError if Kafka refuses access; and RedisError, KafkaError or OSError if a server is unavailable.
    """
    client: Any = redis  # redis-py types each result as sync or async
    if wrong := await asyncio.to_thread(topics.check, settings):
        raise GrowthError("the topics are not as they must be:\n" + "\n".join(wrong))
    if not await client.exists(DRAINING):
        raise GrowthError("intake is open. Close it with `quanzu admin drain`, and let it finish")
    await _require_unowned(settings, redis)
    groups = await _require_idle(settings, client)
    await _require_processed(settings)
    inputs = await _require_applied(settings, redis)
    policy, holds = await _rules(client, settings.partitions)
    return ReadyState(policy, holds, inputs, groups)


async def _require_unowned(settings: Settings, redis: "Redis") -> None:
    silent = await PartitionOwners(settings, redis).silent()
    if owned := [str(partition) for partition in range(settings.partitions) if partition not in silent]:
        raise GrowthError(
            f"workers run: partitions {', '.join(owned)} have an owner. Stop the workers, and run this again"
        )


async def _require_idle(settings: Settings, redis: Any) -> list[str]:  # noqa: ANN401 - as below
    """Return the groups that follow the journal: the workers', and those of the webhooks that exist."""
    found = await asyncio.to_thread(broker.groups, settings)
    if busy := [name for name, members in found.items() if members]:
        raise GrowthError(
            f"processes run: the consumer group {busy[0]} has members. Stop the workers, the console and intake; a "
            "process that was killed is a member for some seconds more"
        )
    left = await _journal_left(settings, settings.app_id, None)
    if left:
        raise GrowthError(f"the group {settings.app_id} has {left:,} records of the journal before it. {DRAIN}")
    own = [] if left is None else [settings.app_id]
    return own + [await _followed(settings, webhook) for webhook in await _webhooks(redis)]


async def _webhooks(redis: Any) -> list[Webhook]:  # noqa: ANN401 - redis-py types each result as sync or async
    stored = await redis.hvals(Webhooks.place.hash)
    return [Webhook.model_validate_json(each, extra=ANY_VERSION) for each in stored]


async def _followed(settings: Settings, webhook: Webhook) -> str:
    """Return the webhook's group. Raises GrowthError if events are still to be sent to it."""
    group = f"{settings.app_id}-{webhook.id}"
    if left := await _journal_left(settings, group, webhook.made_at - CLOCKS_APART):
        do = f"Webhook {webhook.id} is paused: resume or delete it in the console. " if webhook.paused else ""
        raise GrowthError(f"the group {group} has {left:,} records of the journal before it. {do}{DRAIN}")
    return group


async def _journal_left(settings: Settings, group: str, since: datetime | None) -> int | None:
    """Return how many records of the journal a group has before it; None if it does not follow the journal.

    `since`: in a partition of which the group has committed nothing, records from this time on count; None: none do.
    """
    journal = topics.CASE_EVENTS.name
    done = await asyncio.to_thread(broker.committed, settings, group)
    mine = {partition: offset for (topic, partition), offset in done.items() if topic == journal}
    if not mine and since is None:
        return None
    left = 0
    for partition, end in (await end_offsets(settings, journal)).items():
        if partition in mine:
            left += max(0, end - mine[partition])
        elif since is not None and settings.clock is None:  # a demo's records do not have Kafka's times
            left += end - await offset_at(settings, journal, partition, milliseconds(since))
    return left


async def _require_processed(settings: Settings) -> None:
    done = await asyncio.to_thread(broker.committed, settings, settings.app_id)
    for topic in WORKED_OFF:
        begins, ends = await beginning_offsets(settings, topic.name), await end_offsets(settings, topic.name)
        left = sum(unprocessed(begins[each], done.get((topic.name, each)), end) for each, end in ends.items())
        if left:
            raise GrowthError(f"topic {topic.name} has {left:,} records that are not processed. {DRAIN}")


async def _require_applied(settings: Settings, redis: "Redis") -> list[int]:
    store, client = CaseStore(redis), redis
    ends = await end_offsets(settings, topics.CASE_INPUTS.name)
    inputs = [ends[partition] for partition in range(settings.partitions)]
    applied: list[int | None] = []
    for partition in range(settings.partitions):
        stand = await store.position(partition)
        if stand.offset is None or stand.older or await store.outbox(partition) or await _owes(client, partition):
            raise GrowthError(f"the store of partition {partition} is not complete. {DRAIN}")
        applied.append(stand.offset)
    if left := unapplied(inputs, applied):
        partition, count = next(iter(left.items()))
        raise GrowthError(f"partition {partition} has {count:,} inputs that are not applied. {DRAIN}")
    return inputs


async def _owes(redis: Any, partition: int) -> bool:  # noqa: ANN401 - redis-py types each result as sync or async
    """Return whether signals of the partition are still to be screened again after a loss of Redis."""
    return bool(await redis.exists(*lane_keys("owed", partition)))


async def _rules(redis: Any, partitions: int) -> tuple[str, list[Hold]]:  # noqa: ANN401 - as above
    found: list[tuple[str, dict[str, bytes]]] = []
    for partition in range(partitions):
        policy = await redis.hget(key("state", partition), "policy")
        holds = await redis.hgetall(key("holds", partition))
        found.append((policy.decode() if policy else "", {name.decode(): value for name, value in holds.items()}))
    _refuse_different(found)
    policy, held = found[0]
    return policy, [Hold.model_validate_json(held[name], extra=ANY_VERSION) for name in sorted(held)]


def _refuse_different(found: Sequence[tuple[str, dict[str, bytes]]]) -> None:
    if any(each != found[0] for each in found):
        raise GrowthError(
            "the partitions have different policies or holds, as while one is put in force. Wait until all have the "
            f"same (`quanzu policy status`). {DRAIN}"
        )
