"""Notifies other programs of case events: each webhook reads the journal with its own consumer group.

Its progress is the group's offset in Kafka, which outlives Redis and this process; several processes share the
partitions. An event is sent until it is accepted, so a program may receive it twice (with one id), and always at least
once.
"""

import asyncio
import base64
import logging
import secrets
import ssl
import time
from collections.abc import Collection, Iterable
from contextlib import aclosing, suppress
from datetime import timedelta
from random import Random
from typing import Any

import httpx
import orjson
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition

from domain.access.key_rings import KeyPurpose
from domain.access.webhooks import HTTPS, Address, next_try, payload, signature, wanted
from domain.identity.own_words import webhook_words, without_words
from domain.wording.codes import in_language
from schemas.casework.events import CaseEvent
from schemas.channels.webhooks import Health, Webhook
from streams.casework.journal import Entry, read_entry
from streams.channels.pinned import ForbiddenDestinationError, ForbiddenPortError, PinnedTransport
from streams.messaging.kafka_client import access
from streams.messaging.reader import arriving
from streams.messaging.topics import CASE_EVENTS, WEBHOOKS
from streams.runtime.settings import Settings
from streams.runtime.tasks import stop, until_done, without_values
from streams.runtime.tasks import wanted as not_cancelled
from streams.security import encryption
from streams.security.installation_keys import ring
from streams.security.record_encryption import record_encryption
from streams.state.compacted_table import CompactedTable, Place
from streams.state.keys import WEBHOOK_HEALTH, milliseconds

log = logging.getLogger(__name__)

PURPOSE = "webhooks"  # the context of their secrets' encryption
ANSWER_SECONDS = 10.0
REST_SECONDS, REST_BYTES = 1.0, 65_536  # of an answer's body, of which nothing is used
LOOK_SECONDS = 2.0  # until a change of the list is noticed
CLOCKS_APART = timedelta(minutes=5)  # largest difference between the clocks of the webhook's creator and of Kafka
GONE = 410
UNTRUSTED = "certificate not trusted"
FORBIDDEN = "address not permitted"
FORBIDDEN_PORT = "port not permitted"
UNREACHED = "not reached"  # the same for a closed port, a filtered one and a slow one: it must not map a network


class Webhooks(CompactedTable[Webhook]):
    """The list of webhooks: written to the compacted topic first, then to Redis."""

    place = Place(WEBHOOKS, Webhook)

    async def remove(self, name: str) -> None:
        """Delete the webhook with this id from the topic and from Redis, and its health from Redis, for a caller that
        holds its lock. No error if the id is unknown.

        Waits without limit while Kafka is unavailable. Raises SendError if Kafka refuses the deletion. Errors of Redis
        pass through: the topic has the deletion then.
        """
        await super().remove(name)
        await self._redis.hdel(WEBHOOK_HEALTH, name)

    async def by_id(self) -> dict[str, Webhook]:
        """Return all webhooks by id, the oldest first. Errors of Redis pass through."""
        return {webhook.id: webhook for webhook in sorted(await self.all(), key=lambda each: each.made_at)}

    async def health(self) -> dict[str, tuple[Health, str]]:
        """Return, by webhook id, its health and a description of its last answer in English.

        Webhooks to which nothing was sent yet are left out. Errors of Redis pass through.
        """
        found = {name.decode(): orjson.loads(raw) for name, raw in (await self._redis.hgetall(WEBHOOK_HEALTH)).items()}
        return {name: (Health(how), words) for name, (how, words) in found.items()}

    async def store_health(self, webhook: str, how: Health, words: str) -> None:
        """Store a webhook's health, and a description of its last answer (`words`), in Redis, replacing the earlier
        ones.

        `webhook`: its id. Errors of Redis pass through.
        """
        await self._redis.hset(WEBHOOK_HEALTH, webhook, orjson.dumps([how, words]))

    def sealed(self, secret: str) -> str:
        """Return a secret encrypted for storage (base64url), under the installation's key for delivery. Raises
        SettingsError if this process has no such key.
        """
        return encryption.sealed(ring(self._settings, KeyPurpose.DELIVERY), PURPOSE, secret)

    def renewed(self, webhook: Webhook) -> Webhook:
        """Return a copy of the webhook with its secrets encrypted under the key in force. Nothing is stored.

        Raises UnreadableSecretError if the key of one is not among the installation's, and SettingsError if this
        process has no key for delivery.
        """
        keys = ring(self._settings, KeyPurpose.DELIVERY)
        return webhook.model_copy(
            update={"secrets": [encryption.encrypted_anew(keys, PURPOSE, each) for each in webhook.secrets]}
        )

    def opened(self, webhook: Webhook) -> list[str]:
        """Return the webhook's decrypted secrets, the newest first.

        Raises UnreadableSecretError if the key of one is not among the installation's, and SettingsError if this
        process has no key for delivery.
        """
        keys = ring(self._settings, KeyPurpose.DELIVERY)
        return [encryption.opened(keys, PURPOSE, secret) for secret in webhook.secrets]


def new_id() -> str:
    """Return a new random id of a webhook: "w" and 16 letters or digits. Nothing is stored."""
    return "w" + base64.b32encode(secrets.token_bytes(10)).decode().lower()


class WebhookSender:
    """Sends case events to all webhooks, each in a task of its own."""

    def __init__(
        self,
        settings: Settings,
        webhooks: Webhooks,
        chance: Random | None = None,
        private: Collection[Address] = (),
        ports: Collection[int] = (HTTPS,),
    ) -> None:
        """`chance`: for the random part of pauses.

        `private`: the exact addresses inside the network to which events may be sent; `ports`: the ports.
        """
        self._settings, self._webhooks = settings, webhooks
        self._private, self._ports = private, ports
        self._chance = chance or Random()
        self._running: dict[str, tuple[Webhook, asyncio.Task[None]]] = {}

    async def run(self) -> None:
        """Send events until cancelled; then all tasks are stopped.

        Every 2 s, start a task for each new or changed webhook and each whose task has failed, and stop the tasks of
        deleted or paused ones. An error of a task is logged. Waits while Redis is unavailable. Raises AccessError if
        Redis denies access.
        """
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
                log.error("a webhook stopped: %s", without_values(outcome))

    async def _tell(self, webhook: Webhook) -> None:
        """Send all events from the group's offset on, in each partition's order."""
        # Tansu does not know when a record was written, and Kafka does not know a demo's time: there all records are
        # read, and those from before the webhook was created are skipped.
        whole = self._settings.embedded or self._settings.clock is not None
        consumer = AIOKafkaConsumer(
            **access(self._settings),
            group_id=f"{self._settings.app_id}-{webhook.id}",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=10_000,
            max_poll_interval_ms=900_000,  # longer than the longest pause between two attempts
        )
        consumer.subscribe([CASE_EVENTS.name], listener=None if whole else _Begins(consumer, webhook))
        try:
            await consumer.start()
            async with (
                self._client() as client,
                aclosing(record_encryption(self._settings)) as codec,
                aclosing(arriving(consumer, codec)) as records,
            ):
                async for record in records:
                    entry = read_entry(record.offset, record.value or b"")
                    if whole and entry and entry.at < webhook.made_at:
                        continue  # committing each offset would take minutes
                    await self._told(client, webhook, entry)
                    where = TopicPartition(CASE_EVENTS.name, record.partition)
                    await consumer.commit({where: record.offset + 1})
        finally:
            await stop(consumer)

    def _client(self) -> httpx.AsyncClient:
        transport = PinnedTransport(self._private, self._settings.embedded, self._ports)
        return httpx.AsyncClient(transport=transport, timeout=ANSWER_SECONDS, follow_redirects=False)

    async def _told(self, client: httpx.AsyncClient, webhook: Webhook, entry: Entry | None) -> None:
        """Send an event to a webhook until the program accepts it, with growing pauses.

        Returns at once if the webhook does not want the event; pauses the webhook if it answers 410.
        """
        if not isinstance(entry, CaseEvent) or entry.at < webhook.made_at or not wanted(webhook, entry):
            return
        body, failures = orjson.dumps(_body(webhook, entry)), 0
        while not_cancelled():
            status, words = await self._sent(client, webhook, entry.id, body)
            if status == GONE:
                await self._gone(webhook)
                return
            if 200 <= status < 300:
                await self._webhooks.store_health(webhook.id, Health.FINE, words)
                return
            await self._webhooks.store_health(webhook.id, Health.FAILING, words)
            await asyncio.sleep(next_try(failures, self._chance.random()).total_seconds())
            failures += 1

    async def _gone(self, webhook: Webhook) -> None:
        """Pause the webhook, which answered 410 Gone, until a person resumes it; a deleted one stays deleted."""
        async with self._webhooks.locked(webhook.id) as known:
            if known is not None:
                await self._webhooks.put(known.model_copy(update={"paused": True}))
                await self._webhooks.store_health(webhook.id, Health.GONE, f"answered {GONE}")

    async def _sent(self, client: httpx.AsyncClient, webhook: Webhook, event: str, body: bytes) -> tuple[int, str]:
        """Send an event. Returns the answer's status (0 without an answer) and a description that has none of the
        answer's text.
        """
        stamp = int(time.time())
        headers = {
            "Content-Type": "application/json",
            "Quanzu-Event": event,
            "Quanzu-Timestamp": str(stamp),
            "Quanzu-Signature": signature(self._webhooks.opened(webhook), stamp, body),
        }
        try:
            async with client.stream("POST", webhook.url, content=body, headers=headers) as answer:
                await _read_rest(answer)
        except ForbiddenPortError:
            return 0, FORBIDDEN_PORT
        except ForbiddenDestinationError:
            return 0, FORBIDDEN
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:  # httpx parses even a Location unfollowed
            return 0, UNTRUSTED if distrusted(error) else UNREACHED
        return answer.status_code, f"answered {answer.status_code}"


async def _read_rest(answer: httpx.Response) -> None:
    """Read a short body to its end, so that its connection serves the next event. The rest of a long or slow one is
    left, and its connection ends: a receiver must not fill the memory, nor hold up events.
    """
    came = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(REST_SECONDS):
            async for piece in answer.aiter_raw():
                came += len(piece)
                if came > REST_BYTES:
                    return


def _body(webhook: Webhook, event: CaseEvent) -> dict[str, Any]:
    if webhook.words:
        return payload(event, webhook_words, in_language(webhook.language).sentence)
    return payload(event, without_words)


class _Begins(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Sets the start of a partition without a committed offset to the time at which the webhook was created.

    The partition's end would be wrong, because events that happened before the partition was assigned would be skipped.
    """

    def __init__(self, consumer: AIOKafkaConsumer, webhook: Webhook) -> None:
        self._consumer, self._from_ms = consumer, milliseconds(webhook.made_at - CLOCKS_APART)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        new = [each for each in assigned if await self._consumer.committed(each) is None]
        if not new:
            return
        ends = await self._consumer.end_offsets(new)  # first, so that a record written in between is after both
        found = await self._consumer.offsets_for_times(dict.fromkeys(new, self._from_ms))
        for each in new:
            self._consumer.seek(each, found[each].offset if found[each] else ends[each])

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        pass  # each offset is committed as soon as its event was sent


def distrusted(error: BaseException | None) -> bool:
    """Return True if the error, or one that caused it, is about an untrusted certificate; else False, also for None.
    httpx wraps the handshake's error.
    """
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error is not None
