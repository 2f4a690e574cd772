"""Receipts: which answers settle one, and when the others are sent again."""

from pathlib import Path

import httpx
import pytest

from domain.carriers.voice import CallEnding
from schemas.channels.receipts import CallState
from streams.gateways.receipts import AT_ONCE, ReceiptAddress, ReceiptAnswer
from streams.gateways.voice.ledger import CallOrder, VoiceLedger
from streams.gateways.voice.receipts import LONGEST_WAIT_SECONDS, ReceiptPlan, ReceiptSender
from tests.streams.gateways.voice.centre import KEY, NUMBER

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


async def test_a_receipt_is_given_up_when_its_order_is_too_old(tmp_path: Path) -> None:
    ledger = VoiceLedger(tmp_path / "calls")
    await ledger.open()
    for id_, at in (("old", 1_000.0), ("new", 3_000.0)):
        await ledger.add(CallOrder(id_, f"{NUMBER}234", "x", "zh", at))
        await ledger.end(id_, BUSY)
    assert await ledger.give_up(2_000.0) == 1
    assert await ledger.unreported() == [("new", BUSY)]
    await ledger.close()
