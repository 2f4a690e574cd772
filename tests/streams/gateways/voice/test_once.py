"""An order is dialled at most once, whichever process dies."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from domain.carriers.voice import CallEnding
from schemas.channels.receipts import CallState
from streams.gateways.voice.ledger import CallOrder, LedgerInUseError, LedgerState, VoiceLedger
from streams.runtime.embedded import free_port
from tests.streams.gateways.voice.centre import NUMBER, Centre, centre_with_receipts, running_gateway, written
from tests.tools.gateway.sipp import refusing, ringing, sipp_trunk

ORDER = CallOrder("d", f"{NUMBER}234", "x", "zh", 1_000.0)
BUSY = CallEnding(CallState.BUSY, "SIP 486")
ROOT = Path(__file__).parents[4]


async def test_a_call_that_was_begun_when_the_process_died_is_in_doubt_and_not_begun_again(tmp_path: Path) -> None:
    first = VoiceLedger(tmp_path / "calls")
    assert await first.open() == 0
    await first.add(ORDER)
    assert await first.begin("d")
    await first.close()
    second = VoiceLedger(tmp_path / "calls")
    assert await second.open() == 1
    assert await second.state("d") is LedgerState.IN_DOUBT
    assert await second.waiting() == []
    assert not await second.begin("d")
    assert not await second.add(ORDER)
    await second.close()


async def test_what_waits_and_what_is_not_reported_outlives_the_process(tmp_path: Path) -> None:
    first = VoiceLedger(tmp_path / "calls")
    await first.open()
    await first.add(ORDER)
    await first.add(CallOrder("e", f"{NUMBER}235", "y", "ko", 2_000.0))
    await first.begin("e")
    await first.end("e", BUSY)
    await first.close()
    second = VoiceLedger(tmp_path / "calls")
    await second.open()
    assert await second.waiting() == [ORDER]
    assert await second.unreported() == [("e", BUSY)]
    await second.reported("e")
    assert await second.unreported() == []
    assert await second.forget(3_000.0) == 1
    await second.close()


async def test_the_number_and_text_of_an_ended_call_are_not_kept(tmp_path: Path) -> None:
    ledger = VoiceLedger(tmp_path / "calls")
    await ledger.open()
    await ledger.add(ORDER)
    await ledger.begin("d")
    await ledger.end("d", BUSY)
    await ledger.erase()
    assert ORDER.number.encode() not in _bytes(tmp_path)  # while the file is open, too
    await ledger.close()
    assert ORDER.number.encode() not in _bytes(tmp_path)


async def test_two_processes_cannot_have_one_ledger(tmp_path: Path) -> None:
    first, second = VoiceLedger(tmp_path / "calls"), VoiceLedger(tmp_path / "calls")
    await first.open()
    with pytest.raises(LedgerInUseError, match="another gateway"):
        await second.open()
    await first.close()


async def test_an_order_that_comes_again_is_answered_and_not_dialled_again(tmp_path: Path) -> None:
    async with (
        sipp_trunk(tmp_path, refusing([486])) as trunk,
        centre_with_receipts() as (centre, receipts),
        running_gateway(centre, written(tmp_path, trunk.port, receipts)),
    ):
        answers = await asyncio.gather(*(centre.order("d", f"{NUMBER}486") for _ in range(5)))
        assert [answer.status_code for answer in answers] == [202] * 5
        assert (await centre.receipt("d"))["result"] == "busy"
        assert (await centre.order("d", f"{NUMBER}486")).status_code == 202
        assert await centre.ask("d") == 200
        assert await centre.ask("e") == 404
        assert (await centre.order("e", f"{NUMBER}486", key=b"another key that is long enough")).status_code == 401
        assert (await centre.order("e", "+8613900000486")).status_code == 422  # may not be called
        assert await centre.ask("e") == 404
        await asyncio.sleep(0.3)
        assert trunk.invites() == 1
        assert len(centre.receipts["d"]) == 1


async def test_a_killed_gateway_does_not_dial_again_and_says_that_it_is_in_doubt(tmp_path: Path) -> None:
    async with sipp_trunk(tmp_path, ringing()) as trunk, centre_with_receipts() as (centre, receipts):
        port = free_port()
        file = written(tmp_path, trunk.port, receipts)
        file.write_text(file.read_text("utf-8").replace("port = 0", f"port = {port}"), "utf-8")
        centre.gateway = f"http://127.0.0.1:{port}"
        process = _process(file, tmp_path)
        try:
            await _ready(centre)
            assert (await centre.order("d", f"{NUMBER}234")).status_code == 202
            async with asyncio.timeout(30):
                while trunk.invites() < 1:  # noqa: ASYNC110 - told to nobody
                    await asyncio.sleep(0.02)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        async with running_gateway(centre, file):
            assert await centre.ask("d") == 500
            assert (await centre.order("d", f"{NUMBER}234")).status_code == 500
            await asyncio.sleep(0.5)
        assert trunk.invites() == 1
        assert centre.receipts == {}


def _bytes(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


def _process(file: Path, folder: Path) -> "subprocess.Popen[bytes]":
    with (folder / "gateway.log").open("wb") as log:
        command = [sys.executable, "-m", "quanzu", "gateway", "voice", "--config", str(file)]
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)


async def _ready(centre: Centre) -> None:
    async with asyncio.timeout(300), httpx.AsyncClient() as client:
        while True:
            try:
                if (await client.get(f"{centre.gateway}/readyz")).is_success:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.1)
