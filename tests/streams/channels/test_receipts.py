"""What providers tell by webhook becomes an input of the case: signed, once, and never in silence refused."""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest
from prometheus_client import REGISTRY

from agents.dispatch import channel_of
from agents.phone import VoiceProvider
from agents.sms import SmsProvider
from schemas.casework.events import Dispatch
from schemas.casework.inputs import ContactResult
from schemas.levels import Action, Result
from simulators.providers.carrier import Answering, Ringing
from streams.channels.signing import sign
from streams.messaging import producer
from streams.runtime.settings import Settings
from streams.security.encrypted_kafka import make_producer
from streams.state.keys import key
from tests.channel_rig import Rig, rigged, until
from tests.dispatched import NOW, dispatch_for
from tests.documents.answers import described

SECOND = timedelta(seconds=1)


def always(*results: Result) -> Answering:
    """A telephone that answers in this way, a tenth of a second apart."""

    async def answer(ringing: Ringing, now: datetime) -> Sequence[tuple[timedelta, Result]]:
        return [(0.1 * number * SECOND, result) for number, result in enumerate(results, 1)]

    return answer


async def sent(rig: Rig, action: Action) -> Dispatch:
    outgoing = await rig.worker()
    dispatch = await rig.decided(dispatch_for((await rig.resident()).id, action))
    provider = SmsProvider if action.channel == "sms" else VoiceProvider
    await channel_of(provider(outgoing), outgoing).carry([dispatch])
    return dispatch


async def post(
    rig: Rig, name: str, body: object, key: bytes | None = None, wall: float | None = None
) -> httpx.Response:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    headers = sign(key or rig.channels.key(rig.settings), raw, wall or time.time())
    async with httpx.AsyncClient(event_hooks={"response": [described]}) as client:
        return await client.post(f"{rig.settings.receipts_url}/{name}", content=raw, headers=headers)


async def test_while_a_provider_changes_over_its_former_secret_is_taken_and_counted(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def counted() -> float:
        return REGISTRY.get_sample_value("quanzu_receipts_by_secret_before_total") or 0

    former, began = "the former secret of this test", counted()
    body = {"id": "1", "dispatch": dispatch_for("r" + "a" * 16).id, "result": "delivered"}
    monkeypatch.setenv("QUANZU_RECEIPTS_SECRET_BEFORE", former)
    async with rigged(settings) as rig:
        await rig.receiving()
        await rig.stands("r" + "a" * 16)
        # Nothing was sent under this id: who is known is told so, who is not is refused before.
        statuses = [(await post(rig, "sms", body, key)).status_code for key in (None, former.encode(), b"a stranger's")]
    assert (statuses, counted() - began) == ([404, 404, 401], 1)


async def test_a_receipt_that_comes_twice_is_one_input(settings: Settings) -> None:
    async with rigged(settings, answer=always(Result.DELIVERED)) as rig:
        await rig.receiving()
        await rig.fault(rig.providers.carrier_url, "receipts_twice")
        dispatch = await sent(rig, Action.SMS)

        async def both() -> bool:
            return len(await rig.inputs(dispatch.resident)) == 3

        await until(both)
        assert set(await rig.results(dispatch.resident)) == {"sent", "delivered"}


@pytest.mark.parametrize(
    "result", [Result.ACKNOWLEDGED, Result.WANTS_OPERATOR, Result.WRONG_NUMBER, Result.HUNG_UP, Result.BUSY]
)
async def test_a_call_is_reported_as_the_resident_answered_it(settings: Settings, result: Result) -> None:
    async with rigged(settings, answer=always(result)) as rig:
        await rig.receiving()
        dispatch = await sent(rig, Action.ROBOT_CALL)

        async def answered() -> bool:
            return result.value in await rig.results(dispatch.resident)

        await until(answered)
        told = (await rig.inputs(dispatch.resident))[-1]
        assert isinstance(told, ContactResult)
        assert (told.case, told.step, told.attempt, told.action) == (dispatch.case, dispatch.step, 1, Action.ROBOT_CALL)


async def test_a_receipt_36_minutes_late_still_arrives(settings: Settings) -> None:
    async with rigged(settings, answer=always(Result.DELIVERED), speed=3600) as rig:
        await rig.receiving()
        await rig.fault(rig.providers.carrier_url, "receipts_late", minutes=36)
        dispatch = await sent(rig, Action.SMS)

        async def arrived() -> bool:
            return "delivered" in await rig.results(dispatch.resident)

        await until(arrived)
        first, last = await rig.inputs(dispatch.resident)
        assert last.at - NOW >= timedelta(minutes=36)
        assert first.id == f"{dispatch.id}:sent"


async def test_a_receipt_is_known_by_the_case_after_the_book_was_lost(settings: Settings) -> None:
    async with rigged(settings, answer=always()) as rig:
        await rig.receiving()
        dispatch = await rig.decided(dispatch_for((await rig.resident()).id))
        answer = await post(rig, "sms", {"id": "1", "dispatch": dispatch.id, "result": "delivered"})
        assert answer.json() == {"input": f"{dispatch.id}:delivered"}


async def test_a_receipt_that_kafka_refuses_is_asked_for_again_with_the_reason(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rigged(settings) as rig:
        dispatch = await rig.decided(dispatch_for((await rig.resident()).id))
        monkeypatch.setattr(producer, "MAX_BYTES", 100)  # as where Kafka is configured wrongly
        rig.producer = make_producer(rig.settings)
        await rig.producer.start()
        rig.stack.push_async_callback(rig.producer.stop)
        await rig.receiving()
        answer = await post(rig, "sms", {"id": "1", "dispatch": dispatch.id, "result": "delivered"})
        assert (answer.status_code, answer.headers.get("retry-after")) == (503, "1")
        assert "Kafka refuses" in answer.json()["reason"]


async def test_while_what_was_sent_is_not_known_yet_a_receipt_is_asked_for_again_and_not_refused(
    settings: Settings,
) -> None:
    async with rigged(settings) as rig:
        await rig.receiving()
        unknown = dispatch_for("r" + "a" * 16)
        body = {"id": "1", "dispatch": unknown.id, "result": "delivered"}
        lost = await post(rig, "sms", body)
        state = key("state", await rig.stands(unknown.resident))
        await rig.redis.hset(state, "end", 20)
        behind = await post(rig, "sms", body)
        await rig.redis.hset(state, mapping={"end": 1, "run": "another/one"})
        older = await post(rig, "sms", body)
        await rig.stands(unknown.resident)
        assert [each.status_code for each in (lost, behind, older, await post(rig, "sms", body))] == [
            503,
            503,
            503,
            404,
        ]
        assert "send it again" in lost.json()["reason"]


async def test_what_is_forged_old_malformed_or_unknown_is_refused_with_the_reason(settings: Settings) -> None:
    async with rigged(settings, answer=always()) as rig:
        await rig.receiving()
        dispatch = await sent(rig, Action.SMS)
        good: dict[str, Any] = {"id": "1", "dispatch": dispatch.id, "result": "delivered"}
        stranger = dispatch_for("r" + "a" * 16)
        await rig.stands(stranger.resident)
        refused = {
            401: [await post(rig, "sms", good, key=b"another"), await post(rig, "sms", good, wall=time.time() - 400)],
            400: [
                await post(rig, "sms", good | {"result": "read"}),
                await post(rig, "sms", b"{"),
                await post(rig, "sms", []),
            ],
            404: [
                await post(rig, "sms", good | {"dispatch": stranger.id}),
                await post(rig, "voice", good | {"result": "busy"}),
            ],
            413: [await post(rig, "sms", good | {"detail": "x" * 70_000})],
        }
        for status, answers in refused.items():
            assert {answer.status_code for answer in answers} == {status}
            assert all(answer.json()["reason"] for answer in answers)
        assert await rig.results(dispatch.resident) == ["sent"]
