"""Reports of the voice gateway at intake: signed, in order, and each note of a case once."""

import secrets
import time
from typing import Any

import httpx
import orjson
import pytest

from schemas.casework.cases import Case
from schemas.codes.people import Talks
from schemas.codes.third_parties import CallHandedOver
from schemas.levels import CallResult
from streams.channels.operator_calls.phones import operator_phones
from streams.channels.settings import load as load_channels
from streams.channels.signing import SignedMessage, sign
from streams.runtime.settings import SettingsError
from tests.console.harness.case_forms import red
from tests.console.harness.stage import Stage
from tests.end_to_end.harness.rig import Line

PATH = "/receipts/operator-calls"


def told(case: Case, sequence: int, state: str, **more: object) -> dict[str, Any]:
    """A report on the first call of a case."""
    first = {"call": f"{case.id}.1", "case": case.id, "operator": "wang", "sequence": sequence, "state": state}
    return first | more


async def report(
    console: Stage, body: object, key: bytes | None = None, nonce: str = "", wall: float | None = None
) -> httpx.Response:
    raw = orjson.dumps(body)
    key = key or load_channels().receipt_keys(console.house.settings)["voice"][0]
    signed = sign(key, SignedMessage("voice", PATH, raw), wall or time.time(), nonce or secrets.token_hex(12))
    return await console.house.intake.post(PATH, content=raw, headers=signed)


async def test_a_talk_that_is_reported_is_once_in_the_case_however_often_it_is_told(console: Stage, line: Line) -> None:
    resident, case = await red(line)
    for _ in range(3):
        assert (await report(console, told(case, 3, "connected", answered=True))).status_code == 200
    await line.settle()
    call = (await line.case(resident)).desk_call
    assert call is not None
    assert (call.result, call.by, call.goes_on) == (CallResult.ANSWERED, "wang", True)
    assert [fact.what for fact in await line.facts(resident)].count(Talks("wang")) == 1
    ended = told(case, 4, "ended", answered=True, result="answered", seconds=3.0, ended_by="resident")
    assert len((await report(console, ended)).json()["inputs"]) == 2
    await line.settle()
    after = (await line.case(resident)).desk_call
    assert after is not None
    assert (after.goes_on, after.at) == (False, call.at)


async def test_a_report_hands_the_call_and_the_claim_over_though_all_others_before_it_were_lost(
    console: Stage, line: Line
) -> None:
    resident, case = await red(line)
    moved = [{"number": 1, "by": "wang", "to": "li"}]
    talk = told(case, 5, "connected", answered=True, operator="li", moves=moved)
    for _ in range(2):
        assert len((await report(console, talk)).json()["inputs"]) == 2
    await line.settle()
    call = (await line.case(resident)).desk_call
    assert call is not None
    assert (call.by, call.goes_on) == ("li", True)
    facts = [fact.what for fact in await line.facts(resident)]
    assert (facts.count(Talks("wang")), facts.count(CallHandedOver("wang", "li"))) == (1, 1)
    ended = talk | {"sequence": 6, "state": "ended", "result": "answered"}
    assert len((await report(console, ended)).json()["inputs"]) == 3
    await line.settle()
    after = (await line.case(resident)).desk_call
    assert after is not None
    assert (after.by, after.goes_on) == ("li", False)


async def test_a_late_report_does_not_bring_back_an_earlier_state(console: Stage, line: Line) -> None:
    _, case = await red(line)
    live = console.services.live_calls
    assert (await report(console, told(case, 2, "ringing"))).status_code == 200
    assert (await report(console, told(case, 1, "operator_ringing"))).status_code == 200
    found = await live.of(case.id)
    assert found is not None
    assert found.report.sequence == 2
    other = told(case, 7, "ringing") | {"call": f"{case.id}.2"}
    assert (await report(console, other)).status_code == 200  # while the first goes on
    assert (await live.of(case.id)) == found
    assert (await report(console, told(case, 3, "ended", result="cancelled"))).status_code == 200
    assert (await report(console, other)).status_code == 200
    later = await live.of(case.id)
    assert later is not None
    assert later.report.call == f"{case.id}.2"


async def test_a_report_that_is_forged_old_repeated_or_of_no_case_changes_nothing(console: Stage, line: Line) -> None:
    resident, case = await red(line)
    good = told(case, 3, "connected", answered=True)
    assert (await report(console, good, key=b"another key that is long enough")).status_code == 401
    assert (await report(console, good, wall=time.time() - 400)).status_code == 401
    assert (await report(console, told(case, 3, "connected"))).status_code == 400
    assert (await report(console, good | {"note": "x"})).status_code == 400
    assert (await report(console, good | {"case": f"{resident.id}-99"})).status_code == 404
    assert (await console.house.intake.post(PATH, content=orjson.dumps(good))).status_code == 401
    await line.settle()
    assert (await line.case(resident)).desk_call is None
    assert await console.services.live_calls.of(case.id) is None
    nonce = secrets.token_hex(12)
    assert (await report(console, good, nonce=nonce)).status_code == 200
    assert (await report(console, good, nonce=nonce)).status_code == 409


@pytest.mark.parametrize(
    ("url", "secret", "fault"),
    [
        ("https://gateway.example", None, "set both"),
        ("http://192.0.2.1", "0123456789abcdef", "https"),
        ("https://gateway.example", "short", "16 characters"),
        ("https://gateway.example", "0123456789abcdef,1123456789abcdef,2123456789abcdef", "one key"),
    ],
)
async def test_settings_that_would_send_calls_openly_or_unsigned_are_refused(
    url: str | None, secret: str | None, fault: str
) -> None:
    with pytest.raises(SettingsError, match=fault):
        operator_phones(url, secret)


async def test_without_settings_there_are_no_telephones() -> None:
    assert operator_phones(None, None) is None
    assert operator_phones(None, "0123456789abcdef") is None, "a deployment may always name the key's file"
    assert operator_phones("http://127.0.0.1:8086", "0123456789abcdef\n1123456789abcdef") is not None
