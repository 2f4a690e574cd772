"""Results of calls outlive a disk that refuses a write, and a call whose task fails is in doubt. No trunk is needed."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from unittest.mock import AsyncMock, Mock

import pytest

from domain.carriers.voice import CallEnding
from schemas.channels.receipts import CallState
from streams.gateways.voice import gateway as module
from streams.gateways.voice.caller import CallParts
from streams.gateways.voice.configuration import read_configuration
from streams.gateways.voice.gateway import VoiceGateway
from streams.gateways.voice.ledger import CallOrder, LedgerState, VoiceLedger
from tests.streams.gateways.voice.centre import NUMBER, written

BUSY = CallEnding(CallState.BUSY, "SIP 486")
FULL = sqlite3.OperationalError("disk full")


@asynccontextmanager
async def running(folder: Path, ledger: VoiceLedger) -> AsyncIterator[VoiceGateway]:
    given = read_configuration(written(folder, 5060, "http://127.0.0.1:1/receipts/voice"))
    gateway = VoiceGateway(CallParts(given, Mock(up=True), Mock(), Mock()), ledger, AsyncMock())
    await ledger.open()
    await gateway.open()
    yield gateway
    await gateway.close(0)
    await ledger.close()


async def ends(ledger: VoiceLedger, *states: LedgerState) -> LedgerState | None:
    """Wait until the call is in one of the states, and return the last one seen."""
    state = None
    for _ in range(200):
        if (state := await ledger.state("d")) in states:
            break
        await asyncio.sleep(0.02)
    return state


async def test_a_write_that_the_disk_refuses_is_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DISK_PAUSE_SECONDS", 0.01, raising=False)
    monkeypatch.setattr(module, "place_call", dialled := AsyncMock(return_value=BUSY))
    ledger = VoiceLedger(tmp_path / "calls")
    begin, end = ledger.begin, ledger.end
    monkeypatch.setattr(ledger, "begin", AsyncMock(side_effect=[FULL, FULL, True], wraps=begin))
    async with running(tmp_path, ledger) as gateway:
        refused = AsyncMock(side_effect=[FULL, FULL])

        async def ending(id_: str, how: CallEnding) -> None:
            if refused.await_count < 2:
                await refused()
            await end(id_, how)

        monkeypatch.setattr(ledger, "end", ending)
        await gateway.take(CallOrder("d", f"{NUMBER}486", "x", "zh", time.time()))
        assert await ends(ledger, LedgerState.ENDED) is LedgerState.ENDED
    assert dialled.await_count == 1


async def test_a_call_whose_task_fails_is_in_doubt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "place_call", AsyncMock(side_effect=ValueError("hostile")))
    ledger = VoiceLedger(tmp_path / "calls")
    async with running(tmp_path, ledger) as gateway:
        await gateway.take(CallOrder("d", f"{NUMBER}486", "x", "zh", time.time()))
        assert await ends(ledger, LedgerState.IN_DOUBT) is LedgerState.IN_DOUBT
