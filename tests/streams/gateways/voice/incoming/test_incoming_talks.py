"""Calls to the centre from a real telephone: what caller and operator hear, and how it ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from schemas.channels.incoming_calls import IncomingCallResult, IncomingCallState
from schemas.channels.operator_calls import CallEnder
from streams.gateways.voice.incoming.table import CALL_BACK, GREETING
from tests.streams.gateways.voice.centre import running_gateway
from tests.streams.gateways.voice.incoming.line import CALLER, IncomingLine, incoming_line, taking_calls
from tests.streams.gateways.voice.operators.test_operator_talks import hears, said
from tests.tools.gateway.baresip import BaresipPhone, baresip_phone, write_wav

QUEUED, CONNECTED = IncomingCallState.QUEUED, IncomingCallState.CONNECTED


@asynccontextmanager
async def telephones(
    folder: Path, more: str = "", speech: str = ""
) -> AsyncIterator[tuple[IncomingLine, BaresipPhone, BaresipPhone]]:
    """A gateway between the caller's and the operator's telephone."""
    folders = [folder / "operator", folder / "caller"]
    for each in folders:
        each.mkdir()
    async with (
        baresip_phone(folders[0], plays=said(1)) as operator,
        baresip_phone(folders[1], plays=said(2)) as caller,
        incoming_line() as line,
        running_gateway(line.gateway, taking_calls(folder, line, caller.port, operator.port, more, speech)),
    ):
        yield line, operator, caller


async def test_a_caller_waits_with_music_until_an_operator_is_ready_and_both_hear_each_other(tmp_path: Path) -> None:
    write_wav(tmp_path / "queue.wav", said(3))
    async with telephones(tmp_path, 'music = "queue.wav"') as (line, operator, caller):
        caller.dial(f"sip:96110@127.0.0.1:{line.port}")
        waits = await line.told(QUEUED)
        await hears(caller, said(3))
        assert await line.ready("wang") == 202
        await line.told(CONNECTED)
        await asyncio.gather(hears(caller, said(1)), hears(operator, said(2)))
        operator.press("b")  # hangs up
        told = (await line.ends(1))[0]
        async with asyncio.timeout(10):
            while "terminated" not in caller.said() and "closed" not in caller.said():  # noqa: ASYNC110
                await asyncio.sleep(0.1)
    assert (waits.caller, waits.operator) == (CALLER, None)
    assert [state for state in line.course() if state != "ringing"] == ["queued", "connected", "ended"]
    assert (told.result, told.ended_by, told.operator) == (IncomingCallResult.ANSWERED, CallEnder.OPERATOR, "wang")
    assert (told.call_back, len({each.call for each in line.incoming})) == (False, 1)
    assert told.seconds is not None
    assert told.seconds > 1


async def test_a_caller_on_hold_hears_music_and_the_console_ends_the_talk(tmp_path: Path) -> None:
    write_wav(tmp_path / "queue.wav", said(3))
    async with telephones(tmp_path, 'music = "queue.wav"') as (line, _, caller):
        assert await line.ready("wang") == 202
        caller.dial(f"sip:96110@127.0.0.1:{line.port}")
        call = (await line.told(CONNECTED)).call
        await hears(caller, said(1))
        until = len(caller.heard())
        assert await line.act(call, "hold") == 202
        await line.told(CONNECTED, held=True)
        await hears(caller, said(3))
        assert len(caller.heard()) > until
        assert await line.act(call, "resume") == 202
        assert await line.act(call, "hang_up") == 202
        told = (await line.ends(1))[0]
        assert await line.act(call, "hang_up") == 409
    assert (told.result, told.ended_by) == (IncomingCallResult.ANSWERED, CallEnder.OPERATOR)


async def test_whom_nobody_serves_hears_that_the_centre_calls_back(tmp_path: Path) -> None:
    (tmp_path / "spoken").mkdir()
    for name, seed in (("greeting", 4), ("back", 5)):
        write_wav(tmp_path / "spoken" / f"{name}.wav", said(seed))
    index = f'[zh]\n"{GREETING}" = "greeting.wav"\n"{CALL_BACK}" = "back.wav"\n'
    (tmp_path / "spoken" / "index.toml").write_text(index, "utf-8")
    async with telephones(tmp_path, "wait_seconds = 5.0", 'recordings = "spoken"') as (line, _, caller):
        caller.dial(f"sip:96110@127.0.0.1:{line.port}")
        told = (await line.ends(1))[0]
        await asyncio.gather(hears(caller, said(4)), hears(caller, said(5)))
    assert (told.result, told.call_back, told.caller) == (IncomingCallResult.NOT_SERVED, True, CALLER)
    assert told.waited is not None
    assert 5 <= told.waited < 15


async def test_a_caller_who_hangs_up_in_the_queue_is_called_back(tmp_path: Path) -> None:
    async with telephones(tmp_path) as (line, _, caller):
        caller.dial(f"sip:96110@127.0.0.1:{line.port}")
        await line.told(QUEUED)
        await asyncio.sleep(0.5)
        caller.press("b")
        told = (await line.ends(1))[0]
    assert (told.result, told.call_back, told.operator) == (IncomingCallResult.ABANDONED, True, None)


async def test_a_call_to_another_number_is_not_taken(tmp_path: Path) -> None:
    async with telephones(tmp_path) as (line, _, caller):
        caller.dial(f"sip:96119@127.0.0.1:{line.port}")
        async with asyncio.timeout(10):
            while "404" not in caller.said():  # noqa: ASYNC110 - told to nobody
                await asyncio.sleep(0.1)
    assert line.incoming == []
