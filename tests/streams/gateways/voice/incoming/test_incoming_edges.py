"""Whom calls to the centre ring, in which order, and their limits, with trunks that are lists of messages."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from schemas.channels.incoming_calls import IncomingCallResult, IncomingCallState
from streams.gateways.voice.incoming.ledger import IncomingCallLedger, IncomingChange
from streams.gateways.voice.media.session import offer
from tests.streams.gateways.voice.incoming.line import CALLER
from tests.streams.gateways.voice.incoming.scripted_line import rung, scripted
from tests.streams.gateways.voice.operators.desk import PHONE
from tests.streams.gateways.voice.operators.scripted import MEDIA_PORT

QUEUED, RINGING, CONNECTED = IncomingCallState.QUEUED, IncomingCallState.RINGING, IncomingCallState.CONNECTED
LI = "19900005678"
VOUCHED = "P-Asserted-Identity: <sip:+8619900001234@carrier>"
NO_LAW = offer("127.0.0.1", MEDIA_PORT, None).replace("8 0 101", "9 101").replace("PCMA", "G722").replace("PCMU", "x")


async def test_the_next_operator_is_rung_if_the_first_does_not_pick_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scripted(tmp_path, monkeypatch, "ring_seconds = 1.0") as (line, trunk, exchange):
        assert await line.ready("wang") == 202
        assert await line.ready("li") == 202
        trunk.call()
        await trunk.answered()
        assert PHONE in (await rung(exchange, 1)).uri
        second = await rung(exchange, 2)
        assert LI in second.uri
        exchange.answer(second, 200, offer("127.0.0.1", MEDIA_PORT, None))
        assert (await line.told(CONNECTED)).operator == "li"
        assert (await line.phones()).json()["ready"] == ["li", "wang"]
    told = [each.sequence for each in line.incoming]  # a state that passes quickly is in the next report
    assert told == sorted(set(told))
    assert line.incoming[0].state is QUEUED


async def test_an_operator_who_lets_three_calls_ring_gets_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scripted(tmp_path, monkeypatch, "ring_seconds = 1.0\nwait_seconds = 30.0") as (line, trunk, exchange):
        assert await line.ready("wang") == 202
        trunk.call()
        await trunk.answered()
        for number in range(3):
            await rung(exchange, number + 1)
        async with asyncio.timeout(10):
            while (await line.phones()).json()["ready"]:  # noqa: ASYNC110 - told to nobody
                await asyncio.sleep(0.1)
        await asyncio.sleep(1)
        assert len(exchange.requests("INVITE")) == 3
        assert (await line.phones()).json()["waiting"] == 1


@pytest.mark.parametrize(("status", "sdp"), [(404, ""), (503, ""), (486, ""), (200, NO_LAW), (0, "")])
async def test_an_operator_whose_telephone_does_not_work_stays_ready_and_the_caller_s_wait_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, sdp: str
) -> None:
    """`status` 0: the exchange is silent."""
    async with scripted(tmp_path, monkeypatch, 'ring_seconds = 1.0\nwait_seconds = 6.0\ncall_back = "好"') as (
        line,
        trunk,
        exchange,
    ):
        assert await line.ready("wang") == 202
        trunk.call()
        await trunk.answered()
        invite = await exchange.request("INVITE", 15)
        if status:
            exchange.answer(invite, status, sdp)
        told = (await line.ends(1, 60))[0]
        assert len(exchange.requests("INVITE")) == 1
        assert (await line.phones()).json()["ready"] == ["wang"]
    assert (told.result, told.call_back) == (IncomingCallResult.NOT_SERVED, True)
    assert told.waited is not None
    assert 6 <= told.waited < 20


async def test_the_caller_is_hung_up_at_once_also_if_the_operator_s_telephone_does_not_confirm_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scripted(tmp_path, monkeypatch) as (line, trunk, exchange):
        assert await line.ready("wang") == 202
        trunk.call()
        await trunk.answered()
        exchange.answer(await rung(exchange, 1), 200, offer("127.0.0.1", MEDIA_PORT, None))
        call = (await line.told(CONNECTED)).call
        with monkeypatch.context() as silent:
            silent.setattr(exchange, "answer", lambda *_: None)
            assert await line.act(call, "hang_up") == 202
            await asyncio.gather(trunk.request("BYE", 10), exchange.request("BYE", 10))
            assert await line.act(call, "hold") == 409
        assert line.ended_calls == []
        exchange.answer(exchange.requests("BYE")[-1], 200)
        assert (await line.ends(1))[0].result is IncomingCallResult.ANSWERED


async def test_a_caller_for_whom_an_operator_rang_in_vain_is_still_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scripted(tmp_path, monkeypatch, "ring_seconds = 1.0") as (line, trunk, exchange):
        for number in range(2):
            trunk.call(str(number), caller=f"1990000120{number}")
            await trunk.answered(str(number))
        await asyncio.sleep(0.2)
        assert await line.ready("wang") == 202
        await rung(exchange, 1)
        exchange.answer(await rung(exchange, 2), 200, offer("127.0.0.1", MEDIA_PORT, None))
        assert (await line.told(CONNECTED)).caller[-1] == "0"


async def test_a_disk_that_refuses_a_state_keeps_no_caller_from_an_operator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = IncomingCallLedger.change

    async def refusing(ledger: IncomingCallLedger, call: str, to: IncomingChange) -> bool:
        if to.state in (QUEUED, RINGING):
            raise sqlite3.OperationalError("disk I/O error")
        return await change(ledger, call, to)

    monkeypatch.setattr(IncomingCallLedger, "change", refusing)
    async with scripted(tmp_path, monkeypatch) as (line, trunk, exchange):
        assert await line.ready("wang") == 202
        trunk.call()
        await trunk.answered()
        exchange.answer(await rung(exchange, 1), 200, offer("127.0.0.1", MEDIA_PORT, None))
        assert (await line.told(CONNECTED)).operator == "wang"


async def test_a_call_that_has_ended_takes_no_line_while_the_disk_refuses_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, refused = IncomingCallLedger.begin, [True]

    async def refusing(ledger: IncomingCallLedger, call: str, caller: str, at: float, *, vouched: bool) -> None:
        if caller == CALLER and refused[0]:
            raise sqlite3.OperationalError("disk I/O error")
        await begin(ledger, call, caller, at, vouched=vouched)

    monkeypatch.setattr(IncomingCallLedger, "begin", refusing)
    async with scripted(tmp_path, monkeypatch, "waiting = 1\nconcurrent = 1") as (line, trunk, _):
        trunk.call("1", more=VOUCHED)
        trunk.call("2", caller="19900001202")
        await trunk.answered("2", 503)
        trunk.ask_in("1", "CANCEL", branch="z9hG4bK1")
        trunk.call("3", caller="19900001203")
        await trunk.answered("3")
        refused[0] = False
        assert (await line.ends(1))[0].result is IncomingCallResult.ABANDONED


async def test_callers_are_served_in_the_order_in_which_they_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scripted(tmp_path, monkeypatch) as (line, trunk, exchange):
        for number in range(3):
            trunk.call(str(number), caller=f"1990000120{number}")
            await trunk.answered(str(number))
        await asyncio.sleep(0.2)
        assert await line.ready("wang") == 202
        for number in range(3):
            exchange.answer(await rung(exchange, number + 1), 200, offer("127.0.0.1", MEDIA_PORT, None))
            async with asyncio.timeout(10):
                while [each.state for each in line.incoming].count(CONNECTED) <= number:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            trunk.ask_in(str(number), "BYE", number=2)
        ends = await line.ends(3)
    assert [each.caller[-1] for each in ends] == ["0", "1", "2"]
    assert {each.result for each in ends} == {IncomingCallResult.ANSWERED}


async def test_limits_turn_callers_away_and_outgoing_calls_are_placed_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = "waiting = 2\nconcurrent = 4\nper_caller = 1\nwithheld = 1"
    async with scripted(tmp_path, monkeypatch, limits) as (line, trunk, exchange):
        for name, caller in (("a", "19900001201"), ("b", "anonymous"), ("c", "19900001203"), ("d", "19900001204")):
            trunk.call(name, caller=caller)
        trunk.call("e", caller="19900001201")  # this caller has a call
        trunk.call("f", caller="anonymous")
        trunk.call("g", caller="19900001205")  # no line is left
        for name, status in {"e": 486, "f": 486, "g": 503}.items():
            await trunk.answered(name, status)
        for name in "abcd":
            await trunk.answered(name)
        assert await line.call("c1", "li") == 202
        assert LI in (await rung(exchange, 1)).uri
        ends = await line.ends(2)
        assert {(each.result, each.call_back, each.caller[-1:]) for each in ends} == {
            (IncomingCallResult.QUEUE_FULL, True, "3"),
            (IncomingCallResult.QUEUE_FULL, True, "4"),
        }


async def test_an_operator_who_calls_somebody_is_not_rung(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with scripted(tmp_path, monkeypatch) as (line, trunk, exchange):
        assert await line.ready("wang") == 202
        assert await line.call("c1", "wang") == 202
        outgoing = await rung(exchange, 1)
        trunk.call()
        await trunk.answered()
        await line.told(QUEUED)
        await asyncio.sleep(1)
        assert len(exchange.requests("INVITE")) == 1
        exchange.answer(outgoing, 486)
        assert PHONE in (await rung(exchange, 2)).uri


async def test_the_network_s_word_about_the_caller_counts_before_the_caller_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scripted(tmp_path, monkeypatch) as (line, trunk, _):
        trunk.call(caller="110", more="P-Asserted-Identity: <sip:+8619900001234@carrier>")
        await trunk.answered()
        assert (await line.told(QUEUED)).caller == CALLER


async def test_a_gateway_that_stops_tells_those_who_wait_and_takes_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scripted(tmp_path, monkeypatch) as (line, trunk, _):
        trunk.call()
        await trunk.answered()
        await line.told(QUEUED)
    told = line.ended_calls
    assert [(each.result, each.call_back) for each in told] == [(IncomingCallResult.NOT_SERVED, True)]


async def test_reports_that_are_refused_come_again_and_nobody_else_may_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scripted(tmp_path, monkeypatch) as (line, trunk, _):
        line.refused = 2
        trunk.call()
        await trunk.answered()
        assert (await line.told(QUEUED)).caller == CALLER
        forged = await line._post("/operator-ready", "x", {"operator": "wang", "ready": True}, b"k" * 32)
        assert forged == 401
        assert await line.ready("nobody") == 422
        assert (await line.phones()).json() == {"logins": ["li", "wang"], "ready": [], "waiting": 1}
