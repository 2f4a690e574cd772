"""One operator calls a caller back, also if the page to work on cannot be made."""

from types import SimpleNamespace
from typing import Any

import pytest

from console.web.auth import trail
from console.web.operator_calls import call_backs
from console.web.operator_calls.call_backs import BackStart, BackStarted
from schemas.channels.incoming_calls import IncomingCallReport
from schemas.channels.operator_calls import OperatorCallReport
from streams.channels.operator_calls.incoming import IncomingBoard
from streams.channels.operator_calls.phones import Placed
from streams.messaging import topics
from streams.runtime.settings import Settings
from streams.state.shared_state import Shared
from tests.channel_rig import rigged
from tests.dispatched import NOW

CALLER = "+8619900001235"


class Phones:
    """The operators' telephones, which ring. `placed`: the calls that were ordered."""

    def __init__(self) -> None:
        self.placed: list[str] = []

    def has(self, _: str) -> bool:
        return True

    async def place(self, call: str, *_: str) -> Placed:
        self.placed.append(call)
        return Placed.TAKEN


async def nothing(*_: object, **__: object) -> None:
    """Neither an audit entry nor a case."""


async def slow(*_: object) -> str:
    """Kafka does not answer in time."""
    raise TimeoutError


async def test_a_call_back_that_rings_is_one_operators_though_the_page_fails_and_its_talk_settles_the_request(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rigged(settings) as rig:
        topics.create(rig.settings, [topics.CALL_BACKS])
        await Shared(rig.settings, rig.redis, [], lease_seconds=1).ensure()
        board, phones = IncomingBoard(rig.settings, rig.redis, rig.producer), Phones()
        in_vain = {"call": f"c{1:020x}", "at": NOW, "sequence": 2, "state": "ended", "caller": CALLER}
        in_vain |= {"result": "not_served", "call_back": True}
        await board.take(IncomingCallReport.model_validate(in_vain), NOW)
        request = board.requests_of(CALLER)[0]
        monkeypatch.setattr(trail, "write", nothing)
        monkeypatch.setattr(call_backs, "_case_of", nothing)
        monkeypatch.setattr(call_backs, "page_of", slow)
        services: Any = SimpleNamespace(incoming=board, line=SimpleNamespace(clock=rig.clock))

        async def start(login: str) -> BackStarted:
            who: Any = SimpleNamespace(login=login)
            with_phones: Any = phones
            return await call_backs.start_call_back(services, with_phones, who, request)

        with pytest.raises(TimeoutError):
            await start("wang")
        assert (await start("li")).start is BackStart.TAKEN
        (call,) = phones.placed
        talked = {"call": call, "case": request, "operator": "wang", "sequence": 3, "state": "ended"}
        talked |= {"answered": True, "result": "answered"}
        await board.take_call_back(OperatorCallReport.model_validate(talked), NOW)
        assert await board.call_backs(NOW) == []
