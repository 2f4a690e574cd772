"""Tests of POST /v1/payees/check with a real client, server and Redis: every answer that a bank can get."""

import json
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY, generate_latest
from redis.exceptions import NoPermissionError

from schemas.risk.evidence import WatchStatus
from schemas.risk.payee_checks import MOST_SUBJECTS, PayeeKind
from schemas.risk.signals import batch_adapter
from streams.intake import payee_checks
from streams.intake.acceptor import examine
from streams.intake.settings import embedded_key
from streams.runtime.clock import Clock
from streams.runtime.embedded import Embedded
from streams.runtime.settings import Settings
from streams.screening.store import EvidenceStore
from streams.screening.subjects import Subjects
from streams.security.acls import rules
from streams.security.rights import Component
from streams.state.case_store import connect
from streams.state.keys import WHOLE
from tests.streams.intake.intake_signals import intake_client, new_id
from tests.streams.intake.payee_listing import (
    CONFIRMED_ACCOUNT,
    CONFIRMED_PHONE,
    LIFTED_ACCOUNT,
    REPORTED_ACCOUNT,
    REPORTED_LINK,
    fill,
)
from tests.tools.servers.process import hanging

CHECK, ABANDONED = "/v1/payees/check", "/v1/payees/check/abandoned"
UNKNOWN_ACCOUNT = "6200000000000009"
SINCE = "2026-03-01T04:30:00Z"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """Servers of this module's own: the store of the session's is no installation's in particular."""
    with Embedded(tmp_path_factory.mktemp("payees")) as servers:
        yield servers


@pytest.fixture
async def store(own: Embedded) -> Settings:
    settings = own.settings(Settings(app_id="payees"))
    await fill(settings)
    return settings


@pytest.fixture
async def bank(store: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with intake_client(store, payee_checks="bank") as client:
        yield client


def account(value: str, **other: object) -> dict[str, Any]:
    return {"subject": "account", "value": value} | other


def link(value: str) -> dict[str, Any]:
    return {"subject": "link", "value": value}


def told(answer: httpx.Response) -> list[tuple[str, str, str | None]]:
    assert answer.status_code == 200, answer.text
    return [(each["answer"], each["reason"], each["since"]) for each in answer.json()["answers"]]


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.mark.parametrize(
    ("asked", "answer", "reason", "since"),
    [
        (account(CONFIRMED_ACCOUNT, bank="102100099996"), "confirmed", "listed", SINCE),
        (account("6200 0000-0000 0001"), "confirmed", "listed", SINCE),
        (account(REPORTED_ACCOUNT), "reported", "report_unverified", SINCE),
        (account(UNKNOWN_ACCOUNT), "not_known", "no_entry", None),
        (account(LIFTED_ACCOUNT), "not_known", "no_entry", None),
        ({"subject": "phone", "value": "142 0000 0001"}, "confirmed", "listed", SINCE),
        ({"subject": "phone", "value": "+8614200000009"}, "not_known", "no_entry", None),
        (link("http://loan.example"), "confirmed", "listed", SINCE),
        (link("https://www.apply.loan.example/now?who=1"), "confirmed", "domain_listed", SINCE),
        (link(REPORTED_LINK), "reported", "report_unverified", SINCE),
        (link("https://shop.example/pay?id=8"), "not_known", "no_entry", None),
    ],
)
async def test_a_payee_is_answered_as_the_watchlist_has_it(
    bank: httpx.AsyncClient, asked: dict[str, Any], answer: str, reason: str, since: str | None
) -> None:
    assert told(await bank.post(CHECK, json=asked)) == [(answer, reason, since)]


async def test_the_most_payees_are_answered_in_their_order_and_no_more_are_asked_about(
    bank: httpx.AsyncClient,
) -> None:
    asked = [account(UNKNOWN_ACCOUNT)] * (MOST_SUBJECTS - 2) + [account(CONFIRMED_ACCOUNT), account(REPORTED_ACCOUNT)]
    answers = [answer for answer, _, _ in told(await bank.post(CHECK, json=asked))]
    assert answers == ["not_known"] * (MOST_SUBJECTS - 2) + ["confirmed", "reported"]
    assert told(await bank.post(CHECK, json=[])) == []
    over = await bank.post(CHECK, json=[*asked, account(UNKNOWN_ACCOUNT)])
    assert (over.status_code, over.json()["error"]) == (413, "over 100 payees in one request")


async def test_an_answer_has_nothing_but_what_is_known_and_its_own_name(bank: httpx.AsyncClient) -> None:
    (found,) = (await bank.post(CHECK, json=account(CONFIRMED_ACCOUNT))).json()["answers"]
    assert set(found) == {"answer", "reason", "since", "check"}
    assert CONFIRMED_ACCOUNT not in json.dumps(found)


async def test_a_suspect_put_on_the_list_meanwhile_is_answered_at_once(
    bank: httpx.AsyncClient, store: Settings
) -> None:
    value = "6200000000000008"
    before = told(await bank.post(CHECK, json=account(value)))
    await fill(store, {value: (PayeeKind.ACCOUNT, WatchStatus.CONFIRMED)})
    after = told(await bank.post(CHECK, json=account(value)))
    assert [before[0][0], after[0][0]] == ["not_known", "confirmed"]


@pytest.mark.parametrize(
    ("item", "field"),
    [
        (account("nobody?"), "value"),
        ({"subject": "phone", "value": "12"}, "value"),
        (link("weixin://dl/business"), "value"),
        (account(""), "value"),
        (account("6" * 2000), "value"),
        (account("62220\x00000"), "value"),
        (account(6200000000000001), "value"),  # type: ignore[arg-type]  # as a careless program sends it
        ({"subject": "account", "value": [CONFIRMED_ACCOUNT]}, "value"),
        ({"subject": "wallet", "value": CONFIRMED_ACCOUNT}, "subject"),
        ({"subject": ["account"], "value": CONFIRMED_ACCOUNT}, "subject"),
        ({"value": CONFIRMED_ACCOUNT}, "subject"),
        ({"subject": "account"}, "value"),
        (account(CONFIRMED_ACCOUNT, owner="somebody"), "owner"),
        (account(CONFIRMED_ACCOUNT, bank=7), "bank"),
        ({"subject": "phone", "value": CONFIRMED_PHONE, "bank": "102100099996"}, "bank"),
        (account(CONFIRMED_ACCOUNT) | {str(number): 1 for number in range(30)}, None),
        (CONFIRMED_ACCOUNT, None),
        (None, None),
        ([[account(CONFIRMED_ACCOUNT)]], None),
    ],
)
async def test_a_wrong_item_is_named_without_its_value_and_none_of_the_request_is_answered(
    bank: httpx.AsyncClient, item: object, field: str | None
) -> None:
    answer = await bank.post(CHECK, json=[account(REPORTED_ACCOUNT), item])
    assert (answer.status_code, set(answer.json())) == (422, {"errors"})
    assert [(each["item"], each["field"]) for each in answer.json()["errors"]] == [(1, field)]
    assert not any(value in answer.text for value in (CONFIRMED_ACCOUNT, "nobody?", "weixin", "somebody", "62220"))


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"", 400, "not JSON"),
        (b'{"subject": ', 400, "not JSON"),
        (b"[" * 5000 + b"]" * 5000, 400, "nested too deep"),
        (b'{"a":' * 60_000 + b"1" + b"}" * 60_000, 400, "nested too deep"),
        ('{"value": "劝阻"}'.encode("gb18030"), 400, "not UTF-8"),
        (b"[" + b"0," * 6000 + b"0]", 413, "payees"),
        (b" " * 10 * 2**20, 413, "longer than"),
        (b'{"subject": "account", "value": "' + b"6" * 10 * 2**20 + b'"}', 413, "longer than"),
    ],
)
async def test_a_hostile_body_is_refused_with_a_clear_error(
    bank: httpx.AsyncClient, body: bytes, status: int, words: str
) -> None:
    for path in (CHECK, ABANDONED):
        answer = await bank.post(path, content=body, headers={"Content-Type": "application/json"})
        assert (answer.status_code, words in answer.json()["error"]) == (status, True), answer.text


async def test_a_field_whose_name_is_half_a_surrogate_is_refused(bank: httpx.AsyncClient) -> None:
    for path in (CHECK, ABANDONED):
        answer = await bank.post(path, content=b'{"\\ud800": 1}', headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, None)


async def test_a_field_given_twice_is_refused(bank: httpx.AsyncClient) -> None:
    twice = f'{{"subject": "account", "value": "{CONFIRMED_ACCOUNT}", "value": "{UNKNOWN_ACCOUNT}"}}'
    answer = await bank.post(CHECK, content=twice, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422


@pytest.mark.parametrize("kind", ["application/x-ndjson", "text/csv", "application/json; charset=gb18030"])
async def test_another_content_type_is_answered_415(bank: httpx.AsyncClient, kind: str) -> None:
    assert (await bank.post(CHECK, content=b"[]", headers={"Content-Type": kind})).status_code == 415


@pytest.mark.parametrize("path", [CHECK, ABANDONED])
async def test_who_has_no_key_is_answered_401_and_a_feed_that_may_not_ask_403(
    bank: httpx.AsyncClient, path: str
) -> None:
    wrong = await bank.post(path, json=[], headers={"Authorization": "Bearer wrong"})
    other = await bank.post(path, json=[], headers={"Authorization": "Bearer another"})
    assert [wrong.status_code, other.status_code] == [401, 403]
    assert "QUANZU_PAYEE_CHECKS" in other.json()["do"]


async def test_unless_the_centre_names_a_source_nobody_may_ask(store: Settings) -> None:
    async with intake_client(store) as client:
        assert (await client.post(CHECK, json=account(CONFIRMED_ACCOUNT))).status_code == 403


async def test_who_tries_it_out_may_ask_with_the_embedded_key(store: Settings) -> None:
    async with intake_client(store, api_keys=None) as client:
        client.headers["Authorization"] = f"Bearer {embedded_key(store)}"
        assert told(await client.post(CHECK, json=account(CONFIRMED_ACCOUNT)))[0][0] == "confirmed"


async def test_payees_have_a_rate_of_their_own(store: Settings) -> None:
    async with intake_client(store, payee_checks="bank", payee_check_rate="3/hour") as client:
        answers = [await client.post(CHECK, json=[account(UNKNOWN_ACCOUNT)] * 2) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert 1 <= int(answers[1].headers["Retry-After"]) <= 3600


async def test_while_redis_is_away_503_is_answered_and_never_not_known(store: Settings) -> None:
    away = store.model_copy(update={"redis": "redis://127.0.0.1:1/0"})
    before = counted("quanzu_payee_checks_total", source="bank", answer="unavailable")
    async with intake_client(away, payee_checks="bank") as client:
        answer = await client.post(CHECK, json=[account(UNKNOWN_ACCOUNT)])
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json()["error"] == "the watchlist cannot be read now"
    assert "not_known" not in answer.text
    assert counted("quanzu_payee_checks_total", source="bank", answer="unavailable") == before + 1


async def test_while_redis_hangs_503_is_answered_soon(
    own: Embedded, bank: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payee_checks, "STORE_SECONDS", 0.3)
    with hanging(own.pids["redis"]):
        answer = await bank.post(CHECK, json=account(UNKNOWN_ACCOUNT))
    assert answer.status_code == 503
    assert told(await bank.post(CHECK, json=account(CONFIRMED_ACCOUNT)))[0][0] == "confirmed"


async def test_a_redis_that_was_emptied_is_answered_503_until_a_worker_has_filled_it(
    bank: httpx.AsyncClient, store: Settings
) -> None:
    redis: Any = connect(store)
    await redis.flushall()
    empty = await bank.post(CHECK, json=account(CONFIRMED_ACCOUNT))
    await fill(store)
    filled = await bank.post(CHECK, json=account(CONFIRMED_ACCOUNT))
    await redis.aclose()
    assert [empty.status_code, told(filled)[0][0]] == [503, "confirmed"]


async def test_under_another_secret_or_in_another_installation_s_redis_503_is_answered(store: Settings) -> None:
    for other in ({"secret": "another-secret-of-32-characters-x"}, {"app_id": "another"}):
        settings = Settings.model_validate({**store.model_dump(), **other})
        async with intake_client(settings, payee_checks="bank") as client:
            assert (await client.post(CHECK, json=account(CONFIRMED_ACCOUNT))).status_code == 503


async def test_intake_s_own_rights_at_redis_are_enough_and_let_it_read_no_payment_and_no_number(
    own: Embedded, store: Settings
) -> None:
    redis: Any = connect(store)
    await redis.execute_command("ACL", "SETUSER", "quanzu-intake", "reset", *rules(Component.INTAKE, "word"))
    await redis.aclose()
    where = str(store.redis).removeprefix("redis://")
    limited = store.model_copy(update={"redis": f"redis://quanzu-intake:word@{where}"})
    async with intake_client(limited, payee_checks="bank") as client:
        (found,) = (await client.post(CHECK, json=account(CONFIRMED_ACCOUNT))).json()["answers"]
        assert found["answer"] == "confirmed"
        assert (await client.post(ABANDONED, json={"check": found["check"]})).json() == {"counted": True}
    as_intake: Any = connect(limited)
    await EvidenceStore(as_intake, 1).keep_accounts({"a1": CONFIRMED_ACCOUNT})  # of a bank's answer
    refused = [("HGETALL", "accounts-by-token:{0}"), ("ZRANGE", "payers:{0}:a1", 0, -1), ("HDEL", "watch:{0}", "x")]
    for command in refused:
        with pytest.raises(NoPermissionError):
            await as_intake.execute_command(*command)
    await as_intake.aclose()


async def test_it_answers_while_kafka_is_away(store: Settings) -> None:
    async with intake_client(store.model_copy(update={"kafka": "127.0.0.1:1"}), payee_checks="bank") as client:
        assert told(await client.post(CHECK, json=account(CONFIRMED_ACCOUNT)))[0][0] == "confirmed"


async def test_what_is_asked_is_in_no_log_metric_or_address(
    bank: httpx.AsyncClient, store: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    secrets = (CONFIRMED_ACCOUNT, CONFIRMED_PHONE.removeprefix("+86"), "shop.example", "no?number-7")
    asked = [account(CONFIRMED_ACCOUNT), {"subject": "phone", "value": CONFIRMED_PHONE}, link(REPORTED_LINK)]
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("httpcore").setLevel(logging.INFO)
        assert told(await bank.post(CHECK, json=asked))
        assert (await bank.post(CHECK, json=account("no?number-7"))).status_code == 422
        redis: Any = connect(store)
        await redis.delete(WHOLE)
        assert (await bank.post(CHECK, json=asked)).status_code == 503
        await fill(store)
        await redis.aclose()
    written = caplog.text + generate_latest().decode()
    assert not [secret for secret in secrets if secret in written]


async def test_an_abandoned_payment_counts_once_by_source_and_answer(bank: httpx.AsyncClient) -> None:
    before = counted("quanzu_payee_checks_abandoned_total", source="bank", answer="confirmed")
    checked = counted("quanzu_payee_checks_total", source="bank", answer="confirmed")
    (found,) = (await bank.post(CHECK, json=account(CONFIRMED_ACCOUNT))).json()["answers"]
    answers = [await bank.post(ABANDONED, json={"check": found["check"]}) for _ in range(3)]
    assert [(answer.status_code, answer.json()["counted"]) for answer in answers] == [
        (200, True),
        (200, False),
        (200, False),
    ]
    assert counted("quanzu_payee_checks_abandoned_total", source="bank", answer="confirmed") == before + 1
    assert counted("quanzu_payee_checks_total", source="bank", answer="confirmed") == checked + 1


async def test_abandoned_payments_have_a_rate_of_their_own_because_each_is_kept(store: Settings) -> None:
    async with intake_client(store, payee_checks="bank", payee_check_rate="300/hour") as client:
        found = (await client.post(CHECK, json=[account(UNKNOWN_ACCOUNT)] * 4)).json()["answers"]
        answers = [await client.post(ABANDONED, json={"check": each["check"]}) for each in found]
        assert (await client.post(CHECK, json=account(UNKNOWN_ACCOUNT))).status_code == 200
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"check": "A" * 40}, "check"),
        ({"check": "x"}, "check"),
        ({"check": 7}, "check"),
        ({"check": "A" * 40, "amount_fen": 1}, "amount_fen"),
        ({}, "check"),
        ("A" * 40, None),
    ],
)
async def test_a_payment_is_abandoned_only_after_a_check_that_was_made(
    bank: httpx.AsyncClient, given: object, field: str | None
) -> None:
    answer = await bank.post(ABANDONED, json=given)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert (await bank.post(ABANDONED, json=[])).status_code == 400


async def test_another_bank_cannot_count_what_this_one_was_answered(store: Settings) -> None:
    async with intake_client(store, payee_checks="bank, other") as client:
        (found,) = (await client.post(CHECK, json=account(CONFIRMED_ACCOUNT))).json()["answers"]
        headers = {"Authorization": "Bearer another"}
        answer = await client.post(ABANDONED, json={"check": found["check"]}, headers=headers)
    assert answer.status_code == 422


async def test_an_abandoned_payment_is_not_counted_while_redis_is_away(
    bank: httpx.AsyncClient, store: Settings
) -> None:
    (found,) = (await bank.post(CHECK, json=account(REPORTED_ACCOUNT))).json()["answers"]
    async with intake_client(store.model_copy(update={"redis": "redis://127.0.0.1:1/0"}), payee_checks="bank") as away:
        assert (await away.post(ABANDONED, json={"check": found["check"]})).status_code == 503
    assert (await bank.post(ABANDONED, json={"check": found["check"]})).json() == {"counted": True}


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "watchlist", "subject": "link", "value": "HTTPS://www.Loan.example/apply/", "state": "confirmed"},
        {"kind": "report", "phone": "19900000001", "suspect_link": "loan.example/apply"},
    ],
)
def test_a_link_comes_on_the_watchlist_by_a_signal(fields: dict[str, Any]) -> None:
    common = {"source": "police", "id": new_id(), "at": "2026-03-01T11:12:00+08:00"}
    (signal,) = examine([common | fields], Clock().now(), Settings().rights()).signals
    subjects = Subjects(b"s" * 32)
    (own, *_) = subjects.links("http://loan.example/apply")
    (again,) = batch_adapter.validate_json(batch_adapter.dump_json([signal]))
    assert subjects.suspect(again) == (own, "loan.example/apply")
    assert own.startswith("link:")
