"""Where a webhook begins on a real Kafka: the embedded broker does not know which record was written when."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

import orjson
import pytest
from redis.asyncio import Redis

from schemas.casework.events import CaseEvent
from schemas.channels.webhooks import Webhook
from streams.channels import webhooks as sending
from streams.channels.pinned import PinnedTransport
from streams.channels.webhooks import Webhooks, WebhookSender, new_id
from streams.messaging import topics
from streams.messaging.producer import Record
from streams.runtime.settings import Settings
from streams.security.encrypted_kafka import make_producer
from tests.console.programs.test_webhooks_out import Program, program
from tests.domain.builders import NOON
from tests.domain.casework.journal import red_with_money
from tests.tools.installation_keys import KEYS
from tests.tools.servers.kafka import Kafka
from tests.tools.servers.process import wait_for
from tests.tools.servers.redis import RedisServer

TOPIC = topics.CASE_EVENTS
HOUR = timedelta(hours=1)


@asynccontextmanager
async def telling(settings: Settings, webhooks: Webhooks) -> AsyncIterator[None]:
    task = asyncio.create_task(WebhookSender(settings, webhooks).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def told(hearing: Program) -> str:
    """The id of the next event that the program is told."""
    headers, _ = await hearing.next()
    return headers["quanzu-event"]


def event(name: str, at_hours: float) -> CaseEvent:
    of = red_with_money().events[0]
    return of.model_copy(update={"id": name, "at": NOON + HOUR * at_hours})


async def test_what_happens_in_a_quiet_partition_while_nobody_tells_is_told_afterwards(
    kafka_cluster: Kafka, redis_aof: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = partial(PinnedTransport, trial=True)  # the program is on this machine, where no province may send
    monkeypatch.setattr(sending, "PinnedTransport", lambda private, *_: trial(private))
    about = {"kafka": kafka_cluster.address, "redis": redis_aof.url, "secret": "the key of a test", "keys": KEYS}
    settings = Settings.model_validate(about)
    await asyncio.to_thread(topics.create, settings, [TOPIC, topics.WEBHOOKS])
    await asyncio.to_thread(wait_for, kafka_cluster.whole, "the topics' replicas")
    redis, producer = Redis.from_url(redis_aof.url), make_producer(settings)
    await producer.start()

    async def happens(name: str, partition: int, at_hours: float) -> None:
        value = orjson.dumps(event(name, at_hours).model_dump(mode="json"))
        when = round((NOON + HOUR * at_hours).timestamp() * 1000)
        await producer.send_all([Record(TOPIC.name, b"r1", value, partition=partition, timestamp=when)])

    try:
        async with program() as hearing, asyncio.timeout(120):
            webhooks = Webhooks(settings, redis, producer)
            sealed = [webhooks.sealed("a secret that nobody guesses")]
            made = Webhook(id=new_id(), url=hearing.url, secrets=sealed, made_at=NOON, made_by="admin")
            await happens("long-before", 0, -1)
            await happens("just-before", 0, -0.01)
            await webhooks.put(made)
            await happens("before-it-was-begun", 1, 0.1)
            async with telling(settings, webhooks):
                assert await told(hearing) == "before-it-was-begun"
            await happens("while-away", 0, 0.2)
            await happens("while-away-too", 2, 0.3)
            await happens("after", 1, 0.4)
            async with telling(settings, webhooks):
                names = set[str]()
                while not names >= {"while-away", "while-away-too", "after"}:
                    names.add(await told(hearing))
            assert not [name for name in names if name.endswith("before")], "what was before it was made is not told"
    finally:
        await producer.stop()
        await redis.aclose()
