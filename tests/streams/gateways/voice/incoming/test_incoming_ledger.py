"""Incoming calls on disk: what a new process reports of the calls that the previous one left, and what is deleted."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from schemas.channels.incoming_calls import IncomingCallResult, IncomingCallState
from streams.gateways.voice.incoming.ledger import IncomingCallLedger, IncomingChange
from streams.gateways.voice.incoming.ready import ReadyOperators
from streams.gateways.voice.ledger import VoiceLedger
from streams.gateways.voice.operators.phones_in_use import PhonesInUse

CALL, OTHER = "c" + "0" * 20, "c" + "1" * 20
CALLER = "+8619900001234"


@asynccontextmanager
async def disk(folder: Path) -> AsyncIterator[tuple[VoiceLedger, IncomingCallLedger]]:
    """The file of a process."""
    ledger = VoiceLedger(folder / "voice.sqlite")
    await ledger.open()
    try:
        yield ledger, IncomingCallLedger(ledger)
    finally:
        await ledger.close()


async def test_a_call_that_the_process_left_is_in_doubt_and_its_caller_is_called_back(tmp_path: Path) -> None:
    async with disk(tmp_path) as (_, calls):
        await calls.open()
        await calls.begin(CALL, CALLER, time.time())
        await calls.change(CALL, IncomingChange(IncomingCallState.CONNECTED, "wang", answered=True, waited=3.0))
        await calls.reported(CALL, 2)
        await calls.begin(OTHER, "", time.time())
    async with disk(tmp_path) as (_, calls):
        assert await calls.open() == 2
        assert await calls.unreported() == [CALL, OTHER]
        left, withheld = await calls.report(CALL), await calls.report(OTHER)
        assert left is not None
        assert withheld is not None
        assert (left.result, left.call_back, left.caller, left.sequence) == (
            IncomingCallResult.IN_DOUBT,
            True,
            CALLER,
            3,
        )
        assert (withheld.result, withheld.call_back) == (IncomingCallResult.IN_DOUBT, False)
        await calls.reported(CALL, 3)
        assert await calls.open() == 0
        assert await calls.unreported() == [OTHER]


async def test_a_number_is_on_disk_only_until_the_end_of_the_call_is_accepted(tmp_path: Path) -> None:
    async with disk(tmp_path) as (ledger, calls):
        await calls.open()
        await calls.begin(CALL, CALLER, time.time())
        await calls.reported(CALL, 1)
        await calls.change(
            CALL, IncomingChange(IncomingCallState.ENDED, result=IncomingCallResult.ABANDONED, call_back=True)
        )
        report = await calls.report(CALL)
        assert report is not None
        assert report.caller == CALLER
        assert CALLER not in repr(report)
        await calls.reported(CALL, report.sequence)
        assert await calls.report(CALL) is None
        await ledger.erase()
    assert CALLER.encode() not in (tmp_path / "voice.sqlite").read_bytes()


async def test_an_ended_call_does_not_change_and_is_forgotten_in_time(tmp_path: Path) -> None:
    async with disk(tmp_path) as (_, calls):
        await calls.open()
        await calls.begin(CALL, CALLER, 1000.0)
        assert await calls.change(
            CALL, IncomingChange(IncomingCallState.ENDED, result=IncomingCallResult.NOT_SERVED, call_back=True)
        )
        assert not await calls.change(CALL, IncomingChange(IncomingCallState.QUEUED))
        await calls.forget(999.0)
        assert await calls.unreported() == [CALL]
        await calls.forget(1001.0)
        assert await calls.unreported() == []


async def test_who_is_ready_stays_so_in_a_new_process_but_not_for_ever(tmp_path: Path) -> None:
    phones = {"wang": "2001", "li": "2002"}
    async with disk(tmp_path) as (_, calls):
        await calls.open()
        operators = ReadyOperators(calls, phones, PhonesInUse(), lambda: True, 3600)
        await operators.set_ready("wang", ready=True)
        await operators.set_ready("li", ready=True)
        await operators.set_ready("li", ready=False)
        await calls.set_ready("gone", time.time())  # has no telephone any more
    async with disk(tmp_path) as (_, calls):
        await calls.open()
        operators = ReadyOperators(calls, phones, PhonesInUse(), lambda: True, 3600)
        await operators.open()
        assert operators.logins == ["wang"]
        assert operators.take_free() == "wang"
        assert operators.take_free() is None
        late = ReadyOperators(calls, phones, PhonesInUse(), lambda: True, 0.0)
        await late.open()
        assert late.logins == []


async def test_nobody_is_rung_while_the_exchange_is_down(tmp_path: Path) -> None:
    async with disk(tmp_path) as (_, calls):
        await calls.open()
        up = [False]
        operators = ReadyOperators(calls, {"wang": "2001"}, PhonesInUse(), lambda: up[0], 3600)
        await operators.set_ready("wang", ready=True)
        assert operators.take_free() is None
        up[0] = True
        assert operators.take_free() == "wang"
