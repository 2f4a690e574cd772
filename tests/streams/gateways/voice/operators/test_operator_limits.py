"""The gateway during an operator's call, and its stop, with trunks that are lists of messages."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from schemas.channels.operator_calls import CallEnder, OperatorCallResult, OperatorCallState
from streams.gateways.voice import process
from tests.streams.gateways.voice.centre import running_gateway
from tests.streams.gateways.voice.operators.desk import Desk, configured, reported_to
from tests.streams.gateways.voice.operators.scripted import ScriptedTrunk


@asynccontextmanager
async def in_a_call(
    folder: Path,
    patch: pytest.MonkeyPatch,
    stop_seconds: float,
    *,
    talks: bool = True,
    more: str = "",
    answers: bool = True,
) -> AsyncIterator[tuple[Desk, asyncio.Event, "asyncio.Task[None]"]]:
    """A gateway in which wang talks, or calls a resident; yields an event that stops it, and its task."""
    resident, operator = trunks = ScriptedTrunk(), ScriptedTrunk()
    made = list(trunks)
    patch.setattr(process, "make_trunk", lambda *_: made.pop(0))
    stop, ready = asyncio.Event(), asyncio.Event()
    async with reported_to() as desk:

        async def run() -> None:
            async with running_gateway(desk.gateway, configured(folder, desk, 5060, 5070, more=more), stop_seconds):
                ready.set()
                await stop.wait()

        running = asyncio.create_task(run())
        await ready.wait()
        assert await desk.call("c1") == 202
        await operator.pick_up()
        if talks:
            await resident.pick_up()
            await desk.until(OperatorCallState.CONNECTED)
        else:
            resident.answer(await resident.request("INVITE"), 180)
        try:
            yield desk, stop, running
        finally:
            stop.set()
            for trunk in ((resident, operator) if talks else (operator,)) if answers else ():
                trunk.answer(await trunk.request("BYE", 20), 200)
            await asyncio.wait_for(running, 20)


async def test_a_stop_takes_no_call_but_lets_the_operator_hang_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with in_a_call(tmp_path, monkeypatch, 30) as (desk, stop, running):
        stop.set()
        async with asyncio.timeout(5):
            while await desk.call("c2", "li", when_up=False) == 202:  # noqa: ASYNC110 - told to nobody
                await asyncio.sleep(0.01)
        assert await desk.call("c3", "li", when_up=False) == 503
        assert not running.done()
        assert await desk.act("c1", "hang_up") == 202
        told = await desk.ended()
    assert (told.call, told.result, told.ended_by) == ("c1", OperatorCallResult.ANSWERED, CallEnder.OPERATOR)


async def test_a_talk_that_the_stop_ends_was_ended_by_the_gateway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with in_a_call(tmp_path, monkeypatch, 0.1) as (desk, stop, _):
        stop.set()
        told = await desk.ended()
    assert (told.result, told.ended_by) == (OperatorCallResult.ANSWERED, CallEnder.GATEWAY)


async def test_a_dialling_that_the_stop_ends_was_not_cancelled_by_the_operator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with in_a_call(tmp_path, monkeypatch, 0.1, talks=False) as (desk, stop, _):
        stop.set()
        told = await desk.ended()
    assert told.result is OperatorCallResult.FAILED


async def test_a_stop_does_not_wait_long_for_telephones_that_answer_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with in_a_call(tmp_path, monkeypatch, 0.1, answers=False) as (_, stop, running):
        began = time.monotonic()
        stop.set()
        await asyncio.wait_for(running, 60)
        assert time.monotonic() - began < 15  # with 60 s for the calls, far from the 120 s of systemd


async def test_no_more_calls_than_allowed_are_under_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with in_a_call(tmp_path, monkeypatch, 0.1, more="concurrent = 1") as (desk, _, _):
        assert await desk.call("c2", "li", when_up=False) == 503
        assert await desk.call("c1") == 202  # known


async def test_an_act_that_comes_again_after_a_later_one_has_no_effect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with in_a_call(tmp_path, monkeypatch, 0.1) as (desk, _, _):
        assert await desk.act("c1", "hold", "a1") == 202
        assert await desk.act("c1", "resume", "a2") == 202
        assert await desk.act("c1", "hold", "a1") == 202
        assert await desk.act("c1", "hang_up", "a3") == 202
        told = await desk.ended()
    assert told.sequence == 6  # ringing twice, connected, held, resumed, ended: no second hold
