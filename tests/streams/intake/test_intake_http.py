"""POST /signals, with a real client, server and broker: every answer a feeder can get."""

import asyncio
import gzip
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from streams.intake import writing
from streams.intake.parsing import TooManyError, items_of_lines
from streams.intake.server import running
from streams.intake.settings import IntakeSettings, embedded_key
from streams.messaging import topics
from streams.runtime import serving
from streams.runtime.clock import Clock
from streams.runtime.embedded import Embedded
from streams.runtime.settings import Settings, SettingsError
from tests.streams.intake.intake_signals import (
    KEY,
    call,
    cannot_encrypt,
    intake_client,
    transfer,
    until,
    until_ready,
    watch_entry,
    written,
)
from tests.tools.servers.process import hanging

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    topics.create(settings)
    async with intake_client(settings) as client:
        await until_ready(client)
        yield client


async def test_a_lone_signal_is_accepted_and_lies_on_the_topic_as_an_array_of_one(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    sent = transfer()
    answer = await client.post("/signals", json=sent)
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "ids": [sent["id"]]})
    (found,) = await written(settings, sent["id"])
    assert (found["payer"], found["payee"]) == ("6222000000000001", "6222000000000002")
    assert found["arrived"] is not None


async def test_an_array_is_accepted_as_a_whole(client: httpx.AsyncClient, settings: Settings) -> None:
    sent = [transfer(), call()]
    answer = await client.post("/signals", json=sent)
    assert (answer.status_code, answer.json()["accepted"]) == (202, 2)
    assert len(await written(settings, *(each["id"] for each in sent))) == 2


def test_a_body_has_5000_lines_at_most_with_a_final_newline_and_without() -> None:
    for end in (b"", b"\n"):
        assert len(items_of_lines(b"\n".join([b"1"] * 5000) + end)) == 5000
        with pytest.raises(TooManyError):
            items_of_lines(b"\n".join([b"1"] * 5001) + end)


async def test_ndjson_is_accepted_and_its_blank_lines_are_none(client: httpx.AsyncClient) -> None:
    body = "\n\n".join(json.dumps(each) for each in (transfer(), call())) + "\n"
    answer = await client.post("/signals", content=body, headers={"Content-Type": "application/x-ndjson"})
    assert (answer.status_code, answer.json()["accepted"]) == (202, 2)


async def test_a_packed_body_is_accepted(client: httpx.AsyncClient) -> None:
    body = gzip.compress(json.dumps([transfer()]).encode()) + gzip.compress(b" ")
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert (await client.post("/signals", content=body, headers=headers)).status_code == 202


async def test_an_empty_array_is_accepted_as_nothing(client: httpx.AsyncClient) -> None:
    answer = await client.post("/signals", json=[])
    assert (answer.status_code, answer.json()) == (202, {"accepted": 0, "ids": []})


async def test_bad_items_are_named_with_their_field_and_the_good_ones_pass(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    good = transfer()
    answer = await client.post("/signals", json=[transfer(amount_fen=1.5), good, call(called="secret-person")])
    assert answer.status_code == 422
    assert answer.json()["ids"] == [good["id"]]
    assert [(each["item"], each["field"]) for each in answer.json()["errors"]] == [(0, "amount_fen"), (2, "called")]
    assert "secret-person" not in answer.text
    assert len(await written(settings, good["id"])) == 1


async def test_a_line_of_another_encoding_is_named_and_the_others_pass(client: httpx.AsyncClient) -> None:
    lines = [json.dumps(transfer()).encode(), '{"kind": "劝阻"}'.encode("gb18030"), json.dumps(call()).encode()]
    answer = await client.post("/signals", content=b"\n".join(lines), headers={"Content-Type": "application/x-ndjson"})
    assert (answer.status_code, answer.json()["accepted"]) == (422, 2)
    assert "not UTF-8" in answer.json()["errors"][0]["what"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"kind": ', "not JSON"),
        (b"[" * 5000 + b"]" * 5000, "nested too deep"),
        ('{"kind": "劝阻"}'.encode("gb18030"), "not UTF-8"),
        (b"", "not JSON"),
    ],
)
async def test_a_body_that_is_no_json_is_answered_400_saying_where(
    client: httpx.AsyncClient, body: bytes, told: str
) -> None:
    answer = await client.post("/signals", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert told in answer.json()["error"]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {KEY}"}])
async def test_no_valid_key_is_answered_401(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    del client.headers["Authorization"]
    answer = await client.post("/signals", json=transfer(), headers=headers)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


async def test_a_key_of_another_source_is_answered_403_and_nothing_is_taken(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    own, foreign = transfer(), transfer(source="other")
    answer = await client.post("/signals", json=[own, foreign])
    assert answer.status_code == 403
    assert await written(settings, own["id"], foreign["id"]) == []


async def test_another_content_type_is_answered_415(client: httpx.AsyncClient) -> None:
    for headers in ({"Content-Type": "text/csv"}, {"Content-Type": "application/json; charset=gb18030"}):
        assert (await client.post("/signals", content=b"[]", headers=headers)).status_code == 415


async def test_only_the_charset_of_a_content_type_is_looked_at(client: httpx.AsyncClient) -> None:
    for parameters in ("charset=UTF-8; v=1", 'v=1; charset="utf-8"', "v=1"):
        headers = {"Content-Type": f"application/json; {parameters}"}
        assert (await client.post("/signals", content=b"[]", headers=headers)).status_code != 415, parameters
    headers = {"Content-Type": "application/json; v=1; charset=gb18030"}
    assert (await client.post("/signals", content=b"[]", headers=headers)).status_code == 415


async def test_another_packing_is_answered_415_and_a_broken_one_400(client: httpx.AsyncClient) -> None:
    packed = gzip.compress(b"[]")
    for encoding, body, status in (("br", packed, 415), ("gzip", b"[]", 400), ("gzip", packed[:-6], 400)):
        headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
        assert (await client.post("/signals", content=body, headers=headers)).status_code == status


async def test_a_body_past_the_limit_is_answered_413_however_it_comes(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "BODY_BYTES", 1000)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 100

    headers = {"Content-Type": "application/json"}
    async with intake_client(settings) as client:
        told = await client.post("/signals", content=b" " * 2000, headers=headers)
        untold = await client.post("/signals", content=pieces(), headers=headers)
        bomb = gzip.compress(b" " * 500_000)
        packed = await client.post("/signals", content=bomb, headers=headers | {"Content-Encoding": "gzip"})
    assert [told.status_code, untold.status_code, packed.status_code] == [413, 413, 413]


async def test_a_body_with_two_lengths_is_refused_and_what_follows_is_no_request(settings: Settings) -> None:
    async with intake_client(settings) as client:
        reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
        head = f"POST /signals HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\nContent-Type: application/json\r\n"
        both = "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        writer.write(f"{head}{both}GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        async with asyncio.timeout(10):
            answer = await reader.read()  # to its end: the connection is closed
        writer.close()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"cache-control: no-store" in answer.lower()


async def test_no_answer_is_kept_guessed_at_or_run_by_a_browser(settings: Settings) -> None:
    async with intake_client(settings) as client:
        answers = [
            await client.get("/healthz"),
            await client.get("/nowhere"),
            await client.get("/signals"),
            await client.post("/signals", content=b"[]", headers={"content-type": "text/html"}),
            await client.post("/v1/payees/check", json=[], headers={"authorization": "Bearer wrong"}),
        ]
    assert [answer.status_code for answer in answers] == [200, 404, 405, 415, 401]
    for answer in answers:
        told = answer.headers
        assert (told["x-content-type-options"], told["cache-control"]) == ("nosniff", "no-store"), answer.url
        assert {"default-src 'none'", "frame-ancestors 'none'"} <= set(told["content-security-policy"].split("; "))
        assert "server" not in told


async def test_a_body_that_does_not_arrive_is_answered_408(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "BODY_SECONDS", 0.2)
    async with intake_client(settings) as client:
        address = client.base_url
        reader, writer = await asyncio.open_connection(address.host, address.port)
        head = f"POST /signals HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n"
        writer.write(f"{head}Content-Type: application/json\r\nContent-Length: 10\r\n\r\n[".encode())
        assert b" 408 " in await reader.readline()
        writer.close()


async def test_a_source_over_its_rate_is_answered_429_and_when_to_come_again(settings: Settings) -> None:
    topics.create(settings)
    async with intake_client(settings, rate="3/hour") as client:
        await until_ready(client)
        first = await client.post("/signals", json=[transfer(), transfer()])
        over = await client.post("/signals", json=[transfer(), transfer()])
        other = transfer(source="other")
        another = await client.post("/signals", json=other, headers={"Authorization": "Bearer another"})
    assert [first.status_code, over.status_code, another.status_code] == [202, 429, 202]
    assert 1 <= int(over.headers["Retry-After"]) <= 3600


async def test_a_rate_counted_in_redis_holds_over_two_servers(settings: Settings) -> None:
    topics.create(settings)
    one_server = intake_client(settings, rate="2/hour", rate_store="redis")
    another = intake_client(settings, rate="2/hour", rate_store="redis")
    async with one_server as one, another as two:
        await until_ready(one)
        await until_ready(two)
        answers = [await each.post("/signals", json=[transfer(), transfer()]) for each in (one, two)]
    assert [answer.status_code for answer in answers] == [202, 429]


async def test_a_rate_that_cannot_be_counted_holds_nobody_up(settings: Settings) -> None:
    topics.create(settings)
    without_redis = settings.model_copy(update={"redis": "redis://127.0.0.1:1/0"})
    async with intake_client(without_redis, rate="1/hour", rate_store="redis") as client:
        await until_ready(client)
        assert (await client.post("/signals", json=[transfer(), transfer()])).status_code == 202


async def test_while_kafka_does_not_answer_503_is_answered_soon_and_when_it_does_signals_are_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "KAFKA_SECONDS", 1.0)
    async with Embedded(tmp_path) as own:
        settings = own.settings(Settings())
        topics.create(settings)
        async with intake_client(settings) as client:
            await until_ready(client)
            with hanging(own.pids["kafka"]):
                began = time.monotonic()
                away = await client.post("/signals", json=transfer())
                took = time.monotonic() - began
            back = await client.post("/signals", json=transfer())
    assert (away.status_code, int(away.headers["Retry-After"]) > 0) == (503, True)
    assert took < 4
    assert back.status_code == 202


async def test_when_kafka_was_killed_503_is_answered_and_a_new_one_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "KAFKA_SECONDS", 1.0)
    async with Embedded(tmp_path) as own:
        settings = own.settings(Settings())
        topics.create(settings)
        async with intake_client(settings) as client:
            await until_ready(client)
            os.kill(own.pids["kafka"], signal.SIGKILL)
            away = await client.post("/signals", json=transfer())
            not_ready = await client.get("/readyz")
            own._start_broker()
            topics.create(settings)
            back = await until(202, lambda: client.post("/signals", json=transfer()))
    assert [away.status_code, not_ready.status_code] == [503, 503]
    assert back.json()["accepted"] == 1


async def test_signals_that_cannot_be_encrypted_are_answered_with_503(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    cannot_encrypt(monkeypatch)
    answer = await client.post("/signals", json=transfer())
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


async def test_intake_starts_and_answers_while_kafka_is_away(settings: Settings) -> None:
    async with intake_client(settings.model_copy(update={"kafka": "127.0.0.1:1"})) as client:
        alive, ready = await client.get("/healthz"), await client.get("/readyz")
        answer = await client.post("/signals", json=transfer())
    assert [alive.status_code, ready.status_code, answer.status_code] == [200, 503, 503]


async def test_embedded_without_keys_one_is_made_that_may_send_for_any_source(settings: Settings) -> None:
    topics.create(settings)
    async with intake_client(settings, api_keys=None) as client:
        await until_ready(client)
        client.headers["Authorization"] = f"Bearer {embedded_key(settings)}"
        assert (await client.post("/signals", json=transfer(source="anybody"))).status_code == 202


async def test_other_routes_are_served_beside_the_signals(settings: Settings) -> None:
    async def receipt(request: Request) -> PlainTextResponse:
        return PlainTextResponse("taken")

    own = settings.model_copy(update={"http_port": 0})
    extra = [Route("/receipts/sms", receipt, methods=["POST"])]
    async with running(own, IntakeSettings(), Clock(), extra) as address, httpx.AsyncClient(trust_env=False) as client:
        assert (await client.post(f"{address}/receipts/sms")).text == "taken"


async def test_a_port_that_is_taken_is_told_by_its_setting(settings: Settings) -> None:
    async with intake_client(settings) as client:
        taken = settings.model_copy(update={"http_port": client.base_url.port})
        with pytest.raises(SettingsError, match="QUANZU_HTTP_PORT"):
            async with running(taken, IntakeSettings(), Clock()):
                pass


@pytest.mark.parametrize("kafka", ["there", "away"])
async def test_told_to_stop_it_ends_by_itself_whether_kafka_is_there_or_away(settings: Settings, kafka: str) -> None:
    own = settings.model_copy(update={"http_port": 0} | ({"kafka": "127.0.0.1:1"} if kafka == "away" else {}))
    serving = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.streams.intake.serving_intake",
        env={**os.environ, **own.environment()},
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert serving.stdout is not None
    address = (await serving.stdout.readline()).decode().strip()
    async with httpx.AsyncClient(base_url=address, trust_env=False) as client:
        assert (await client.get("/healthz")).status_code == 200
    serving.terminate()
    async with asyncio.timeout(20):
        assert await serving.wait() == 0


async def test_a_bank_cannot_confirm_or_lift_a_suspect_and_its_other_signals_are_taken(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    confirmed, lifted, payment = watch_entry("confirmed"), watch_entry("lifted"), transfer()
    answer = await client.post("/signals", json=[confirmed, payment, lifted])
    assert (answer.status_code, answer.json()["ids"]) == (422, [payment["id"]])
    first, second = answer.json()["errors"]
    assert (first["item"], first["field"], first["what"]) == (0, "state", "this source may not confirm a suspect")
    assert (second["item"], second["what"]) == (2, "this source may not lift a suspect")
    assert "Send a report" in first["do"]
    assert "QUANZU_SOURCE_RIGHTS with confirmed" in first["do"]
    assert await written(settings, confirmed["id"], lifted["id"]) == []


async def test_a_source_sends_what_the_centre_has_named_it_for(settings: Settings) -> None:
    topics.create(settings)
    named = settings.model_copy(update={"source_rights": "bank:transfer+confirmed"})
    lines = [watch_entry("confirmed"), transfer(), call(), watch_entry("lifted")]
    async with intake_client(named) as client:
        await until_ready(client)
        body = "\n".join(map(json.dumps, lines))
        answer = await client.post("/signals", content=body, headers={"Content-Type": "application/x-ndjson"})
    assert answer.json()["ids"] == [lines[0]["id"], lines[1]["id"]]
    assert [(fault["item"], fault["field"]) for fault in answer.json()["errors"]] == [(2, "kind"), (3, "state")]
