"""Which topics Redis' offsets are of: a topic that is made anew under its name has another id in Kafka.

Its records get the offsets of those that were lost. Once it has grown beyond the offset that Redis has, only the id
shows that the first ones are new, and were not applied.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka.errors import KafkaConnectionError
from kafka.errors import KafkaError
from redis.asyncio import Redis

from streams.messaging.kafka_client import admin
from streams.runtime.settings import Settings
from streams.state.keys import TOPIC_IDS
from streams.state.partition_state import AheadError


class TopicIds:
    """Compares topics' ids in Kafka with those in Redis. Of a broker that gives none (Kafka before 2.8) nothing is
    checked.
    """

    def __init__(self, settings: Settings, redis: "Redis") -> None:
        self._settings = settings
        self._redis: Any = redis  # redis-py types a command's result as sync or async at once

    async def check(self, *names: str) -> None:
        """Store the ids of these topics in Redis where it has none.

        Raises AheadError if a topic has another id than the one in Redis: it was made anew, and offsets in Redis are of
        the topic before. Raises AccessError if Kafka refuses access, and aiokafka's KafkaError or OSError if it does
        not answer. Errors of Redis pass through.
        """
        for name, found in (await ids_of(self._settings, names)).items():
            await self._redis.hsetnx(TOPIC_IDS, name, found)
            if await self._redis.hget(TOPIC_IDS, name) != found.encode():
                raise AheadError(
                    f"{name} was made anew: Redis has offsets of the topic before, and new records have the same ones. "
                    "Restore that topic. Or start over: after the loss of case-inputs with `quanzu admin rebuild "
                    "--new-log`; after the loss of a topic of signals, empty Redis, and workers fill it anew"
                )

    async def renew(self, name: str) -> None:
        """Let the topic be the one that offsets in Redis are of from now on. Raises the errors of `check`, but not
        AheadError.
        """
        for topic, found in (await ids_of(self._settings, [name])).items():
            await self._redis.hset(TOPIC_IDS, topic, found)


async def ids_of(settings: Settings, names: Sequence[str]) -> dict[str, str]:
    """Return the ids of these topics by name. A topic that is missing, or whose id the broker does not give, is left
    out. Raises AccessError if Kafka refuses access, and aiokafka's KafkaError or OSError if it does not answer.

    aiokafka (0.14) does not ask for ids; kafka-python does.
    """
    try:
        return await asyncio.to_thread(_asked, settings, names)
    except KafkaError as error:  # kafka-python's own
        raise KafkaConnectionError(str(error)) from error


def _asked(settings: Settings, names: Sequence[str]) -> dict[str, str]:
    with admin(settings) as asked:
        found = asked.describe_topics(list(names))
    return {each["name"]: each["topic_id"] for each in found if not each["error_code"] and _given(each.get("topic_id"))}


def _given(found: object) -> bool:
    """Return True if this is an id: a broker without ids gives none, or zeros."""
    return bool(found) and bool(str(found).strip("0-"))
