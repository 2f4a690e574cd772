"""A gateway between two trunks that a test plays message by message."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiosipua.message import SipRequest

from streams.gateways.voice import process
from tests.streams.gateways.voice.centre import running_gateway
from tests.streams.gateways.voice.incoming.line import CallingTrunk, IncomingLine, incoming_line, taking_calls
from tests.streams.gateways.voice.operators.scripted import ScriptedTrunk


@asynccontextmanager
async def scripted(
    folder: Path, patch: pytest.MonkeyPatch, more: str = ""
) -> AsyncIterator[tuple[IncomingLine, CallingTrunk, ScriptedTrunk]]:
    """A gateway between two trunks that the test plays: that of callers, and the exchange."""
    trunk, exchange = trunks = CallingTrunk(), ScriptedTrunk()
    made: list[ScriptedTrunk] = [*trunks]
    patch.setattr(process, "make_trunk", lambda *_: made.pop(0))
    async with incoming_line() as line:
        answering = asyncio.create_task(_confirm_ends(trunk, exchange))
        try:
            async with running_gateway(line.gateway, taking_calls(folder, line, 5060, 5070, more)):
                yield line, trunk, exchange
        finally:
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)


async def _confirm_ends(*trunks: ScriptedTrunk) -> None:
    """Answer every BYE and CANCEL, so that nobody waits for it."""
    done: set[int] = set()
    while True:
        for trunk in trunks:
            for method in ("BYE", "CANCEL"):
                for each in trunk.requests(method):
                    if id(each) not in done:
                        done.add(id(each))
                        trunk.answer(each, 200)
                        if method == "CANCEL":
                            trunk.answer(_invite_of(trunk, each), 487)
        await asyncio.sleep(0.01)


def _invite_of(trunk: ScriptedTrunk, cancel: SipRequest) -> SipRequest:
    return next(each for each in trunk.requests("INVITE") if each.call_id == cancel.call_id)


async def rung(exchange: ScriptedTrunk, count: int) -> SipRequest:
    """Wait until so many calls to operators were placed, and return the latest one, which rings."""
    async with asyncio.timeout(15):
        while len(exchange.requests("INVITE")) < count:  # noqa: ASYNC110 - told to nobody
            await asyncio.sleep(0.005)
    invite = exchange.requests("INVITE")[count - 1]
    exchange.answer(invite, 180)
    return invite
