"""What the metric says of each answer to a report of an operator's call."""

import asyncio
from unittest.mock import AsyncMock, Mock

import pytest
from prometheus_client import REGISTRY

from schemas.channels.incoming_calls import IncomingCallReport, IncomingCallState
from schemas.channels.operator_calls import OperatorCallReport, OperatorCallState
from streams.gateways.receipts import AT_ONCE, ReceiptAddress, ReceiptAnswer
from streams.gateways.voice.operators.reports import CallReporter

REPORT = OperatorCallReport(call="c", case="r", operator="wang", sequence=1, state=OperatorCallState.RINGING)


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("quanzu_voice_receipts_total", {"outcome": outcome}) or 0.0


@pytest.mark.parametrize(
    ("answer", "outcome", "settled"),
    [
        (ReceiptAnswer.ACCEPTED, "accepted", 1),
        (ReceiptAnswer.REFUSED, "refused", 1),
        (ReceiptAnswer.LATER, "refused", 0),
        (ReceiptAnswer.UNREACHABLE, "unreachable", 0),
    ],
)
async def test_a_refused_report_is_not_counted_as_accepted(
    answer: ReceiptAnswer, outcome: str, settled: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ReceiptAddress, "send", AsyncMock(return_value=answer))
    ledger = Mock(report=AsyncMock(return_value=REPORT), reported=AsyncMock())
    reporter = CallReporter(ledger, "http://127.0.0.1:1/receipts/operator-calls", (b"k" * 32,))
    before, accepted = counted(outcome), counted("accepted")
    reporter.tell("c")
    await asyncio.sleep(0.1)
    await reporter.close()
    assert counted(outcome) == before + 1
    assert counted("accepted") == accepted + (outcome == "accepted")
    assert ledger.reported.await_count == settled


async def test_a_state_that_cannot_be_reported_is_left_out_and_its_number_is_in_no_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    number = "+4912345678901234"

    async def report(_: str) -> IncomingCallReport:
        told = {"call": "c" + "0" * 20, "at": "2026-03-01T03:12:00Z", "sequence": 1, "caller": number}
        return IncomingCallReport.model_validate(told | {"state": IncomingCallState.QUEUED})

    ledger = Mock(report=report, reported=AsyncMock())
    reporter = CallReporter(ledger, "http://127.0.0.1:1/receipts/incoming-calls", (b"k" * 32,))
    reporter.tell("c")
    task = reporter._sending["c"]
    await asyncio.wait([task], timeout=5)
    assert task.done()
    assert task.exception() is None
    await reporter.close()
    assert "ValidationError" in caplog.text
    assert number not in caplog.text
    with pytest.raises(ValueError, match="caller") as refused:
        await report("c")
    assert number not in str(refused.value)


async def test_so_many_reports_are_on_their_way_at_once_as_receipts(monkeypatch: pytest.MonkeyPatch) -> None:
    under_way, most = 0, 0

    async def send(*_: object) -> ReceiptAnswer:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        return ReceiptAnswer.ACCEPTED

    monkeypatch.setattr(ReceiptAddress, "send", send)
    ledger = Mock(report=AsyncMock(return_value=REPORT), reported=AsyncMock())
    reporter = CallReporter(ledger, "http://127.0.0.1:1/receipts/operator-calls", (b"k" * 32,))
    for number in range(60):
        reporter.tell(f"c{number}")
    await reporter.settle(20)
    await reporter.close()
    assert ledger.reported.await_count == 60
    assert most == AT_ONCE
