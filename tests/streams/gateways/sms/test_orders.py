"""Orders over HTTP, without a carrier: which signature may order a message, and what a repetition is answered."""

import secrets
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import httpx
import orjson
import pytest

from domain.carriers.account import GatewayFile
from streams.channels.signing import SignedMessage, sign
from streams.gateways.sms import journal_steps as steps
from streams.gateways.sms.journal import Journal
from streams.gateways.sms.orders import Orders
from streams.gateways.sms.sender import Sender
from tests.streams.gateways.sms.wire import carrier_account

Client = httpx.AsyncClient
Found = TypeVar("Found")
KEY = b"0123456789abcdef0123456789abcdef"
BODY = orjson.dumps({"to": "+86100000001", "text": "x"})


class Refusing(Journal):
    """A journal that refuses changes while it is full, and questions too while it is broken."""

    full = broken = False

    async def run(self, change: Callable[[sqlite3.Connection], Found]) -> Found:
        question = getattr(change, "func", change) in (steps.states, steps.waiting)
        if self.broken or (self.full and not question):
            raise sqlite3.OperationalError("database or disk is full")
        return await super().run(change)


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Refusing]:
    made = Refusing(tmp_path / "journal")
    yield made
    await made.close()


@pytest.fixture
async def client(tmp_path: Path, journal: Refusing) -> AsyncIterator[Client]:
    made = {"data": str(tmp_path), "key_file": "none", "receipts": "https://intake.example/receipts/sms"}
    file = GatewayFile.model_validate(
        made | {"carrier": [carrier_account().model_dump(mode="json")], "most_waiting": 2, "most_segments": 1}
    )
    app = Orders(file, (KEY,), journal, Sender(file, journal, {}, KEY), ()).app
    async with Client(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as opened:
        yield opened


def signed(body: bytes = BODY) -> dict[str, str]:
    return sign(KEY, SignedMessage("sms", "/sms", body), time.time(), secrets.token_hex(12))


async def order(client: Client, id_: str, headers: dict[str, str], body: bytes = BODY) -> int:
    return (await client.post("/sms", content=body, headers=headers | {"Idempotency-Key": id_})).status_code


async def ask(client: Client, id_: str) -> int:
    headers = sign(KEY, SignedMessage("sms", f"/sms/{id_}", b"", "GET"), time.time(), secrets.token_hex(12))
    return (await client.get(f"/sms/{id_}", headers=headers)).status_code


async def waiting(journal: Journal) -> list[str]:
    return [each.id for each in await journal.run(steps.waiting)]


async def test_what_was_signed_for_one_order_is_not_sent_under_another_id(client: Client, journal: Journal) -> None:
    first, repeated = signed(), signed()
    assert await order(client, "d", first) == 202
    assert await order(client, "d", first) == 202
    assert await order(client, "d", repeated) == 202
    assert await order(client, "forged-1", first) == 401
    assert await order(client, "forged-2", repeated) == 401
    assert await waiting(journal) == ["d"]


async def test_the_signature_of_a_refused_attempt_orders_nothing_else(client: Client, journal: Journal) -> None:
    body = orjson.dumps({"to": "+86100000001", "text": "x" * 200})
    headers = signed(body)
    assert await order(client, "d", headers, body) == 422
    assert await order(client, "forged", headers, body) == 401
    assert await waiting(journal) == []


async def test_an_order_without_a_fitting_signature_or_an_id_is_refused_and_uses_no_nonce(
    client: Client, journal: Journal
) -> None:
    headers = signed()
    assert await order(client, "d", {}) == 401
    assert await order(client, "d", signed(b"another body")) == 401
    assert await order(client, "", headers) == 400
    assert await order(client, "d" * 121, headers) == 400
    assert await order(client, "d", headers) == 202
    assert await ask(client, "d") == 200
    assert await ask(client, "other") == 404
    assert (await client.get("/sms/d")).status_code == 401


async def test_a_known_order_is_answered_also_when_too_many_wait(client: Client, journal: Journal) -> None:
    assert [await order(client, each, signed()) for each in ("d1", "d2", "d3", "d1")] == [202, 202, 503, 202]
    assert await waiting(journal) == ["d1", "d2"]


async def test_an_order_that_the_disk_refuses_is_not_taken(client: Client, journal: Refusing) -> None:
    journal.full = True
    assert await order(client, "d", signed()) == 503
    assert await ask(client, "d") == 404
    journal.full = False
    assert await order(client, "d", signed()) == 202


async def test_a_full_disk_never_says_of_an_order_taken_before_that_nothing_was_done(
    client: Client, journal: Refusing
) -> None:
    assert await order(client, "d", signed()) == 202
    journal.full = True
    assert await order(client, "d", signed()) == 202
    journal.broken = True
    assert await order(client, "d", signed()) == 500
    assert await ask(client, "d") == 500
