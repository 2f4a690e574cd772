"""What is held on one person is taken out whole, and nothing of anybody else's with it."""

import io
import zipfile
from datetime import timedelta

import orjson

from domain.identity.held import subject
from schemas.levels import Action
from schemas.people.residents import Holding, Resident
from schemas.risk.signals import Signal
from streams.messaging import topics
from streams.operations.subject_access import MANIFEST, Found, packed, records_about
from tests.end_to_end.faults.test_dead_letters_resent import refused
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call, scam_sms, transfer


async def _held(line: Line, resident: Resident) -> dict[str, list[Found]]:
    return await records_about(line.house.settings, subject(resident, line.house.settings.id_number_keys()))


async def test_all_that_is_held_on_a_person_comes_from_every_topic(line: Line) -> None:
    resident, other = await line.resident(), await line.resident()
    mule = line.account()
    mine: list[Signal] = [call(line, resident), transfer(line, resident, mule)]
    await line.signal(*mine, scam_sms(line, other))
    await line.advance(seconds=30)
    line.expect(Action.FLASH_SMS, resident, seconds=0)
    line.expect(Action.ROBOT_CALL, resident, seconds=20)
    name = await refused(line, topics.SIGNALS, resident, [{"kind": "call", "called": resident.phones[0].value}])
    await line.settle()
    found = await _held(line, resident)
    signals = [each["is"].get("id") for lane in topics.LANES for each in found.get(lane.name, [])]
    assert {each.id for each in mine} <= set(signals)
    wanted = {"residents", "case-inputs", "case-events", "case-snapshots", "dispatches.red", "dead-letters"}
    assert wanted <= found.keys()
    text = orjson.dumps(found).decode()
    assert name in text
    theirs = (other.id, other.phones[0].value, other.accounts[0].value)
    assert [each for each in theirs if each in text] == []


async def test_a_number_s_signals_are_whose_it_was_at_that_time(line: Line) -> None:
    now, phone = line.house.clock.now(), line.phone()
    until = now - timedelta(minutes=30)
    before = await line.resident(phones=[Holding(value=phone, until=until)])
    after = await line.resident(phones=[Holding(value=phone, since=until)])
    early, late = call(line, before, ago=60), call(line, after, ago=2)
    await line.signal(early, late)
    await line.settle()
    for who, theirs, not_theirs in ((before, early, late), (after, late, early)):
        text = orjson.dumps(await _held(line, who)).decode()
        assert f'"{theirs.id}"' in text
        assert f'"{not_theirs.id}"' not in text


async def test_what_is_taken_out_says_how_much_and_why(line: Line) -> None:
    resident = await line.resident()
    found = await _held(line, resident)
    with zipfile.ZipFile(io.BytesIO(packed(found, {"by": "me", "reason": "asked for"}))) as archive:
        manifest = orjson.loads(archive.read(MANIFEST))
        lines = archive.read("residents.jsonl").splitlines()
    assert manifest == {"by": "me", "reason": "asked for", "records": {"residents": 1}}
    assert orjson.loads(lines[0])["is"]["name"] == resident.name
