"""Other programs are told of case events: each webhook reads the journal with a consumer group of its own.

How far it has come is the group's offset in Kafka: it outlives Redis and this process, and several processes share the
partitions. An event is told until it was taken, so a program may hear of it twice (by one id) and never not at all.
"""

import asyncio
import base64
import logging
import secrets
import ssl
import time
from collections.abc import Iterable
from contextlib import aclosing
from datetime import timedelta
from random import Random

import httpx
import orjson
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from redis.asyncio import Redis

from domain.access.webhooks import next_try, payload, signature, wanted
from domain.wording.codes import in_language
from schemas.casework.events import CaseEvent
from schemas.channels.webhooks import Health, Webhook
from streams.casework.journal import Entry, read_entry
from streams.messaging.kafka_client import access
from streams.messaging.producer import Producer
from streams.messaging.reader import arriving
from streams.messaging.topics import CASE_EVENTS, WEBHOOKS
from streams.runtime.settings import Settings
from streams.runtime.tasks import stop, until_done
from streams.runtime.tasks import wanted as not_cancelled
from streams.security import encryption
from streams.security.record_encryption import record_encryption
from streams.state.compacted_table import CompactedTable
from streams.state.keys import WEBHOOK_HEALTH, milliseconds

log = logging.getLogger(__name__)

PURPOSE = "webhooks"  # of the seal on their secrets
ANSWER_SECONDS = 10.0
LOOK_SECONDS = 2.0  # until a change of the list is seen
CLOCKS_APART = timedelta(minutes=5)  # at most: when a webhook was made, and when Kafka says a record was written
GONE = 410
UNTRUSTED = "certificate not trusted"


class Webhooks(CompactedTable[Webhook]):
    """The list of them: on the compacted topic first, then in Redis."""

    def __init__(self, settings: Settings, redis: "Redis", producer: Producer) -> None:
        super().__init__(settings, redis, producer, WEBHOOKS, Webhook)

    async def drop(self, name: str) -> None:
        """Tell it nothing more."""
        await super().drop(name)
        await self._redis.hdel(WEBHOOK_HEALTH, name)

    async def by_id(self) -> dict[str, Webhook]:
        """Every one, the oldest first."""
        return {webhook.id: webhook for webhook in sorted(await self.all(), key=lambda each: each.made_at)}

    async def health(self) -> dict[str, tuple[Health, str]]:
        """How each goes, and what was answered last."""
        found = {name.decode(): orjson.loads(raw) for name, raw in (await self._redis.hgetall(WEBHOOK_HEALTH)).items()}
        return {name: (Health(how), words) for name, (how, words) in found.items()}

    async def feel(self, webhook: str, how: Health, words: str) -> None:
        await self._redis.hset(WEBHOOK_HEALTH, webhook, orjson.dumps([how, words]))

    def sealed(self, secret: str) -> str:
        """A secret as it is kept."""
        return encryption.sealed(self._settings.key(), PURPOSE, secret)

    def opened(self, webhook: Webhook) -> list[str]:
        """The secrets, the newest first. Raises joserfc's JoseError under another QUANZU_SECRET."""
        return [encryption.opened(self._settings.key(), PURPOSE, secret) for secret in webhook.secrets]


def new_id() -> str:
    """A webhook's id."""
    return "w" + base64.b32encode(secrets.token_bytes(10)).decode().lower()


class Telling:
    """Tells every webhook, until cancelled."""

    def __init__(self, settings: Settings, webhooks: Webhooks, chance: Random | None = None) -> None:
        self._settings, self._webhooks = settings, webhooks
        self._chance = chance or Random()
        self._running: dict[str, tuple[Webhook, asyncio.Task[None]]] = {}

    async def run(self) -> None:
        """Start and stop a task for each as the list changes."""
        try:
            while not_cancelled():
                await until_done("webhooks", self._look)
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            await self._stop([*self._running])

    async def _look(self) -> None:
        meant = {name: each for name, each in (await self._webhooks.by_id()).items() if not each.paused}
        old = [name for name, (known, task) in self._running.items() if meant.get(name) != known or task.done()]
        await self._stop(old)
        for name in meant.keys() - self._running.keys():
            self._running[name] = meant[name], asyncio.create_task(self._tell(meant[name]))

    async def _stop(self, names: Iterable[str]) -> None:
        tasks = [self._running.pop(name)[1] for name in names]
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                log.error("a webhook stopped: %s: %s", type(outcome).__name__, outcome)

    async def _tell(self, webhook: Webhook) -> None:
        """All events from where it stands on, in each partition's order."""
        # Tansu does not know which record was written when, nor Kafka what time it is in a demo's province: there all
        # is read, and what was before is passed over.
        whole = self._settings.embedded or self._settings.clock is not None
        consumer = AIOKafkaConsumer(
            **access(self._settings),
            group_id=f"{self._settings.app_id}-{webhook.id}",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=10_000,
            max_poll_interval_ms=900_000,  # longer than the longest wait between two tries
        )
        consumer.subscribe([CASE_EVENTS.name], listener=None if whole else _Begins(consumer, webhook))
        await consumer.start()
        try:
            async with (
                httpx.AsyncClient(timeout=ANSWER_SECONDS, follow_redirects=False) as client,
                aclosing(record_encryption(self._settings)) as codec,
                aclosing(arriving(consumer, codec)) as records,
            ):
                async for record in records:
                    entry = read_entry(record.offset, record.value or b"")
                    if whole and entry and entry.at < webhook.made_at:
                        continue  # to note each place would take minutes
                    await self._told(client, webhook, entry)
                    where = TopicPartition(CASE_EVENTS.name, record.partition)
                    await consumer.commit({where: record.offset + 1})
        finally:
            await stop(consumer)

    async def _told(self, client: httpx.AsyncClient, webhook: Webhook, entry: Entry | None) -> None:
        """Return when the program has taken the event, or does not ask for it."""
        if not isinstance(entry, CaseEvent) or entry.at < webhook.made_at or not wanted(webhook, entry):
            return
        body, failures = orjson.dumps(payload(entry, in_language(webhook.language).sentence)), 0
        while not_cancelled():
            status, words = await self._sent(client, webhook, entry.id, body)
            if status == GONE:
                await self._gone(webhook)
                return
            if 200 <= status < 300:
                await self._webhooks.feel(webhook.id, Health.FINE, words)
                return
            await self._webhooks.feel(webhook.id, Health.FAILING, words)
            await asyncio.sleep(next_try(failures, self._chance.random()).total_seconds())
            failures += 1

    async def _gone(self, webhook: Webhook) -> None:
        """It wants no more: paused, until a person lets it go on."""
        await self._webhooks.put(webhook.model_copy(update={"paused": True}))
        await self._webhooks.feel(webhook.id, Health.GONE, f"answered {GONE}")

    async def _sent(self, client: httpx.AsyncClient, webhook: Webhook, event: str, body: bytes) -> tuple[int, str]:
        """The answer's status, 0 when there was none; and words about it without what was answered."""
        stamp = int(time.time())
        headers = {
            "Content-Type": "application/json",
            "Quanzu-Event": event,
            "Quanzu-Timestamp": str(stamp),
            "Quanzu-Signature": signature(self._webhooks.opened(webhook), stamp, body),
        }
        try:
            answer = await client.post(webhook.url, content=body, headers=headers)
        except httpx.HTTPError as error:
            return 0, UNTRUSTED if distrusted(error) else type(error).__name__
        return answer.status_code, f"answered {answer.status_code}"


class _Begins(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """A partition of which nothing was told yet begins when the webhook was made.

    Not where it ends: what happened there while nobody told it would be passed over.
    """

    def __init__(self, consumer: AIOKafkaConsumer, webhook: Webhook) -> None:
        self._consumer, self._from_ms = consumer, milliseconds(webhook.made_at - CLOCKS_APART)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        new = [each for each in assigned if await self._consumer.committed(each) is None]
        if not new:
            return
        ends = await self._consumer.end_offsets(new)  # first: what is written between the two is later than either
        found = await self._consumer.offsets_for_times(dict.fromkeys(new, self._from_ms))
        for each in new:
            self._consumer.seek(each, found[each].offset if found[each] else ends[each])

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        pass  # each place is committed as soon as its event was told


def distrusted(error: BaseException | None) -> bool:
    """Whether it came of a certificate that nobody vouches for: httpx wraps what the handshake said."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error is not None
