"""Orders over HTTP, without a trunk: which signature may order a call."""

import secrets
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path
from unittest.mock import Mock

import httpx
import orjson
import pytest

from streams.channels.signing import SignedMessage, sign
from streams.gateways.voice.caller import CallParts
from streams.gateways.voice.configuration import read_configuration
from streams.gateways.voice.gateway import VoiceGateway
from streams.gateways.voice.ledger import LedgerState, VoiceLedger
from streams.gateways.voice.orders import VoiceOrders
from tests.streams.gateways.voice.centre import KEY, NUMBER, written

Client = httpx.AsyncClient
BODY = orjson.dumps({"to": f"{NUMBER}486", "script": "x", "language": "zh", "action": "robot_call"})


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[VoiceLedger]:
    made = VoiceLedger(tmp_path / "calls")
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def client(tmp_path: Path, ledger: VoiceLedger) -> AsyncIterator[Client]:
    given = read_configuration(written(tmp_path, 5060, "http://127.0.0.1:1/receipts/voice"))
    gateway = VoiceGateway(CallParts(given, Mock(up=True), Mock(), Mock()), ledger, Mock())
    app = VoiceOrders(gateway, (KEY,)).app
    async with Client(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as made:
        yield made


def signed(body: bytes = BODY) -> dict[str, str]:
    return sign(KEY, SignedMessage("voice", "/calls", body), time.time(), secrets.token_hex(12))


async def order(client: Client, id_: str, headers: dict[str, str], body: bytes = BODY) -> int:
    return (await client.post("/calls", content=body, headers=headers | {"Idempotency-Key": id_})).status_code


async def test_what_was_signed_for_one_order_is_not_dialled_under_another_id(
    client: Client, ledger: VoiceLedger
) -> None:
    first, repeated = signed(), signed()
    assert await order(client, "d", first) == 202
    assert await order(client, "d", first) == 202
    assert await order(client, "d", repeated) == 202
    assert await order(client, "forged-1", first) == 401
    assert await order(client, "forged-2", repeated) == 401
    assert [waiting.id for waiting in await ledger.waiting()] == ["d"]


async def test_the_signature_of_a_refused_attempt_orders_nothing_else(client: Client, ledger: VoiceLedger) -> None:
    body = orjson.dumps({"to": "+8613900000486", "script": "x", "language": "zh", "action": "robot_call"})
    headers = signed(body)
    assert await order(client, "d", headers, body) == 422
    assert await order(client, "forged", headers, body) == 401
    assert await ledger.waiting() == []


async def test_a_nonce_is_forgotten_only_after_its_signature_is_too_old(ledger: VoiceLedger) -> None:
    assert await ledger.claim("n", "d", 1_000.0)
    await ledger.forget_nonces(999.0)
    assert not await ledger.claim("n", "e", 1_001.0)
    await ledger.forget_nonces(1_001.0)
    assert await ledger.claim("n", "e", 1_002.0)


async def test_an_order_that_the_disk_refuses_is_not_taken(
    client: Client, ledger: VoiceLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:
        full.setattr(ledger, "_write", Mock(side_effect=sqlite3.OperationalError("disk full")))
        assert await order(client, "d", signed()) == 503
    assert await ledger.state("d") is None
    assert await order(client, "d", signed()) == 202
    assert await ledger.state("d") is LedgerState.WAITING
