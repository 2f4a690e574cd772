"""An operator's call at its edges: nobody is dialled or kept in a call that has ended."""

import asyncio
import socket
import sqlite3
import struct
import time
from collections.abc import Callable
from dataclasses import replace
from unittest.mock import AsyncMock, Mock

import httpx
import numpy as np
import orjson
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse

from schemas.channels.operator_calls import CallEnder, OperatorCallResult, OperatorCallState
from streams.channels.signing import SignedMessage, sign
from streams.gateways.voice.media.g711 import A_LAW, coded
from streams.gateways.voice.operators import party
from streams.gateways.voice.operators.conversation import ConversationRules
from streams.gateways.voice.operators.ledger import CallChange
from streams.gateways.voice.operators.orders import OperatorOrders
from streams.runtime.serving import Refused
from tests.streams.gateways.voice.centre import KEY
from tests.streams.gateways.voice.operators.scripted import ScriptedCall, ScriptedTrunk, holding

RULES = ConversationRules(5.0, 5.0, 60.0, {})


async def test_a_resident_is_not_dialled_after_the_operator_has_gone() -> None:
    call, free = ScriptedCall(resident=ScriptedTrunk(reliable=False)), asyncio.Event()

    async def slow(to: CallChange) -> None:
        if to.state is OperatorCallState.RINGING:
            await free.wait()

    call.disk = slow
    async with holding(call, RULES) as (_, task):
        await call.operator.pick_up()
        await call.operator.request("ACK")
        call.operator.ask("BYE")
        free.set()
        await asyncio.wait_for(task, 2)
        await asyncio.sleep(0.6)  # an INVITE would be repeated after 0.5 s
    assert call.resident.requests("INVITE") == []
    assert call.changes[-1].result is OperatorCallResult.CANCELLED


async def test_an_invite_that_nobody_answered_is_not_repeated_after_the_end() -> None:
    call = ScriptedCall(resident=ScriptedTrunk(reliable=False))
    async with holding(call, RULES) as (talk, task):
        await call.operator.pick_up()
        invite = await call.resident.request("INVITE")
        talk.hang_up()
        call.operator.answer(await call.operator.request("BYE"), 200)
        await asyncio.wait_for(task, 2)
        await asyncio.sleep(0.6)
        assert len(call.resident.requests("INVITE")) == 1
        call.resident.answer(invite, 180)  # it rang after all
        await call.resident.request("CANCEL")


@pytest.mark.parametrize("by", ["operator", "act"])
async def test_a_disk_that_refuses_keeps_nobody_waiting_for_the_resident(by: str) -> None:
    call, free = ScriptedCall(), asyncio.Event()

    async def full(to: CallChange) -> None:
        await free.wait()

    call.disk = full
    async with holding(call, RULES) as (talk, _):
        await call.operator.pick_up()
        await call.operator.request("ACK")
        if by == "act":
            talk.hang_up()
            await call.operator.request("BYE")
        else:
            call.operator.ask("BYE")
        free.set()
        await until(lambda: bool(call.changes))
        assert call.resident.requests("INVITE") == []
    assert call.changes[-1].result is OperatorCallResult.CANCELLED


@pytest.mark.parametrize("by", [CallEnder.OPERATOR, CallEnder.RESIDENT])
async def test_a_disk_that_refuses_keeps_nobody_in_a_talk_and_adds_no_seconds(by: CallEnder) -> None:
    call = ScriptedCall()
    async with holding(call, RULES) as (talk, task):
        await call.operator.pick_up()
        await call.resident.request("INVITE")
        free = asyncio.Event()

        async def full(to: CallChange) -> None:
            await free.wait()

        call.disk = full
        await call.resident.pick_up()
        await call.resident.request("ACK")
        await asyncio.sleep(0.1)
        if by is CallEnder.OPERATOR:
            talk.hang_up()
            call.resident.answer(await call.resident.request("BYE"), 200)
        else:
            call.resident.ask("BYE")
        call.operator.answer(await call.operator.request("BYE"), 200)
        await asyncio.sleep(1.0)
        free.set()
        await asyncio.wait_for(task, 2)
    ending = call.changes[-1]
    assert (ending.result, ending.ended_by) == (OperatorCallResult.ANSWERED, by)
    assert ending.seconds is not None
    assert 0.05 < ending.seconds < 0.9


async def until(true: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait until something is true."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - told to nobody
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(("act", "status"), [("hang_up", 202), ("hold", 503)])
async def test_the_end_of_a_call_is_taken_though_the_disk_refuses_its_nonce(act: str, status: int) -> None:
    ledger = Mock(claim=AsyncMock(side_effect=sqlite3.OperationalError("disk full")))
    calls = Mock(
        act=AsyncMock(return_value=True), has_acted=Mock(return_value=False), operator=Mock(return_value="wang")
    )
    app = Starlette(routes=[*OperatorOrders(calls, Mock(), ledger, (KEY,)).routes])
    app.add_exception_handler(Refused, lambda request, error: JSONResponse({}, error.status))
    body = orjson.dumps({"call": "c1", "operator": "wang", "act": act})
    signed = sign(KEY, SignedMessage("voice", "/operator-call-acts", body), time.time(), "n" * 24)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
        headers = {"Idempotency-Key": "a1", "Content-Type": "application/json", **signed}
        answer = await client.post("/operator-call-acts", content=body, headers=headers)
    assert answer.status_code == status
    assert calls.act.await_count == (status == 202)


async def test_a_side_whose_connection_was_lost_is_hung_up_when_there_is_one_again() -> None:
    call = ScriptedCall()
    async with holding(call, RULES) as (talk, task):
        await call.operator.pick_up()
        await call.resident.pick_up()
        await call.resident.request("ACK")
        call.operator.line.lost = True
        talk.hang_up()
        call.resident.answer(await call.resident.request("BYE"), 200)
        await asyncio.sleep(0.1)
        call.operator.line.lost = False
        call.operator.answer(await call.operator.request("BYE"), 200)
        await asyncio.wait_for(task, 2)


async def test_a_dialling_that_ends_without_a_connection_is_cancelled_when_there_is_one_again() -> None:
    call = ScriptedCall()
    async with holding(call, RULES) as (talk, task):
        await call.operator.pick_up()
        call.resident.answer(await call.resident.request("INVITE"), 180)
        call.resident.line.lost = True
        talk.hang_up()
        call.operator.answer(await call.operator.request("BYE"), 200)
        await asyncio.wait_for(task, 2)
        call.resident.line.lost = False
        await call.resident.request("CANCEL")


@pytest.mark.parametrize("silent", ["operator", "resident", "nobody"])
async def test_a_side_that_sends_no_sound_any_more_ends_the_talk(silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(party, "SILENCE_SECONDS", 0.4)
    monkeypatch.setattr(party, "LOOK_SECONDS", 0.05)
    call = ScriptedCall()
    async with holding(call, RULES) as (_, task), asyncio.TaskGroup() as group:
        await call.operator.pick_up()
        await call.resident.request("INVITE")
        speaking = [
            group.create_task(_speaks(int(trunk.requests("INVITE")[0].text.split("m=audio ")[1].split()[0])))
            for name, trunk in (("operator", call.operator), ("resident", call.resident))
            if name != silent
        ]
        await call.resident.pick_up()
        await call.resident.request("ACK")
        if silent == "nobody":
            await asyncio.sleep(1.5)
            assert not call.operator.requests("BYE")
        else:
            call.operator.answer(await call.operator.request("BYE"), 200)
            call.resident.answer(await call.resident.request("BYE"), 200)
            await asyncio.wait_for(task, 2)
            assert call.changes[-1].ended_by is CallEnder.GATEWAY
        for each in speaking:
            each.cancel()


async def _speaks(port: int) -> None:
    """Send a packet of sound to a port again and again."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as source:
        for number in range(1000):
            source.sendto(struct.pack("!BBHII", 0x80, 8, number, 160 * number, 7) + b"\xd5" * 160, ("127.0.0.1", port))
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("after", ["answer", "end"])
async def test_early_sound_of_another_telephone_moves_nothing_after_the_answer_or_the_end(after: str) -> None:
    line = ScriptedTrunk()
    leg = line.leg("1")
    early: list[str] = []
    leg.events.early = early.append
    dialling = asyncio.create_task(leg.dial("o", 5.0 if after == "answer" else 0.1))
    invite = await line.request("INVITE")
    line.answer(invite, 183, "first", tag="a")
    if after == "answer":
        line.answer(invite, 200, "answer", tag="a")
    await dialling
    line.answer(invite, 183, "second", tag="b")
    assert early == ["first"]


async def test_a_hold_takes_no_time_to_code_its_music() -> None:
    music = np.arange(120 * 8000, dtype=np.int64).astype(np.int16)  # two minutes, the longest file
    call = ScriptedCall()
    async with holding(call, replace(RULES, music=coded(music))) as (talk, _):
        await call.operator.pick_up()
        await call.resident.pick_up()
        await until(lambda: len(call.changes) == 2)
        assert await talk.set_held(True)
        bridge = talk._bridge
        assert bridge is not None
        began = time.perf_counter()
        first = bridge._for_resident()
        assert time.perf_counter() - began < 0.02
        assert first == A_LAW.frames(music[:160])[0]
        assert bridge._for_resident() == A_LAW.frames(music[160:320])[0]


async def test_a_port_is_free_for_another_call_only_when_the_end_was_answered() -> None:
    call = ScriptedCall()
    async with holding(call, RULES) as (talk, task):
        await call.operator.pick_up()
        await call.resident.pick_up()
        port = int(call.resident.requests("INVITE")[0].text.split("m=audio ")[1].split()[0])
        await call.resident.request("ACK")
        talk.hang_up()
        bye = await call.resident.request("BYE")
        call.operator.answer(await call.operator.request("BYE"), 200)
        await asyncio.sleep(0.1)
        assert _is_taken(port)
        call.resident.answer(bye, 200)
        await asyncio.wait_for(task, 2)
        assert not _is_taken(port)


def _is_taken(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        try:
            other.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
