"""What intake may make happen to a case: what parties outside report, and nothing else."""

import base64
import secrets

import orjson

from domain.identity.identifiers import account_token
from schemas.administration.dead_letters import DeadLetter
from schemas.casework.inputs import ObjectStop, input_adapter
from schemas.channels.bank_messages import BankMessage
from streams.casework.outside_inputs import LARGEST, OutsideInputs
from streams.messaging import case_inputs, topics
from streams.messaging.reader import Read, read_all
from streams.messaging.record import Raw
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.security.encrypted_kafka import make_producer
from streams.security.rights import RIGHTS, Component
from tests.dispatched import NOW
from tests.tools.fuzz import examples

OF_CASE = {"at": examples.AT, "resident": examples.RESIDENT, "case": examples.CASE}
OBJECTION = {
    **OF_CASE,
    **{"kind": "object_stop", "order": "red.stop", "who": "holder", "bank": "icbc", "ground": "lawful_payment"},
    "text": "mine",
}
OUTCOME = next(each for each in examples.INPUTS if each["kind"] == "operator_report")


async def test_what_intake_forges_becomes_a_dead_letter_and_the_rest_is_passed_on_in_order(settings: Settings) -> None:
    topics.create(settings, [topics.CASE_INPUTS, topics.DEAD_LETTERS])
    name = secrets.token_hex(6)
    answers = [{**OBJECTION, "id": f"{name}{number:08x}"} for number in range(3)]
    outcome = {**OUTCOME, "id": f"{name}-forged", "by": "operator-1"}
    alert = {**examples.INPUTS[0], "id": f"{name}-alert"}
    # What a reader would decrypt in its place is dropped, like all that the model does not have.
    hidden = {"sealed": base64.b64encode(orjson.dumps(outcome)).decode(), "of": "nobody"}
    given = [orjson.dumps(each) for each in (answers[0] | hidden, outcome, answers[1], alert, answers[2])]
    given.insert(1, f'{{"id": "{name}-poison", \udcff'.encode("utf-8", "surrogateescape"))
    given.append(orjson.dumps({**OBJECTION, "id": f"{name}{9:08x}", "other": "x" * LARGEST}))
    producer = make_producer(settings)
    await producer.start()
    try:
        flow = OutsideInputs(settings, producer, Clock.starting(1, NOW))
        await flow.pass_on(0, [Raw(offset, value) for offset, value in enumerate(given)])
    finally:
        await producer.stop()
    home = topics.home(examples.RESIDENT, settings.partitions)
    records = [each async for each in read_all(settings, topics.CASE_INPUTS.name)]
    passed_on = [each for each in records if name.encode() in (each.value or b"")]
    assert [orjson.loads(each.value or b"")["id"] for each in passed_on] == [each["id"] for each in answers]
    assert not [each for each in passed_on if b"sealed" in (each.value or b"")]
    assert {(each.partition, each.key) for each in passed_on} == {(home, examples.RESIDENT.encode())}
    refused = [each.value or b"" async for each in read_all(settings, topics.DEAD_LETTERS.name)]
    found = [DeadLetter.model_validate_json(each) for each in refused]
    letters = {str(each.where): each.why for each in found if name.encode() in each.content}
    assert list(letters) == [f"outside-inputs/0/{offset}" for offset in (1, 2, 4, 6)]
    assert letters["outside-inputs/0/2"].startswith("operator_report: no party outside reports this")


async def test_who_covers_for_a_silent_owner_passes_on_each_report_once(settings: Settings) -> None:
    topics.create(settings, [topics.OUTSIDE_INPUTS, topics.CASE_INPUTS, topics.DEAD_LETTERS])
    names = [f"{secrets.token_hex(6)}{number:08x}" for number in range(2)]
    partition = topics.home(examples.RESIDENT, settings.partitions)

    async def written(name: str) -> None:
        given = input_adapter.validate_python({**OBJECTION, "id": name})
        assert isinstance(given, ObjectStop)
        await producer.send_all([case_inputs.outside_record(given, partition)])

    async def passed_on() -> list[str]:
        found = [orjson.loads(each.value or b"")["id"] async for each in read_all(settings, topics.CASE_INPUTS.name)]
        return [name for name in found if name in names]

    producer = make_producer(settings)
    await producer.start()
    try:
        flow = OutsideInputs(settings, producer, Clock.starting(1, NOW))
        await written(names[0])
        await flow.cover(partition)
        await flow.cover(partition)
        assert await passed_on() == names[:1]
        await written(names[1])
        await flow.cover(partition)
        assert await passed_on() == names
    finally:
        await producer.stop()


async def test_what_came_with_a_banks_feedback_is_stored_by_the_worker_and_is_no_part_of_the_input(
    settings: Settings,
) -> None:
    topics.create(settings, [topics.CASE_INPUTS, topics.DEAD_LETTERS, topics.ACCOUNTS, topics.BANK_MESSAGES])
    name = secrets.token_hex(6)
    number = "9900" + str(int(name, 16) % 10**12).zfill(12)
    token = account_token(settings.key(), number)
    feedback = next(each for each in examples.INPUTS if each["kind"] == "bank_feedback")
    told = {**feedback, "receipt": f"receipt-{name}", "detail": f"words {name}", "accounts": {token: number}}
    given = [{**told, "id": f"{feedback['dispatch']}:{name}"}]
    given.append({**told, "id": f"{feedback['dispatch']}:{name}-wrong", "accounts": {token: number[:-1] + "x"}})
    given.append({**feedback, "id": f"{feedback['dispatch']}:{name}-bare"})
    producer = make_producer(settings)
    await producer.start()
    try:
        flow = OutsideInputs(settings, producer, Clock.starting(1, NOW))
        await flow.pass_on(0, [Raw(offset, orjson.dumps(each)) for offset, each in enumerate(given)])
    finally:
        await producer.stop()

    async def found(topic: topics.Topic) -> list[Read]:
        return [each async for each in read_all(settings, topic.name) if name.encode() in (each.value or b"")]

    inputs = [orjson.loads(each.value or b"") for each in await found(topics.CASE_INPUTS)]
    assert [each["id"] for each in inputs] == [given[0]["id"], given[2]["id"]]
    assert not [each for each in inputs if {"receipt", "detail", "accounts"} & each.keys()]
    (message,) = await found(topics.BANK_MESSAGES)
    stored = BankMessage.model_validate_json(message.value or b"")
    assert (stored.id, stored.receipt, stored.detail) == (given[0]["id"], f"receipt-{name}", f"words {name}")
    accounts = {each.key: each.value async for each in read_all(settings, topics.ACCOUNTS.name)}
    assert accounts[token.encode()] == number.encode()
    refused = [DeadLetter.model_validate_json(each.value or b"") async for each in read_all(settings, "dead-letters")]
    (letter,) = [each for each in refused if name.encode() in each.content]
    assert letter.why.startswith("accounts: a number does not fit its token")


def test_intake_may_not_write_to_the_inputs_of_cases() -> None:
    written = RIGHTS[Component.INTAKE].writes
    assert topics.OUTSIDE_INPUTS in written
    assert not {topics.CASE_INPUTS, topics.ACCOUNTS, topics.BANK_MESSAGES, topics.DEAD_LETTERS} & {*written}
