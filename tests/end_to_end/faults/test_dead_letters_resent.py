"""What was refused is mended and sent again into the running line: it does its work, once."""

import json
from typing import Any

from domain.feeds.dead_letters import DeadLetterFilter
from domain.feeds.repair import load
from schemas.casework.acts import CloseAct
from schemas.casework.events import FactKind
from schemas.casework.inputs import OperatorReport
from schemas.levels import Action
from schemas.people.residents import Resident
from streams.dead_letters.index import DeadLetterIndex
from streams.dead_letters.sending import Outcome, Sending, Who
from streams.messaging import topics
from streams.messaging.producer import Record
from streams.messaging.reader import read_all
from tests.end_to_end.harness.rig import OPERATOR, Line
from tests.end_to_end.harness.signals import scam_app

ME = Who(OPERATOR, "a test")


async def refused(line: Line, topic: topics.Topic, resident: Resident, value: object) -> str:
    """Write what cannot be read, and return the letter it became."""
    partition = topics.home(resident.id, line.house.settings.partitions)
    raw = json.dumps(value).encode()
    offset = await line.house.line.producer.send_all([Record(topic.name, b"x", raw, partition)])
    record = f"{topic.name}/{partition}/{offset}"  # other tests' letters of the topic lie there too
    letters = DeadLetterIndex(line.house.settings)
    for _ in range(100):
        await line.settle()
        await letters.refresh()
        for each in letters.page(DeadLetterFilter(topic=topic.name)).found:
            if f"{each.letter.id}/".startswith(f"{record}/"):  # a signal's letter says which of its record, too
                return each.letter.id
    raise AssertionError(f"no letter of {record}")


async def send(line: Line, name: str, mapping: str) -> Outcome:
    house = line.house
    sending = Sending(house.settings, DeadLetterIndex(house.settings), house.line.producer, house.clock)
    outcome = await sending.send_again([name], load(mapping), ME)
    await line.settle()
    return outcome


async def test_a_signal_refused_and_mended_warns_its_resident_once(line: Line) -> None:
    resident = await line.resident()
    signal = scam_app(line, resident).model_dump(mode="json", exclude={"target"})
    before = await line.house.line.screening.tallies()
    name = await refused(line, topics.SIGNALS, resident, [signal])
    assert await line.no_case(resident)
    mapping = 'default = {target = "app.example.invalid"}'
    assert (await send(line, name, mapping)).done == {name: [f"appwatch:{signal['id']}"]}
    assert (await send(line, name, mapping)).done == {}
    await line.signal(scam_app(line, resident).model_copy(update={"id": signal["id"]}))  # the feed sends it too
    await line.advance(minutes=5)
    line.expect(Action.SMS, resident)
    line.expect_nothing_else()
    after = await line.house.line.screening.tallies()
    assert after["appwatch"].get("dead_lettered", 0) == before.get("appwatch", {}).get("dead_lettered", 0)
    assert sum(after["appwatch"].values()) == sum(before.get("appwatch", {}).values()) + 2  # the letter, and the feed's


async def test_a_case_input_refused_and_mended_is_applied_once(line: Line) -> None:
    resident = await line.resident()
    await line.signal(scam_app(line, resident))
    case = await line.case(resident)
    act = CloseAct(do="close", reason="it was his own app")
    given = OperatorReport(
        id=f"close-{case.id}",
        at=line.house.clock.now(),
        resident=resident.id,
        case=case.id,
        by=OPERATOR,
        seen=case.version,
        act=act,
    )
    broken = given.model_dump(mode="json") | {"seen": "the first"}
    name = await refused(line, topics.CASE_INPUTS, resident, broken)
    await send(line, name, f"set = {{seen = {case.version}}}")
    await send(line, name, f"set = {{seen = {case.version}}}")
    assert not (await line.case(resident)).open
    assert len(await line.facts(resident, FactKind.CLOSED)) == 1


async def test_a_dispatch_that_was_carried_out_is_not_carried_out_again_by_its_letter(line: Line) -> None:
    resident = await line.resident()
    await line.signal(scam_app(line, resident))
    await line.advance(minutes=5)
    line.expect(Action.SMS, resident)
    (dispatch,) = await _dispatches(line, resident)
    name = await refused(line, topics.DISPATCHES_SMS, resident, dispatch | {"attempt": "first"})
    assert (await send(line, name, "set = {attempt = 1}")).done == {name: [dispatch["id"]]}
    await line.advance(minutes=5)
    line.expect_nothing_else()


async def _dispatches(line: Line, resident: Resident) -> list[dict[str, Any]]:
    key = resident.id.encode()  # other tests' poison lies on the topic too
    return [
        json.loads(each.value or b"")
        async for each in read_all(line.house.settings, "dispatches.sms")
        if each.key == key
    ]
