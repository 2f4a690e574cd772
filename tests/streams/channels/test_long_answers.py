"""A webhook's receiver may answer what it likes: an answer without end costs neither memory nor time."""

import asyncio
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from schemas.channels.webhooks import Webhook
from streams.channels import webhooks as sending
from streams.channels.webhooks import Webhooks, WebhookSender, new_id
from streams.runtime.settings import Settings
from tests.dispatched import NOW

MEGABYTE = 2**20


async def sent(settings: Settings, answer: httpx.Response) -> tuple[int, str]:
    webhooks = Webhooks(settings, None, None)  # type: ignore[arg-type]  # nothing is stored
    sealed = [webhooks.sealed("a secret that nobody guesses")]
    webhook = Webhook(id=new_id(), url="https://program.example/", secrets=sealed, made_at=NOW, made_by="admin")
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer)) as client:
        return await WebhookSender(settings, webhooks)._sent(client, webhook, "an-event", b"{}")


async def test_of_an_answer_without_end_little_is_read(settings: Settings) -> None:
    came = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal came
        while came < 500 * MEGABYTE:
            came += MEGABYTE
            yield bytes(MEGABYTE)

    assert await sent(settings, httpx.Response(200, content=endless())) == (200, "answered 200")
    assert came <= 2 * MEGABYTE


async def test_a_body_that_trickles_is_not_waited_for(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "REST_SECONDS", 0.2)

    async def trickling() -> AsyncIterator[bytes]:
        for _ in range(200):
            await asyncio.sleep(0.1)
            yield b"x"

    began = time.monotonic()
    assert await sent(settings, httpx.Response(410, content=trickling())) == (410, "answered 410")
    assert time.monotonic() - began < 10


async def test_a_packed_answer_is_not_unpacked(settings: Settings) -> None:
    answer = httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(b"no gzip at all"))
    assert await sent(settings, answer) == (200, "answered 200")
