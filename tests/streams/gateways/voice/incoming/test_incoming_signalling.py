"""How a call to the centre is taken, refused and broken off, message by message."""

import asyncio
from pathlib import Path

import pytest

from schemas.channels.incoming_calls import IncomingCallResult, IncomingCallState
from streams.gateways.voice.incoming.sounds import CallerSounds
from streams.gateways.voice.media.session import agreed, offer
from streams.gateways.voice.media.stream import RtpStream
from tests.streams.gateways.voice.incoming.scripted_line import rung, scripted
from tests.streams.gateways.voice.operators.scripted import MEDIA_PORT

QUEUED, RINGING, CONNECTED = IncomingCallState.QUEUED, IncomingCallState.RINGING, IncomingCallState.CONNECTED
LI = "19900005678"
VOUCHED = "P-Asserted-Identity: <sip:+8619900001234@carrier>"
NO_LAW = offer("127.0.0.1", MEDIA_PORT, None).replace("8 0 101", "9 101").replace("PCMA", "G722").replace("PCMU", "x")


async def test_an_invite_that_comes_again_is_one_call_and_has_the_same_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scripted(tmp_path, monkeypatch) as (line, trunk, _):
        sent = trunk.call()
        trunk.receive(sent)
        await trunk.answered(status=200)
        before = len(trunk.answers("1"))
        trunk.receive(sent)
        assert [each.status_code for each in trunk.answers("1")[before:]] == [200]
        await line.told(QUEUED)
        assert len({each.call for each in line.incoming}) == 1


async def test_a_200_is_repeated_until_it_is_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with scripted(tmp_path, monkeypatch) as (_, trunk, _):
        trunk.call()
        async with asyncio.timeout(10):
            while [each.status_code for each in trunk.answers("1")].count(200) < 3:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        trunk.ask_in("1", "ACK")
        count = len(trunk.answers("1"))
        await asyncio.sleep(2.5)
        assert len(trunk.answers("1")) == count


async def test_a_call_that_is_cancelled_before_the_answer_is_called_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scripted(tmp_path, monkeypatch) as (line, trunk, _):
        trunk.call(more=VOUCHED)
        trunk.ask_in("1", "CANCEL", branch="z9hG4bK1")
        await trunk.answered(status=487)
        told = (await line.ends(1))[0]
    assert (told.result, told.call_back, told.vouched) == (IncomingCallResult.ABANDONED, True, True)
    assert 200 not in [each.status_code for each in trunk.answers("1")]


async def test_calls_with_invented_numbers_are_limited_in_their_rate_and_open_no_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scripted(tmp_path, monkeypatch, "per_second = 1.0") as (line, trunk, _):
        for number in range(6):
            trunk.call(f"f{number}", caller=f"1990000130{number}")
            trunk.ask_in(f"f{number}", "CANCEL", branch=f"z9hG4bKf{number}")
        statuses = [[each.status_code for each in trunk.answers(f"f{number}")] for number in range(6)]
        assert statuses[:2] == [[180, 487], [180, 487]]
        assert [503] in statuses
        ends = await line.ends(2)
        trunk.call("real", more=VOUCHED)
        await trunk.answered("real")
    assert [(each.result, each.call_back, each.vouched) for each in ends[:2]] == [
        (IncomingCallResult.ABANDONED, False, False)
    ] * 2


async def test_a_call_that_is_ended_by_a_bye_before_the_answer_has_a_final_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scripted(tmp_path, monkeypatch) as (line, trunk, _):
        trunk.call(more=VOUCHED)
        trunk.ask_in("1", "BYE", number=2)
        await trunk.answered(status=487)
        assert (await line.ends(1))[0].result is IncomingCallResult.ABANDONED


def test_a_caller_who_changes_the_coding_while_waiting_hears_the_new_one() -> None:
    sounds, stream = CallerSounds({"PCMA": [b"a"], "PCMU": [b"u"]}, {}, {}), RtpStream(None)
    source = sounds.waiting_for(stream)
    assert source() is None
    for name, kind in (("PCMA", "8"), ("PCMU", "0")):
        offered = offer("127.0.0.1", MEDIA_PORT, None).replace("8 0 101", f"{kind} 101")
        stream.agree(agreed(offered, secure=False))
        assert source() == {"PCMA": b"a", "PCMU": b"u"}[name]


async def test_a_caller_without_an_offer_answers_that_of_the_gateway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scripted(tmp_path, monkeypatch) as (line, trunk, exchange):
        assert await line.ready() == 202
        trunk.call(sdp="")
        answer = await trunk.answered(sdp=offer("127.0.0.1", MEDIA_PORT, None))
        assert "m=audio" in answer.text
        exchange.answer(await rung(exchange, 1), 200, offer("127.0.0.1", MEDIA_PORT, None))
        await line.told(CONNECTED)


@pytest.mark.parametrize("offered", [NO_LAW, "v=0\r\nm=audio x\r\n"], ids=["no known coding", "unreadable"])
async def test_a_call_whose_sound_cannot_be_agreed_is_refused_and_called_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offered: str
) -> None:
    async with scripted(tmp_path, monkeypatch) as (line, trunk, _):
        trunk.call(sdp=offered, more=VOUCHED)
        await trunk.answered(status=488)
        told = (await line.ends(1))[0]
    assert (told.result, told.call_back) == (IncomingCallResult.NO_SOUND, True)


async def test_an_extension_that_the_caller_needs_is_refused_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scripted(tmp_path, monkeypatch) as (line, trunk, _):
        trunk.call(more="Require: 100rel")
        assert (await trunk.answered(status=420)).get_header("Unsupported") == "100rel"
        assert line.incoming == []
