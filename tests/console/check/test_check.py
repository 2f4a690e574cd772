"""Anybody asks about a number, and the console learns a bucket: the whole way from a signal to the answer."""

import asyncio
import base64
import logging
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import httpx
import limits as rates
import pytest
import pytest_asyncio

from console.web.check.check_metrics import CHECKS, SECONDS
from console.web.kit import limits
from domain.public_check.buckets import CheckStatus, bucket_of, status_in
from domain.public_check.listing import asked_text, prefix_of
from domain.public_check.oprf import evaluated, hash_to_group, random_scalar, unblinded
from domain.public_check.statuses import A_DAY
from schemas.risk.signals import Watch, WatchState
from tests.console.harness.stage import Stage, stage
from tests.console.harness.visitors import Visitor
from tests.end_to_end.harness.house import until
from tests.end_to_end.harness.rig import Line

_NETWORKS = count(1)
LOAD_SECONDS = 30.0  # until the list is loaded, on a machine that does other things too
PHONE, OTHER = "+8619800099071", "+8619800099072"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def console(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with stage(tmp_path_factory.mktemp("check"), public_check=True) as started:

        async def loaded() -> bool:
            return started.services.check_list is not None and started.services.check_list.bits is not None

        await until(loaded, LOAD_SECONDS)
        yield started


def asker(console: Stage) -> Visitor:
    """A visitor from a network that nobody else has."""
    return Visitor(console, f"203.0.{next(_NETWORKS)}.7")


def base64_of(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def bytes_of(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def question(bits: int, text: bytes, blind: bytes) -> dict[str, object]:
    element = evaluated(blind, hash_to_group(text))
    return {"bits": bits, "buckets": [bucket_of(prefix_of(text), bits)], "elements": [base64_of(element)]}


async def asked(visitor: Visitor, kind: str, normal: str) -> CheckStatus | None:
    """The answer, as a page works it out."""
    text, blind = asked_text(kind, normal), random_scalar()
    bits = (await visitor.get("/v1/check")).json()["bits"]
    answer = await visitor.post("/v1/check", json=question(bits, text, blind))
    assert answer.status_code == 200, answer.text
    [found] = answer.json()["answers"]
    element = unblinded(blind, bytes_of(found["element"]))
    return status_in(bytes_of(found["entries"]), bytes_of(found["nonce"]), element)


async def until_asked(visitor: Visitor, normal: str, status: CheckStatus | None) -> None:
    for _ in range(100):
        if await asked(visitor, "phone", normal) is status:
            return
        await asyncio.sleep(0.1)
    pytest.fail(f"the number did not become {status}")


async def test_a_confirmed_number_is_found_and_a_lifted_one_is_not(console: Stage, line: Line) -> None:
    async with asker(console) as visitor:
        assert await asked(visitor, "phone", PHONE) is None
        for state, status in ((WatchState.CONFIRMED, CheckStatus.CONFIRMED), (WatchState.LIFTED, None)):
            at = console.services.line.clock.now()
            watch = Watch(source="police", id=f"check-{state}", at=at, subject="phone", value=PHONE, state=state)
            await line.signal(watch)
            await until_asked(visitor, PHONE, status)
            assert await asked(visitor, "phone", OTHER) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"bits":0,"buckets":[0],"elements":[]}',
        b'{"bits":0,"buckets":[1],"elements":["%s"]}' % (b"A" * 43),
        b'{"bits":0,"buckets":[0],"elements":["%s"]}' % (b"A" * 43),
        b'{"bits":99,"buckets":[0],"elements":["%s"]}' % (b"A" * 43),
        b'{"bits":0,"buckets":[0],"elements":["\xff"]}',
    ],
)
async def test_a_body_that_is_no_question_is_refused_without_repeating_it(console: Stage, body: bytes) -> None:
    async with asker(console) as visitor:
        answer = await visitor.post("/v1/check", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 400
        assert set(answer.json()) == {"bits", "elements_a_day"}


async def test_another_number_of_bits_is_answered_with_the_right_one(console: Stage) -> None:
    async with asker(console) as visitor:
        answer = await visitor.post("/v1/check", json=question(3, b"phone:x", random_scalar()))
        assert (answer.status_code, answer.json()["bits"]) == (409, 0)


async def test_a_large_body_and_another_sites_page_are_refused(console: Stage) -> None:
    async with asker(console) as visitor:
        assert (await visitor.post("/v1/check", content=b" " * 5_000)).status_code == 413
        foreign = {"sec-fetch-site": "cross-site"}
        told = question(0, b"phone:x", random_scalar())
        assert (await visitor.post("/v1/check", json=told, headers=foreign)).status_code == 403


async def test_another_sites_page_writes_nothing_down_and_is_counted(
    console: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = list[object]()

    async def note(*given: object) -> None:
        noted.append(given)

    monkeypatch.setattr(console.services.security, "note", note)
    monkeypatch.setattr(limits, "CHECKS", rates.parse("5/day"))
    foreign, told = {"sec-fetch-site": "cross-site"}, question(0, b"phone:x", random_scalar())
    async with asker(console) as visitor:
        answers = [await visitor.post("/v1/check", json=told, headers=foreign) for _ in range(6)]
    assert {each.status_code for each in answers[:-1]} == {403}
    assert (answers[-1].status_code, noted) == (429, [])


async def test_the_metric_tells_what_became_of_questions_and_never_of_what_or_with_what_answer(
    console: Stage, line: Line
) -> None:
    def told() -> dict[tuple[str, str], float]:
        found = [each for metric in CHECKS.collect() for each in metric.samples if each.name.endswith("_total")]
        assert all(set(each.labels) == {"outcome", "kind"} for each in found)
        return {(each.labels["outcome"], each.labels["kind"]): each.value for each in found}

    def counted() -> float:
        samples = (each for metric in SECONDS.collect() for each in metric.samples)
        return float(next(each.value for each in samples if each.name.endswith("_count")))

    before, timed = told(), counted()
    async with asker(console) as visitor:
        for elements, bits in ((1, 0), (7, 0), (1, 3), (3, 0)):
            one = question(bits, b"phone:x", random_scalar())
            many = {**one, "buckets": one["buckets"] * elements, "elements": one["elements"] * elements}  # type: ignore[operator]  # lists
            await visitor.post("/v1/check", json=many)
        await visitor.post("/v1/check", content=b"{}", headers={"content-type": "application/json"})
    new = {labels: value - before.get(labels, 0) for labels, value in told().items() if value != before.get(labels)}
    assert new == {
        ("answered", "number"): 1,
        ("answered", "link"): 1,
        ("answered", "other"): 1,
        ("other_bits", "number"): 1,
        ("unreadable", "other"): 1,
    }
    assert counted() == timed + 3


async def test_questions_of_other_bits_cost_an_asker_nothing(console: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CHECKS", rates.parse("5/day"))
    told = question(3, b"phone:x", random_scalar())
    async with asker(console) as visitor:
        assert {(await visitor.post("/v1/check", json=told)).status_code for _ in range(6)} == {409}
        assert await asked(visitor, "phone", OTHER) is None


async def test_a_customer_with_many_networks_has_the_limit_of_a_site(
    console: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SITE_CHECKS", rates.parse("4/day"))
    told, statuses = question(0, b"phone:x", random_scalar()), list[int]()
    for number in range(5):
        async with Visitor(console, f"2001:db8:7:{number}::1") as visitor:
            statuses.append((await visitor.post("/v1/check", json=told)).status_code)
    assert statuses == [200] * 4 + [429]
    async with Visitor(console, "2001:db8:8::1") as neighbour:
        assert (await neighbour.post("/v1/check", json=told)).status_code == 200


async def test_only_answers_use_up_what_everybody_has_and_above_it_the_page_does_not_blame_the_network(
    console: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ALL_CHECKS", rates.parse("2/day"))
    broken = {"bits": 0, "buckets": [0], "elements": ["A" * 43]}
    async with asker(console) as visitor:
        refused = [await visitor.post("/v1/check", json=each) for each in [broken, {}] * 3]
        told = [await visitor.post("/v1/check", json=question(0, b"phone:x", random_scalar())) for _ in range(3)]
    assert {each.status_code for each in refused} == {400}
    assert [each.status_code for each in told] == [200, 200, 503]
    assert int(told[-1].headers["retry-after"]) > 0


async def test_a_network_has_so_many_questions_a_day_and_a_link_counts_by_its_forms(console: Stage) -> None:
    element = base64_of(hash_to_group(b"x"))
    told = {"bits": 0, "buckets": [0] * 7, "elements": [element] * 7}
    async with asker(console) as visitor:
        answers = [await visitor.post("/v1/check", json=told) for _ in range(A_DAY // 7 + 1)]
    assert [each.status_code for each in answers] == [200] * (A_DAY // 7) + [429]
    assert int(answers[-1].headers["retry-after"]) > 0


async def test_the_log_says_when_and_how_many_and_nothing_else(
    console: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        async with asker(console) as visitor:
            told = question(0, asked_text("phone", PHONE), random_scalar())
            assert (await visitor.post("/v1/check", json=told)).status_code == 200
    element = str(told["elements"])[2:-2]
    own = [each.getMessage() for each in caplog.records if not each.name.startswith(("httpx", "httpcore"))]
    assert not [line for line in own if element in line or PHONE in line or "/v1/check" in line]


async def test_the_page_is_there_in_three_languages_and_loads_nothing_from_elsewhere(console: Stage) -> None:
    async with asker(console) as visitor:
        for language, words in (("zh", "涉诈风险查询"), ("en", "Check a number"), ("ko", "사기 위험 조회")):
            answer = await visitor.get("/check", headers={"accept-language": language})
            assert (answer.status_code, words in answer.text) == (200, True)
            assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
            assert "set-cookie" not in answer.headers


async def test_without_the_setting_there_is_no_such_page(tmp_path: Path) -> None:
    async with stage(tmp_path / "closed") as closed, asker(closed) as visitor:
        answers: list[httpx.Response] = [
            await visitor.get("/check"),
            await visitor.get("/v1/check"),
            await visitor.post("/v1/check", json={}),
            await visitor.get("/check/appeal"),
        ]
    assert [each.status_code for each in answers] == [404] * 4
