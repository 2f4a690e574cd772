"""Reports on calls to the centre at intake, and what becomes of the requests to call back."""

import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest
from pydantic import SecretStr

from schemas.channels.call_backs import CallBack
from schemas.channels.incoming_calls import IncomingCallState
from schemas.channels.operator_calls import OperatorCallReport
from streams.channels.operator_calls import incoming
from streams.channels.operator_calls.incoming import IncomingBoard
from streams.channels.settings import load as load_channels
from streams.channels.signing import SignedMessage, sign
from streams.state.keys import CALL_BACKS, INCOMING_CALLS, INCOMING_ENDED
from tests.console.harness.stage import Stage

PATH = "/receipts/incoming-calls"
NUMBER = "+8619900001234"


async def nobody_waits(console: Stage) -> None:
    """Forget what another test has left."""
    redis: Any = console.services.line.redis
    ended = [key async for key in redis.scan_iter(f"{INCOMING_ENDED}*")]
    await redis.delete(INCOMING_CALLS, CALL_BACKS, *ended)


def told(number: int, sequence: int, state: str, caller: str = NUMBER, **more: object) -> dict[str, Any]:
    """A report on a call."""
    at = datetime.now(UTC).isoformat()
    return {"call": f"c{number:020x}", "at": at, "sequence": sequence, "state": state, "caller": caller, **more}


def unserved(number: int, caller: str = NUMBER) -> dict[str, Any]:
    """The end of a call that nobody has served."""
    return told(number, 2, "ended", caller, result="not_served", call_back=True)


async def report(console: Stage, body: object, key: bytes | None = None, path: str = PATH) -> httpx.Response:
    raw = orjson.dumps(body)
    key = key or load_channels().receipt_keys(console.house.settings)["voice"][0]
    signed = sign(key, SignedMessage("voice", path, raw), time.time(), secrets.token_hex(12))
    # The first answer is checked against the description, which is made then and may take longer than a server keeps a
    # connection: the next report must not meet its end.
    return await console.house.intake.post(path, content=raw, headers={**signed, "connection": "close"})


def board(console: Stage) -> IncomingBoard:
    return console.services.incoming


async def test_a_call_is_shown_as_it_stands_and_a_late_report_changes_nothing(console: Stage) -> None:
    await nobody_waits(console)
    now = console.house.clock.now()
    assert (await report(console, told(1, 1, "queued"))).json() == {"taken": True}
    assert (await report(console, told(1, 2, "ringing", operator="wang"))).json() == {"taken": True}
    assert (await report(console, told(1, 1, "queued"))).json() == {"taken": False}
    live = (await board(console).calls(now))[0]
    assert (live.state, live.operator) == (IncomingCallState.RINGING, "wang")
    assert board(console).number(live.sealed) == NUMBER
    over = told(1, 3, "ended", operator="wang", answered=True, result="answered", seconds=3.0, ended_by="operator")
    assert (await report(console, over)).status_code == 200
    assert await board(console).calls(now) == []
    assert await board(console).call_backs(now) == []


async def test_a_report_that_is_forged_or_invalid_is_refused(console: Stage) -> None:
    await nobody_waits(console)
    assert (await report(console, told(1, 1, "queued"), b"another key that is long enough")).status_code == 401
    assert (await report(console, told(1, 1, "ringing"))).status_code == 400  # whose telephone?
    assert (await report(console, told(1, 1, "queued", "110"))).status_code == 400
    assert (await report(console, told(1, 1, "queued") | {"call_back": True})).status_code == 400
    assert await board(console).calls(console.house.clock.now()) == []


async def test_calls_of_one_number_are_one_request_and_no_number_is_readable_in_redis(console: Stage) -> None:
    await nobody_waits(console)
    for number in (1, 2):
        assert (await report(console, unserved(number))).json() == {"taken": True}
    assert (await report(console, unserved(2))).json() == {"taken": False}  # sent again: counts once
    assert (await report(console, unserved(3, "+8619900001235"))).status_code == 200
    found = await board(console).call_backs(console.house.clock.now())
    assert [(each.calls, board(console).number(each.sealed)) for each in found] == [(2, NUMBER), (1, "+8619900001235")]
    redis: Any = console.services.line.redis
    kept = b"".join(
        [*(await redis.hvals(CALL_BACKS)), *(await redis.hkeys(CALL_BACKS)), *(await redis.hvals(INCOMING_CALLS))]
    )
    assert b"9900001234" not in kept
    assert await redis.pttl(CALL_BACKS) > 0
    line = console.services.line
    secret = line.settings.model_copy(update={"secret": SecretStr("another secret of the installation")})
    other = IncomingBoard(secret, line.redis, line.producer)
    assert other.number(found[0].sealed) == ""


async def on_topic(console: Stage) -> dict[str, CallBack]:
    """The requests as the topic has them, by id."""
    return {each.id: each for each in await console.services.line.call_backs.published()}


async def test_what_is_owed_outlives_redis_and_what_is_done_is_not_owed_again(console: Stage) -> None:
    await nobody_waits(console)
    line, now = console.services.line, console.house.clock.now()
    callers = [f"+861990000125{number}" for number in range(3)]
    for number, caller in enumerate(callers):
        assert (await report(console, unserved(number, caller))).json() == {"taken": True}
    served, tried, untouched = [board(console).requests_of(caller)[0] for caller in callers]
    for request, result in (
        (served, {"answered": True, "result": "answered", "seconds": 5.0}),
        (tried, {"result": "busy"}),
    ):
        call = f"0123.{request}"
        assert await board(console).claim(request, "wang", call, now) is not None
        ended = {"call": call, "case": request, "operator": "wang", "sequence": 3, "state": "ended", **result}
        ended |= {"ended_by": "operator"} if "answered" in result else {}
        assert (await report(console, ended, path="/receipts/operator-calls")).status_code == 200
    redis: Any = line.redis
    await redis.delete(CALL_BACKS)
    await line.call_backs.restore()
    found = [each for each in await board(console).call_backs(now) if each.id in (served, tried, untouched)]
    assert [(each.id, each.tries) for each in found] == [(untouched, 0), (tried, 1)]
    assert board(console).number(found[0].sealed) == callers[2]


async def test_a_report_is_not_confirmed_before_kafka_has_the_request_and_comes_again(
    console: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await nobody_waits(console)
    request = board(console).requests_of("+8619900001260")[0]

    async def away(*_: object) -> None:
        raise TimeoutError

    with monkeypatch.context() as broken:
        broken.setattr(incoming.CallBacks, "copy", away)
        assert (await report(console, unserved(1, "+8619900001260"))).status_code == 503
    assert request not in await on_topic(console)
    assert (await report(console, unserved(1, "+8619900001260"))).json() == {"taken": False}
    assert (await on_topic(console))[request].calls == 1


async def test_a_request_is_claimed_by_one_person_and_done_once_they_have_talked(console: Stage) -> None:
    await nobody_waits(console)
    now = console.house.clock.now()
    await report(console, unserved(1))
    request = (await board(console).call_backs(now))[0].id
    call = f"0123.{request}"
    assert await board(console).claim(request, "wang", call, now) is not None
    assert await board(console).claim(request, "li", f"4567.{request}", now) is None
    rings = {"call": call, "case": request, "operator": "wang", "sequence": 1, "state": "operator_ringing"}
    assert (await report(console, rings, path="/receipts/operator-calls")).json() == {"inputs": []}
    busy = rings | {"sequence": 3, "state": "ended", "result": "busy"}
    for _ in range(2):
        assert (await report(console, busy, path="/receipts/operator-calls")).status_code == 200
    after = (await board(console).call_backs(now))[0]
    assert (after.tries, after.taken_by) == (1, None)
    again = f"89ab.{request}"
    assert await board(console).claim(request, "li", again, now) is not None
    await board(console).take_call_back(OperatorCallReport.model_validate(busy), now)  # of the earlier call
    assert (await board(console).call_backs(now))[0].taken_by == "li"
    talked = {"call": again, "case": request, "operator": "li", "sequence": 4, "state": "ended"}
    talked |= {"answered": True, "result": "answered", "seconds": 5.0, "ended_by": "operator"}
    assert (await report(console, talked, path="/receipts/operator-calls")).status_code == 200
    assert await board(console).call_backs(now) == []


async def test_an_ended_call_is_out_of_what_each_report_and_page_reads(console: Stage) -> None:
    await nobody_waits(console)
    redis: Any = console.services.line.redis
    await report(console, told(1, 1, "queued"))
    assert await redis.hlen(INCOMING_CALLS) == 1
    assert (await report(console, unserved(1))).json() == {"taken": True}
    assert await redis.hlen(INCOMING_CALLS) == 0
    assert (await report(console, unserved(1))).json() == {"taken": False}
    assert (await report(console, told(1, 1, "queued"))).json() == {"taken": False}
    assert 86_000 < await redis.ttl(f"{INCOMING_ENDED}c{1:020x}") <= 86_400
    assert [each.calls for each in await board(console).call_backs(console.house.clock.now())] == [1]


async def test_if_there_are_too_many_requests_the_oldest_invented_number_is_dropped_and_counted(
    console: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await nobody_waits(console)
    monkeypatch.setattr(incoming, "MOST_CALL_BACKS", 3)
    callers = [f"+861990000124{number}" for number in range(5)]
    before = incoming.CALL_BACKS_LOST._value.get()
    for number, caller in enumerate(callers):
        body = unserved(number, caller) | {"vouched": number in (0, 4)}
        assert (await report(console, body)).json() == {"taken": True}
    found = await board(console).call_backs(console.house.clock.now())
    assert [board(console).number(each.sealed) for each in found] == [callers[0], callers[3], callers[4]]
    assert incoming.CALL_BACKS_LOST._value.get() == before + 2


async def test_who_calls_again_and_is_served_is_owed_nothing(console: Stage) -> None:
    await nobody_waits(console)
    await report(console, unserved(1))
    served = told(2, 4, "ended", operator="wang", answered=True, result="answered", seconds=9.0, ended_by="resident")
    assert (await report(console, served)).status_code == 200
    assert await board(console).call_backs(console.house.clock.now()) == []


async def test_a_talk_that_the_gateway_has_cut_off_leaves_the_request_open(console: Stage) -> None:
    await nobody_waits(console)
    await report(console, unserved(1))
    cut = told(2, 4, "ended", operator="wang", answered=True, result="answered", seconds=9.0, ended_by="gateway")
    assert (await report(console, cut | {"call_back": True})).status_code == 200
    assert [each.calls for each in await board(console).call_backs(console.house.clock.now())] == [2]


async def test_a_claim_whose_call_never_comes_is_open_again_and_old_requests_are_deleted(console: Stage) -> None:
    await nobody_waits(console)
    now = console.house.clock.now()
    await report(console, unserved(1))
    request = (await board(console).call_backs(now))[0].id
    assert await board(console).claim(request, "wang", f"1.{request}", now) is not None
    assert await board(console).claim(request, "li", f"2.{request}", now + timedelta(minutes=3)) is not None
    await board(console).give_back(request, f"2.{request}")
    assert await board(console).call_back(request, now) is not None
    late = datetime.now(UTC) + timedelta(hours=73)
    assert await board(console).call_backs(late) == []
    assert await board(console).call_back(request, late) is None
