"""How operators' calls end that become no talk, with sipp as the carrier's trunk and baresip as the operator."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest

from schemas.channels.operator_calls import CallEnder, OperatorCallResult, OperatorCallState
from streams.gateways.voice.ledger import VoiceLedger
from streams.gateways.voice.media.g711 import Samples
from streams.gateways.voice.operators.ledger import CallChange, OperatorCallLedger
from streams.runtime.embedded import free_port
from tests.streams.gateways.voice.centre import NUMBER, running_gateway
from tests.streams.gateways.voice.operators.desk import PHONE, Desk, configured, reported_to
from tests.tools.gateway.baresip import BaresipPhone, baresip_phone
from tests.tools.gateway.sipp import SippTrunk, answering, hanging_up, refusing, ringing, sipp_trunk

ROOT = Path(__file__).parents[5]
RINGING = OperatorCallState.RINGING


def folder_of(folder: Path, name: str) -> Path:
    made = folder / name
    made.mkdir()
    return made


@asynccontextmanager
async def calling(folder: Path, scenario: str, more: str = "") -> AsyncIterator[tuple[Desk, BaresipPhone, SippTrunk]]:
    """A gateway whose trunk does as the scenario says; the operator answers at once."""
    async with (
        baresip_phone(folder_of(folder, "operator")) as operator,
        sipp_trunk(folder_of(folder, "trunk"), scenario) as trunk,
        reported_to() as desk,
        running_gateway(desk.gateway, configured(folder, desk, trunk.port, operator.port, more=more)),
    ):
        yield desk, operator, trunk


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (486, OperatorCallResult.BUSY),
        (480, OperatorCallResult.NO_ANSWER),
        (404, OperatorCallResult.WRONG_NUMBER),
        (603, OperatorCallResult.REFUSED),
        (503, OperatorCallResult.FAILED),
    ],
)
async def test_the_trunks_answer_is_the_result_and_the_operator_is_hung_up(
    tmp_path: Path, status: int, result: OperatorCallResult
) -> None:
    async with calling(tmp_path, refusing([486, 480, 404, 603, 503])) as (desk, operator, trunk):
        assert await desk.call("c1", to=f"{NUMBER}{status}") == 202
        told = await desk.ended()
        assert await desk.call("c1", to=f"{NUMBER}{status}") == 202  # known: not dialled again
        async with asyncio.timeout(10):
            while "terminated" not in operator.said() and "closed" not in operator.said():  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert trunk.invites() == 1
        assert "sip:96110@" in trunk.read()  # the centre's own number
    assert (told.result, told.answered, told.operator, told.case) == (result, False, "wang", "r-1")


async def test_a_resident_who_hangs_up_ends_a_talk_whose_seconds_are_told(tmp_path: Path) -> None:
    async with calling(tmp_path, hanging_up(1500)) as (desk, _, _):
        assert await desk.call("c1") == 202
        told = await desk.ended()
    assert (told.result, told.ended_by) == (OperatorCallResult.ANSWERED, CallEnder.RESIDENT)
    assert told.seconds is not None
    assert 1.0 < told.seconds < 5.0


async def test_an_operator_who_hangs_up_while_it_rings_stops_the_ringing(tmp_path: Path) -> None:
    async with calling(tmp_path, ringing()) as (desk, operator, trunk):
        assert await desk.call("c1") == 202
        await desk.until(RINGING)
        assert await desk.act("c1", "hold") == 409  # nobody talks
        operator.press("b")
        told = await desk.ended()
        async with asyncio.timeout(10):
            while "CANCEL sip:" not in trunk.read():  # noqa: ASYNC110 - told to nobody
                await asyncio.sleep(0.1)
    assert told.result is OperatorCallResult.CANCELLED


async def test_a_resident_who_does_not_answer_in_time_is_no_answer(tmp_path: Path) -> None:
    file_more = "\n[calls]\nring_seconds = 2.0\n"
    async with (
        baresip_phone(folder_of(tmp_path, "operator")) as operator,
        sipp_trunk(folder_of(tmp_path, "trunk"), ringing()) as trunk,
        reported_to() as desk,
    ):
        file = configured(tmp_path, desk, trunk.port, operator.port)
        file.write_text(file.read_text("utf-8") + file_more, "utf-8")
        async with running_gateway(desk.gateway, file):
            assert await desk.call("c1") == 202
            told = await desk.ended()
    assert told.result is OperatorCallResult.NO_ANSWER


async def test_an_operator_who_does_not_answer_leaves_the_resident_in_peace(tmp_path: Path) -> None:
    async with (
        sipp_trunk(folder_of(tmp_path, "operator"), ringing()) as operator,
        sipp_trunk(folder_of(tmp_path, "trunk"), ringing()) as trunk,
        reported_to() as desk,
        running_gateway(desk.gateway, configured(tmp_path, desk, trunk.port, operator.port, more="ring_seconds = 1.0")),
    ):
        assert await desk.call("c1") == 202
        assert await desk.call("c2") == 409  # one call at a time
        told = await desk.ended()
        assert (operator.invites(), trunk.invites()) == (1, 0)
        assert f"INVITE sip:{PHONE}@" in operator.read()
    assert (told.call, told.result) == ("c1", OperatorCallResult.OPERATOR_NO_ANSWER)


async def test_no_order_can_name_another_telephone_or_number_or_be_forged(tmp_path: Path) -> None:
    async with calling(tmp_path, ringing()) as (desk, _, trunk):
        assert await desk.call("c1", operator="zhao") == 422
        assert await desk.call("c1", to="+8613900000486") == 422
        assert await desk.call("c1", operator="sip:x@192.0.2.1") == 422
        assert await desk.call("c1", key=b"0123456789abcdef0123456789abcdef") == 401  # the key of automated calls
        assert await desk.act("c1", "hang_up") == 409
        assert (await desk.phones()).json() == {"logins": ["li", "wang"]}
        assert (await httpx.AsyncClient().get(f"{desk.gateway.gateway}/operator-phones")).status_code == 401
        assert trunk.invites() == 0
    assert desk.reports == []


async def test_each_change_is_reported_within_a_second(tmp_path: Path) -> None:
    async with calling(tmp_path, hanging_up(1500)) as (desk, _, _):
        began = time.monotonic()
        assert await desk.call("c1") == 202
        told = await desk.ended()
        lasted = desk.came[-1] - began
    assert desk.came[0] - began < 1
    assert told.seconds is not None
    assert lasted - told.seconds < 2  # ringing, two reports, and the trunk's own time


async def test_a_report_is_sent_again_until_it_is_taken_and_in_order(tmp_path: Path) -> None:
    async with calling(tmp_path, hanging_up(300)) as (desk, _, _):
        desk.refuse = 2
        assert await desk.call("c1") == 202
        told = await desk.ended()
    numbers = [each.sequence for each in desk.reports]
    assert numbers == sorted(set(numbers))
    assert told.result is OperatorCallResult.ANSWERED


async def test_the_operator_hears_the_ringing_tone(tmp_path: Path) -> None:
    async with calling(tmp_path, ringing()) as (desk, operator, _):
        assert await desk.call("c1") == 202
        await desk.until(RINGING)
        async with asyncio.timeout(15):
            while _loudest_hertz(operator.heard()) != 450:  # noqa: ASYNC110 - told to nobody
                await asyncio.sleep(0.2)


def _loudest_hertz(samples: Samples) -> int:
    loud = samples[np.abs(samples) > 100].size
    if loud < 2000:
        return 0
    return round(float(np.argmax(np.abs(np.fft.rfft(samples)))) * 8000 / len(samples))


async def test_a_gateway_that_stops_hangs_up_and_reports_it(tmp_path: Path) -> None:
    async with (
        baresip_phone(folder_of(tmp_path, "operator")) as operator,
        sipp_trunk(folder_of(tmp_path, "trunk"), answering()) as trunk,
        reported_to() as desk,
    ):
        file = configured(tmp_path, desk, trunk.port, operator.port)
        async with running_gateway(desk.gateway, file):
            assert await desk.call("c1") == 202
            await desk.until(OperatorCallState.CONNECTED)
        told = await desk.ended(1)
        assert "BYE sip:" in trunk.read()
    assert (told.result, told.ended_by) == (OperatorCallResult.ANSWERED, CallEnder.GATEWAY)


async def test_a_talk_that_a_killed_gateway_left_is_in_doubt_and_was_a_talk(tmp_path: Path) -> None:
    first = VoiceLedger(tmp_path / "calls")
    await first.open()
    calls = OperatorCallLedger(first)
    assert await calls.open() == 0
    assert await calls.begin("c1", "r-1", "wang", 1_000.0)
    assert not await calls.begin("c1", "r-1", "wang", 1_001.0)
    assert await calls.change("c1", CallChange(OperatorCallState.CONNECTED, held=True, answered=True))
    await calls.reported("c1", 2)
    assert await calls.unreported() == []
    await first.close()
    second = VoiceLedger(tmp_path / "calls")
    await second.open()
    calls = OperatorCallLedger(second)
    assert await calls.open() == 1
    assert await calls.unreported() == ["c1"]
    told = await calls.report("c1")
    assert told is not None
    assert (told.result, told.answered, told.held, told.sequence) == (OperatorCallResult.IN_DOUBT, True, False, 3)
    assert not await calls.change("c1", CallChange(OperatorCallState.RINGING))
    await calls.forget(2_000.0)
    assert await calls.report("c1") is None
    await second.close()


async def test_a_killed_gateway_dials_nobody_again_and_its_call_is_in_doubt(tmp_path: Path) -> None:
    async with (
        baresip_phone(folder_of(tmp_path, "operator")) as operator,
        sipp_trunk(folder_of(tmp_path, "trunk"), ringing()) as trunk,
        reported_to() as desk,
    ):
        port = free_port()
        file = configured(tmp_path, desk, trunk.port, operator.port)
        file.write_text(file.read_text("utf-8").replace("port = 0", f"port = {port}"), "utf-8")
        desk.gateway.gateway = f"http://127.0.0.1:{port}"
        process = _process(file, tmp_path)
        try:
            await _ready(desk)
            assert await desk.call("c1") == 202
            await desk.until(RINGING)
            async with asyncio.timeout(30):
                while trunk.invites() < 1:  # noqa: ASYNC110 - told to nobody
                    await asyncio.sleep(0.02)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        invites = trunk.invites()
        async with running_gateway(desk.gateway, file):
            told = await desk.ended()
            assert await desk.call("c1") == 500
            await asyncio.sleep(0.5)
        assert trunk.invites() == invites == 1
    assert (told.result, told.answered) == (OperatorCallResult.IN_DOUBT, False)


def _process(file: Path, folder: Path) -> "subprocess.Popen[bytes]":
    with (folder / "gateway.log").open("wb") as log:
        command = [sys.executable, "-m", "quanzu", "gateway", "voice", "--config", str(file)]
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)


async def _ready(desk: Desk) -> None:
    async with asyncio.timeout(300), httpx.AsyncClient() as client:
        while True:
            try:
                if (await client.get(f"{desk.gateway.gateway}/readyz")).is_success:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.1)
