"""Receipts: which answers settle one, and when the others are sent again."""

import time
from pathlib import Path

import httpx
import pytest

from domain.carriers.voice import CallEnding
from schemas.channels.receipts import CallState
from streams.gateways import receipts
from streams.gateways.receipts import AT_ONCE, ReceiptAddress, ReceiptAnswer
from streams.gateways.voice.ledger import CallOrder, VoiceLedger
from streams.gateways.voice.receipts import LONGEST_WAIT_SECONDS, ReceiptPlan, ReceiptSender
from streams.runtime.embedded import free_port
from tests.streams.gateways.voice.centre import KEY, NUMBER, centre_with_receipts, running_gateway, written

BUSY = CallEnding(CallState.BUSY, "SIP 486")


@pytest.mark.parametrize(
    ("status", "settled"),
    [(200, True), (400, True), (422, True), (401, False), (403, False), (404, False), (409, False), (503, False)],
)
async def test_only_an_acceptance_or_a_refusal_of_its_content_settles_a_receipt(status: int, settled: bool) -> None:
    sender = ReceiptSender("http://127.0.0.1:1/receipts/voice", (KEY,))
    await sender.close()
    sender._client = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(status)))
    assert await sender.report("d", BUSY) is settled
    await sender.close()


@pytest.mark.parametrize(
    ("url", "location"), [("http://127.0.0.1:1/receipts/voice", "https://xn--a/"), ("http://127.0.0.1:a/", "/")]
)
async def test_a_receipt_is_sent_again_if_its_url_or_its_answer_leads_to_no_address(url: str, location: str) -> None:
    answer = httpx.Response(302, headers={"Location": location})
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer)) as client:
        address = ReceiptAddress("voice", url, (KEY,))
        assert await address.send(client, b"{}") is ReceiptAnswer.UNREACHABLE


def test_a_refused_receipt_waits_longer_each_time_and_holds_up_no_other() -> None:
    plan, waits, now = ReceiptPlan(), [], 100.0
    rows = [(f"d{number}", BUSY) for number in range(AT_ONCE)]
    assert plan.due(rows, now) == rows
    for _ in range(9):
        for dispatch, _ending in rows:
            plan.note(dispatch, now, done=False)
        assert plan.due([*rows, ("new", BUSY)], now) == [("new", BUSY)]
        waits.append(plan.pause(now))
        now += plan.pause(now)
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    plan.note("d0", now, done=True)
    assert plan.due(rows[1:], now) == rows[1:]
    assert plan.due([], now) == []
    assert plan.pause(now) == LONGEST_WAIT_SECONDS  # what the ledger has given up is not remembered


def test_receipts_on_their_way_take_room_and_are_not_waited_for() -> None:
    plan, rows = ReceiptPlan(), [(f"d{number}", BUSY) for number in range(AT_ONCE + 1)]
    assert plan.due(rows, 100.0, {"d0"}) == rows[1:AT_ONCE]
    plan.note("d0", 100.0, done=False)  # due again at 100.5, and sent then
    assert plan.pause(200.0) == 0.0
    assert plan.pause(200.0, {"d0"}) == LONGEST_WAIT_SECONDS
    assert plan.due(rows, 200.0, {f"d{number}" for number in range(AT_ONCE)}) == []


async def test_a_receipt_that_quanzu_does_not_answer_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts, "ANSWER_SECONDS", 600.0)
    ledger = VoiceLedger(tmp_path / "voice.sqlite")
    await ledger.open()
    for number in range(AT_ONCE + 1):
        await ledger.add(CallOrder(f"d{number}", f"{NUMBER}234", "x", "zh", time.time() + number / 1000))
        await ledger.end(f"d{number}", BUSY)
    await ledger.close()
    async with centre_with_receipts() as (centre, url):
        centre.hangs.add("d0")
        async with running_gateway(centre, written(tmp_path, free_port(), url)):
            await centre.receipt(f"d{AT_ONCE}")
        centre.answers.set()
        assert set(centre.receipts) == {f"d{number}" for number in range(1, AT_ONCE + 1)}


async def test_a_receipt_is_given_up_when_its_order_is_too_old(tmp_path: Path) -> None:
    ledger = VoiceLedger(tmp_path / "calls")
    await ledger.open()
    for id_, at in (("old", 1_000.0), ("new", 3_000.0)):
        await ledger.add(CallOrder(id_, f"{NUMBER}234", "x", "zh", at))
        await ledger.end(id_, BUSY)
    assert await ledger.give_up(2_000.0) == 1
    assert await ledger.unreported() == [("new", BUSY)]
    await ledger.close()
