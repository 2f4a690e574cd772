"""Dead letters over HTTP: for who has an operators' key, with a real client, server and broker."""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from schemas.administration.dead_letters import DeadLetter, RecordPlace
from schemas.casework.inputs import Erase
from streams.dead_letters.api import routes
from streams.intake.server import running
from streams.intake.settings import IntakeSettings, hash_of_key, operator_keys
from streams.messaging import dead_letter_writer, topics
from streams.messaging.producer import Producer
from streams.runtime.clock import Clock
from streams.runtime.embedded import Embedded
from streams.runtime.settings import Settings, SettingsError
from streams.security.encrypted_kafka import make_producer, make_readers
from streams.security.rights import Component
from tests.documents.answers import described
from tests.streams.intake.intake_signals import KEY, new_id, transfer
from tests.tools.servers.redis import RedisServer

OPERATOR = "an-operators-key"
CLOCK = Clock()
WHY = {"reason": "the bank's mistake"}


@asynccontextmanager
async def api(settings: Settings, producer: Producer, **intake: object) -> AsyncIterator[httpx.AsyncClient]:
    keys = {"api_keys": f"bank:{hash_of_key(KEY)}", "operator_keys": f"wang:{hash_of_key(OPERATOR)}"}
    limits = IntakeSettings.model_validate(keys | intake)
    own = settings.model_copy(update={"http_port": 0})
    extra = routes(own, limits, producer, CLOCK)
    headers = {"Authorization": f"Bearer {OPERATOR}"}
    async with (
        running(own, limits, CLOCK, extra) as address,
        httpx.AsyncClient(
            base_url=address,
            headers=headers,
            trust_env=False,
            timeout=30,
            event_hooks={"response": [described]},
        ) as client,
    ):
        yield client


@pytest.fixture
async def producer(settings: Settings) -> AsyncIterator[Producer]:
    topics.create(settings)
    producer = make_producer(settings)
    await producer.start()
    yield producer
    await producer.stop()


@pytest.fixture
async def client(settings: Settings, producer: Producer) -> AsyncIterator[httpx.AsyncClient]:
    async with api(settings, producer) as client:
        yield client


async def letter(producer: Producer, raw: bytes, source: str = "bank", topic: str = "signals") -> str:
    """A letter of a place, and a source's name, that no other test has."""
    place = RecordPlace(topic=topic, partition=0, offset=int(new_id()[:12], 16), item=0)
    made = DeadLetter.of(source, place, "payer: the field is missing", raw, CLOCK.now())
    await dead_letter_writer.write(producer, [made])
    return made.id


async def test_a_list_has_no_bytes_and_goes_on_page_by_page(client: httpx.AsyncClient, producer: Producer) -> None:
    source = f"s{new_id()[:8]}"
    names = [await letter(producer, b'{"payer": "6222000000000001"}', source) for _ in range(3)]
    first = (await client.get("/dead-letters", params={"source": source, "limit": 2})).json()
    second = (await client.get("/dead-letters", params={"source": source, "before": first["next"]})).json()
    assert [each["id"] for each in first["letters"] + second["letters"]] == names[::-1]
    assert (first["total"], first["reasons"]) == (3, {"payer: the field is missing": 3})
    assert "6222" not in json.dumps([first, second])


async def test_one_is_shown_with_its_bytes_as_text_in_base_64_or_masked(
    client: httpx.AsyncClient, producer: Producer
) -> None:
    text = await letter(producer, b'{"payer": "6222000000000001"}')
    other = await letter(producer, b"\xff\x00")
    assert (await client.get(f"/dead-letters/{text}")).json()["text"] == '{"payer": "6222000000000001"}'
    assert (await client.get(f"/dead-letters/{other}")).json()["base64"] == "/wA="
    masked = await client.get(f"/dead-letters/{text}", params={"mask": "true"})
    assert (masked.json()["text"], masked.headers["Cache-Control"]) == ('{"payer": "' + "•" * 16 + '"}', "no-store")


async def test_a_letter_is_mended_and_sent_again_once(client: httpx.AsyncClient, producer: Producer) -> None:
    name = await letter(producer, json.dumps(transfer(id=new_id(), amount_fen=49_800.5)).encode())
    as_it_came = await client.post(f"/dead-letters/{name}/send-again", json=WHY)
    assert (as_it_came.status_code, "amount_fen" in as_it_came.json()["error"]) == (422, True)
    mapping = {"mapping": {"rescale": {"amount_fen": 10}}}
    tried = await client.post(f"/dead-letters/{name}/send-again", json=WHY | mapping | {"dry_run": True})
    sent = await client.post(f"/dead-letters/{name}/send-again", json=WHY | mapping)
    again = await client.post(f"/dead-letters/{name}/send-again", json=WHY | mapping)
    assert [tried.status_code, sent.status_code, again.status_code] == [200, 200, 409]
    assert (tried.json()["state"], sent.json()["state"], sent.json()["act"]["by"]) == ("open", "sent", "wang")
    assert "was sent again by wang" in again.json()["error"]


@pytest.mark.parametrize("how", ["text", "base64"])
async def test_a_letter_is_mended_by_hand(client: httpx.AsyncClient, producer: Producer, how: str) -> None:
    name = await letter(producer, b"{")
    mended = json.dumps(transfer(id="t1"))
    body = WHY | {how: mended if how == "text" else base64.b64encode(mended.encode()).decode()}
    sent = await client.post(f"/dead-letters/{name}/send-again", json=body)
    assert (sent.status_code, sent.json()["ids"]) == (200, ["bank:t1"])


@pytest.fixture
def own_servers(tmp_path: Path) -> Iterator[Settings]:
    """Servers of the test's own: the others' have no vault, and could not read its letters."""
    with Embedded(tmp_path) as embedded:
        yield embedded.settings(Settings(app_id="test-own"))


async def test_where_letters_are_encrypted_intake_shows_no_bytes_and_sends_only_what_it_is_given(
    own_servers: Settings, redis_aof: RedisServer
) -> None:
    topics.create(own_servers)
    secured = own_servers.model_copy(update={"vault": redis_aof.url})
    worker, intake = make_producer(secured), make_producer(secured, component=Component.INTAKE)
    readers, source = make_readers(secured, Component.INTAKE), f"s{new_id()[:8]}"
    readers.open()
    await worker.start()
    await intake.start()
    try:
        async with api(secured, intake) as client:
            name = await letter(worker, json.dumps(transfer(id="t1")).encode(), source)
            (listed,) = (await client.get("/dead-letters", params={"source": source})).json()["letters"]
            one = (await client.get(f"/dead-letters/{name}")).json()
            assert (listed["id"], one["whole"], one["base64"], "text" in one) == (name, False, "", False)
            refused = await client.post(f"/dead-letters/{name}/send-again", json=WHY)
            assert (refused.status_code, "its bytes cannot be read here" in refused.json()["error"]) == (422, True)
            repaired = WHY | {"text": json.dumps(transfer(id="t2"))}
            sent = await client.post(f"/dead-letters/{name}/send-again", json=repaired)
            assert (sent.status_code, sent.json()["ids"]) == (200, ["bank:t2"])
            of_case = await letter(worker, b"{}", source, topics.CASE_INPUTS.name)
            given = Erase(id="e1", at=CLOCK.now(), resident="raaaaaaaaaaaaaaaa", by="wang").model_dump_json()
            may_not = await client.post(f"/dead-letters/{of_case}/send-again", json=WHY | {"text": given})
            assert (may_not.status_code, "quanzu dead send-again" in may_not.json()["do"]) == (403, True)
            other = await letter(worker, b"{}", source)
            assert (await client.post(f"/dead-letters/{other}/drop", json=WHY)).status_code == 200
    finally:
        await readers.close()
        await worker.stop()
        await intake.stop()


async def test_a_letter_is_dropped_once_and_not_sent_then(client: httpx.AsyncClient, producer: Producer) -> None:
    name = await letter(producer, b"{}")
    answers = [await client.post(f"/dead-letters/{name}/{act}", json=WHY) for act in ("drop", "drop", "send-again")]
    assert [answer.status_code for answer in answers] == [200, 409, 409]
    assert answers[0].json()["state"] == "dropped"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "reason"),
        ({"reason": ""}, "say why"),
        (WHY | {"by": "somebody else"}, "by"),
        (WHY | {"mapping": {"exec": {}}}, "exec"),
        (WHY | {"mapping": {}}, "changes nothing"),
        (WHY | {"text": "{}", "mapping": {"set": {"id": "x"}}}, "three ways"),
    ],
)
async def test_what_cannot_be_done_is_answered_422_saying_what(
    client: httpx.AsyncClient, producer: Producer, body: dict[str, object], told: str
) -> None:
    name = await letter(producer, b"{}")
    answer = await client.post(f"/dead-letters/{name}/send-again", json=body)
    assert answer.status_code == 422
    assert told in answer.json()["error"]


async def test_a_drop_takes_nothing_that_is_of_sending_again(client: httpx.AsyncClient, producer: Producer) -> None:
    name = await letter(producer, b"{}")
    for more in ({"dry_run": True}, {"text": "{}"}):
        assert (await client.post(f"/dead-letters/{name}/drop", json=WHY | more)).status_code == 422
    assert (await client.get(f"/dead-letters/{name}")).json()["state"] == "open"


async def test_a_letter_nobody_has_is_answered_404(client: httpx.AsyncClient) -> None:
    for answer in (
        await client.get("/dead-letters/signals/0/1/2/3"),
        await client.post("/dead-letters/nowhere/drop", json=WHY),
        await client.post("/dead-letters/nowhere/send-again", json=WHY),
    ):
        assert answer.status_code == 404


async def test_a_query_that_cannot_be_read_is_answered_422(client: httpx.AsyncClient) -> None:
    for query in ({"limit": "0"}, {"since": "noon"}, {"state": "lost"}, {"colour": "red"}):
        assert (await client.get("/dead-letters", params=query)).status_code == 422


@pytest.mark.parametrize("key", ["", f"Bearer {KEY}", "Bearer wrong", f"Basic {OPERATOR}"])
async def test_a_feed_s_key_or_none_opens_no_letter(client: httpx.AsyncClient, producer: Producer, key: str) -> None:
    name = await letter(producer, b"{}")
    client.headers["Authorization"] = key
    answers = [await client.get("/dead-letters"), await client.get(f"/dead-letters/{name}")]
    answers += [await client.post(f"/dead-letters/{name}/{act}", json=WHY) for act in ("drop", "send-again")]
    assert [answer.status_code for answer in answers] == [401] * 4


async def test_an_operators_key_sends_no_signals(client: httpx.AsyncClient) -> None:
    assert (await client.post("/signals", json=transfer())).status_code == 401


async def test_on_real_servers_nobody_handles_letters_until_a_key_is_set(
    settings: Settings, producer: Producer
) -> None:
    real = settings.model_copy(update={"embedded": False})
    limits = IntakeSettings.model_validate({"api_keys": f"bank:{hash_of_key(KEY)}"})
    assert operator_keys(real, limits) is None
    async with api(settings.model_copy(update={"embedded": False}), producer, operator_keys=None) as client:
        answer = await client.get("/dead-letters")
    assert (answer.status_code, "QUANZU_OPERATOR_KEYS" in answer.json()["do"]) == (403, True)


@pytest.mark.parametrize("keys", ["wang", f"*:{hash_of_key('k')}"])
def test_operators_keys_that_cannot_be_read_are_told_by_their_setting(settings: Settings, keys: str) -> None:
    with pytest.raises(SettingsError, match="QUANZU_OPERATOR_KEYS"):
        operator_keys(settings, IntakeSettings(operator_keys=keys))
