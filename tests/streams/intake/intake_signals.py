"""Signals and a running intake for the tests of the ways in. The people are made up."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from schemas.administration.dead_letters import DeadLetter, letter_adapter
from streams.intake.server import running
from streams.intake.settings import IntakeSettings, hash_of_key
from streams.messaging.producer import Producer
from streams.messaging.reader import read_all
from streams.messaging.topics import LANES
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings, SettingsError
from tests.documents.answers import described

KEY = "a-key-for-the-tests"


def new_id() -> str:
    return uuid.uuid4().hex


def transfer(**other: object) -> dict[str, Any]:
    """A transfer as a bank sends it."""
    return {
        "kind": "transfer",
        "source": "bank",
        "id": new_id(),
        "at": "2026-03-01T11:12:00+08:00",
        "payer": "6222 0000 0000 0001",
        "payee": "6222-0000-0000-0002",
        "amount_fen": 4_980_000,
        "channel": "mobile_bank",
        "state": "pending",
    } | other


def call(**other: object) -> dict[str, Any]:
    """A call as a carrier sends it."""
    return {
        "kind": "call",
        "source": "bank",
        "id": new_id(),
        "at": "2026-03-01T11:12:00+08:00",
        "caller": "+85200000000",
        "called": "199 0000 0001",
        "seconds": 60,
    } | other


def watch_entry(state: str) -> dict[str, Any]:
    """A watchlist entry about an account, as a bank sends it that takes it on itself to decide."""
    return {
        "kind": "watchlist",
        "source": "bank",
        "id": new_id(),
        "at": "2026-03-01T11:12:00+08:00",
        "subject": "account",
        "value": "6222000000000003",
        "state": state,
    }


@asynccontextmanager
async def intake_client(settings: Settings, *, port: int = 0, **intake: object) -> AsyncIterator[httpx.AsyncClient]:
    """A real server on a port (0: a free one), and a client that has the key of the source `bank`."""
    own = settings.model_copy(update={"http_port": port})
    keys = f"bank:{hash_of_key(KEY)},other:{hash_of_key('another')}"
    limits = IntakeSettings.model_validate({"api_keys": keys} | intake)
    async with running(own, limits, Clock()) as address:
        headers = {"Authorization": f"Bearer {KEY}"}
        hooks = {"response": [described]}
        async with httpx.AsyncClient(
            base_url=address, headers=headers, trust_env=False, timeout=20, event_hooks=hooks
        ) as client:
            yield client


async def until_ready(client: httpx.AsyncClient) -> None:
    """Ask until signals would be accepted."""
    await until(200, lambda: client.get("/readyz"))


async def until(status: int, ask: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """Ask until the answer has this status; TimeoutError after 30 s."""
    async with asyncio.timeout(30):
        while True:
            answer = await ask()
            if answer.status_code == status:
                return answer
            await asyncio.sleep(0.05)


async def written(settings: Settings, *ids: str) -> list[dict[str, Any]]:
    """The signals of these ids that lie on the topic as they came in, each as often as it lies there."""
    records = [json.loads(record.value or b"[]") for lane in LANES async for record in read_all(settings, lane.name)]
    accepted = [record for record in records if isinstance(record, list)]  # a letter sent again is an object
    return [signal for record in accepted for signal in record if signal["id"] in ids]


async def dead_letters(settings: Settings, file: str) -> list[DeadLetter]:
    """The dead letters of a file."""
    letters = [letter_adapter.validate_json(each.value or b"") async for each in read_all(settings, "dead-letters")]
    return [letter for letter in letters if getattr(letter.where, "file", None) == file]


def cannot_encrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on, no producer has the key for what it writes."""

    async def send_all(self: Producer, records: object) -> int:
        raise SettingsError("QUANZU_KEYS has no key for intake-public")

    monkeypatch.setattr(Producer, "send_all", send_all)
