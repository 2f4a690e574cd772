"""Who called the centre in vain stays on the list of call backs, also while Redis has lost it."""

from typing import Any

import pytest

from schemas.channels.incoming_calls import IncomingCallReport
from schemas.channels.operator_calls import OperatorCallReport
from streams.channels.operator_calls.incoming import CallBacks, IncomingBoard
from streams.messaging import topics
from streams.runtime.settings import Settings
from streams.state.shared_state import EmptiedError, Shared
from tests.channel_rig import Rig, rigged
from tests.dispatched import NOW

CALLER = "+8619900001239"


def ended(number: int, **more: object) -> IncomingCallReport:
    """The end of a call to the centre."""
    told = {"call": f"c{number:020x}", "at": NOW, "sequence": 2, "state": "ended", "caller": CALLER}
    return IncomingCallReport.model_validate(told | more)


async def owed(rig: Rig, board: IncomingBoard) -> list[str]:
    """The requests on the list once a worker has restored an emptied Redis."""
    restorer = CallBacks(rig.settings, rig.redis, rig.producer)
    await Shared(rig.settings, rig.redis, [restorer.restore], lease_seconds=1).ensure()
    return [each.id for each in await board.call_backs(NOW)]


async def asked_to_call_back(rig: Rig) -> tuple[IncomingBoard, str]:
    """Return the list, on which the caller is, and the id of the request."""
    topics.create(rig.settings, [topics.CALL_BACKS])
    await Shared(rig.settings, rig.redis, [], lease_seconds=1).ensure()
    board = IncomingBoard(rig.settings, rig.redis, rig.producer)
    await board.take(ended(1, result="not_served", call_back=True), NOW)
    return board, board.requests_of(CALLER)[0]


def tried(call: str, request: str) -> OperatorCallReport:
    """The end of a call back that the caller did not answer."""
    told = {"call": call, "case": request, "operator": "wang", "sequence": 3, "state": "ended", "result": "no_answer"}
    return OperatorCallReport.model_validate(told)


async def test_a_call_back_that_ends_while_redis_is_emptied_leaves_the_request(settings: Settings) -> None:
    async with rigged(settings) as rig:
        board, request = await asked_to_call_back(rig)
        call = f"0123.{request}"
        assert await board.claim(request, "wang", call, NOW)
        await rig.redis.flushdb()
        with pytest.raises(EmptiedError):  # the gateway reports it again
            await board.take_call_back(tried(call, request), NOW)
        assert await owed(rig, board) == [request]
        await board.take_call_back(tried(call, request), NOW)
        assert await owed(rig, board) == [request]


async def test_a_call_that_ends_while_redis_is_emptied_leaves_the_callers_earlier_request(settings: Settings) -> None:
    async with rigged(settings) as rig:
        board, request = await asked_to_call_back(rig)
        await rig.redis.flushdb()
        with pytest.raises(EmptiedError):
            await board.take(ended(2, result="abandoned"), NOW)
        assert await owed(rig, board) == [request]
        assert await board.take(ended(2, result="abandoned"), NOW)
        assert await owed(rig, board) == [request]


async def test_a_request_that_redis_loses_while_a_report_is_taken_in_stays_on_the_topic(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rigged(settings) as rig:
        board, request = await asked_to_call_back(rig)
        changed = board._changed

        async def emptied(*args: Any) -> object:  # noqa: ANN401 - as it is asked
            await rig.redis.flushdb()
            return await changed(*args)

        monkeypatch.setattr(board, "_changed", emptied)
        with pytest.raises(EmptiedError):
            await board.take(ended(2, result="abandoned"), NOW)
        monkeypatch.undo()
        assert await owed(rig, board) == [request]
