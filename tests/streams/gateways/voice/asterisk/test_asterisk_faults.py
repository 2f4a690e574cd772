"""A call through Asterisk is placed once, whatever is cut, killed, slow or repeated; what is unknown stays in doubt."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import aiohttp
import httpx
import pytest

from streams.gateways.voice.asterisk import exchange
from streams.gateways.voice.asterisk.channel import call_channel_id
from tests.streams.gateways.voice.asterisk.rig import (
    CALLS,
    called,
    calling,
    doubtful,
    until,
    written_for_asterisk,
)
from tests.streams.gateways.voice.centre import NUMBER, centre_with_receipts, running_gateway
from tests.tools.gateway.asterisk.line import NEVER, Callee
from tests.tools.gateway.asterisk.peer import PASSWORD, USER, asterisk_peer

ROOT = Path(__file__).parents[5]
PRESSES = Callee(keys=((5.0, "2"),))
LONG = CALLS.replace("key_seconds = 0.3", "key_seconds = 5.0").replace("ring_seconds = 1.5", "ring_seconds = 4.0")


async def test_an_order_that_comes_again_is_not_dialled_again(tmp_path: Path) -> None:
    async with calling(tmp_path, callees={"017": Callee(cause=17)}) as (centre, peer):
        answers = await asyncio.gather(*(centre.order("d", f"{NUMBER}017") for _ in range(5)))
        assert [answer.status_code for answer in answers] == [202] * 5
        assert (await centre.receipt("d"))["result"] == "busy"
        assert (await centre.order("d", f"{NUMBER}017")).status_code == 202
        await asyncio.sleep(0.3)
        assert len(peer.dialled) == 1
        assert len(centre.receipts["d"]) == 1


async def test_events_that_come_twice_and_answers_that_come_late_change_nothing(tmp_path: Path) -> None:
    callees = {"222": Callee(keys=((1.5, "2"),)), "017": Callee(cause=17)}
    async with calling(tmp_path, calls=LONG, callees=callees) as (centre, peer):
        peer.faults.twice, peer.faults.slow = True, 0.3
        assert (await called(centre, "222"))["key"] == "2"
        assert (await called(centre, "017"))["result"] == "busy"
        assert len(peer.dialled) == 2
        assert len(peer.fetched) == 1


@pytest.mark.parametrize("status", [0, 500, 502, 504])
async def test_a_command_to_call_whose_answer_is_lost_is_not_given_again(tmp_path: Path, status: int) -> None:
    async with calling(tmp_path, callees={"222": Callee(keys=((0.5, "2"),))}) as (centre, peer):
        peer.faults.after["POST channels"] = [status]
        assert (await called(centre, "222"))["key"] == "2"  # its events show that it began
        assert len(peer.dialled) == 1


async def test_a_command_to_call_of_which_nothing_is_seen_stays_in_doubt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.gateways.voice.asterisk.calls.ASK_SECONDS", 1.0, raising=False)
    async with calling(tmp_path) as (centre, peer):
        peer.faults.before["POST channels"] = [503]
        assert (await centre.order("d", f"{NUMBER}222")).status_code == 202
        await doubtful(centre, "d")
        assert (await centre.order("d", f"{NUMBER}222")).status_code == 500
        assert peer.dialled == []
        assert centre.receipts == {}
        assert sum((method, b"endpoint" in body) == ("POST", True) for method, _, body in peer.asked) == 1


async def test_a_call_goes_on_when_the_events_are_cut_and_the_message_is_said_again(tmp_path: Path) -> None:
    async with calling(tmp_path, calls=LONG, callees={"222": PRESSES}) as (centre, peer):
        assert (await centre.order("d", f"{NUMBER}222")).status_code == 202
        await until(lambda: any(each["type"] == "PlaybackFinished" for each in peer.sent))
        await peer.cut()
        told = await centre.receipt("d")
        assert (told["result"], told["key"]) == ("answered", "2")
        assert told["detail"].endswith("events of Asterisk were lost meanwhile")
        assert sum(path.partition("/play/")[1] != "" for _, path, _ in peer.asked) == 2
        assert len(peer.dialled) == 1


async def test_an_answer_whose_event_is_lost_is_found_by_asking(tmp_path: Path) -> None:
    async with calling(tmp_path, calls=LONG, callees={"222": Callee(keys=((6.0, "1"),))}) as (centre, peer):
        peer.faults.lost = {"StasisStart"}
        assert (await called(centre, "222"))["key"] == "1"


async def test_a_call_that_ends_while_no_events_come_is_in_doubt(tmp_path: Path) -> None:
    async with calling(tmp_path, calls=LONG, callees={"222": Callee(hangs_up=0.5)}) as (centre, peer):
        peer.faults.lost = {"StasisEnd", "ChannelDestroyed", "ChannelDtmfReceived"}
        assert (await centre.order("d", f"{NUMBER}222")).status_code == 202
        await until(lambda: bool(peer.fetched))
        await peer.cut()
        await doubtful(centre, "d")
        assert len(peer.dialled) == 1


async def test_a_killed_asterisk_leaves_the_call_in_doubt_and_the_next_call_is_placed(tmp_path: Path) -> None:
    async with calling(tmp_path, calls=LONG, callees={"222": NEVER, "017": Callee(cause=17)}) as (centre, peer):
        assert (await centre.order("d", f"{NUMBER}222")).status_code == 202
        await until(lambda: bool(peer.lines))
        await peer.kill()
        assert (await centre.order("e", f"{NUMBER}017")).status_code == 202  # waits until Asterisk is back
        await peer.start()
        assert (await centre.receipt("e"))["result"] == "busy"
        await doubtful(centre, "d")
        assert len(peer.dialled) == 2


async def test_a_killed_gateway_does_not_call_again_and_the_orphaned_call_is_hung_up(tmp_path: Path) -> None:
    async with asterisk_peer(callees={"222": NEVER}) as peer, centre_with_receipts() as (centre, receipts):
        file = written_for_asterisk(
            tmp_path, peer, receipts, LONG.replace("ring_seconds = 4.0", "ring_seconds = 100.0")
        )
        process = _process(file, tmp_path)
        try:
            centre.gateway = _address(file)
            await _ready(centre.gateway)
            assert (await centre.order("d", f"{NUMBER}222")).status_code == 202
            await until(lambda: bool(peer.lines))
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert [*peer.lines] == [call_channel_id("quanzu", "d")]  # it still rings
        async with running_gateway(centre, file):
            await until(lambda: not peer.lines)
            assert await centre.ask("d") == 500
            assert (await centre.order("d", f"{NUMBER}222")).status_code == 500
        assert len(peer.dialled) == 1
        assert centre.receipts == {}
    log = (tmp_path / "gateway.log").read_text("utf-8")
    assert PASSWORD not in log
    assert f"{NUMBER}222".removeprefix("+86") not in log


async def test_a_gateway_that_is_stopped_hangs_up_its_calls(tmp_path: Path) -> None:
    async with asterisk_peer(callees={"222": NEVER}) as peer, centre_with_receipts() as (centre, receipts):
        file = written_for_asterisk(tmp_path, peer, receipts)
        async with running_gateway(centre, file):
            assert (await centre.order("d", f"{NUMBER}222")).status_code == 202
            await until(lambda: bool(peer.lines))
        assert peer.lines == {}


async def test_asterisk_ends_a_call_by_itself_when_the_gateway_is_gone(tmp_path: Path) -> None:
    """The limits that go with each call: the peer, as Asterisk, keeps to them."""
    async with calling(tmp_path) as (centre, peer):
        await called(centre, "234")
        body = next(body for method, _, body in peer.asked if method == "POST" and b"endpoint" in body)
    assert b'"timeout":12' in body  # 1.5 s and a margin of 10 s
    assert b'"TIMEOUT(absolute)":"222"' in body  # and 180 s for the talk, with 30 s of margin


async def test_a_second_program_with_the_same_application_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(exchange, "REPLACED_SECONDS", 0.5, raising=False)
    async with calling(tmp_path) as (centre, peer), httpx.AsyncClient() as client:
        login = {"Authorization": aiohttp.encode_basic_auth(USER, PASSWORD)}
        async with aiohttp.ClientSession(headers=login) as other, other.ws_connect(f"{peer.url}/events?app=quanzu"):
            await until(lambda: "another program uses the application" in caplog.text)
        await until(lambda: peer.is_connected)
        assert (await client.get(f"{centre.gateway}/healthz")).is_success


async def test_a_wrong_password_takes_no_calls_and_says_what_to_check(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with asterisk_peer() as peer, centre_with_receipts() as (centre, receipts):
        file = written_for_asterisk(tmp_path, peer, receipts)
        (tmp_path / "asterisk-password").write_text("another", "utf-8")
        async with running_gateway(centre, file), httpx.AsyncClient() as client:
            await until(lambda: "status 401 instead of events: check url, username" in caplog.text)
            assert (await client.get(f"{centre.gateway}/readyz")).status_code == 503
    assert peer.dialled == []


def _process(file: Path, folder: Path) -> "subprocess.Popen[bytes]":
    with (folder / "gateway.log").open("wb") as log:
        command = [sys.executable, "-m", "quanzu", "gateway", "voice", "--config", str(file)]
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)


def _address(file: Path) -> str:
    return file.read_text("utf-8").partition('sounds_url = "')[2].partition('"')[0]


async def _ready(address: str) -> None:
    async with asyncio.timeout(300), httpx.AsyncClient() as client:
        while True:
            try:
                if (await client.get(f"{address}/readyz")).is_success:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.1)
