"""Payments of ISO 20022 and their status reports become the signals that intake's JSON gives."""

from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.risk.signals import TransferState
from streams.intake.acceptor import Unreadable, examine
from streams.intake.formats.iso20022 import items_of_document, open_rows, rows_of
from streams.intake.formats.rows import Options, RowError
from streams.intake.parsing import BodyError
from streams.iso20022.payments import LONGEST_HEADER, MOST_TRANSACTIONS
from tests.streams.iso20022.messages import AT, PAYEE, PAYER, document, payment, payments, report

NOW = datetime(2026, 3, 1, 4, tzinfo=UTC)


def signals(body: bytes) -> list[Any]:
    found = examine(items_of_document(body), NOW)
    assert found.faults == []
    return list(found.signals)


def fault(body: bytes) -> str:
    (item,) = items_of_document(body)
    assert isinstance(item, Unreadable)
    return item.what


@pytest.mark.parametrize("kind", ["pacs.008.001.08", "pacs.008.001.09"])
def test_a_payment_is_a_pending_transfer_of_its_payers_bank_to_the_fen(kind: str) -> None:
    (signal,) = signals(payments(payment(), kind=kind))
    json = {
        "kind": "transfer",
        "source": "zzzzcnzz",
        "id": "E2E-1",
        "at": "2026-03-01T11:12:00+08:00",
        "payer": PAYER,
        "payee": PAYEE,
        "amount_fen": 123_450,
        "channel": "mobile_bank",
        "state": "pending",
    }
    (same,) = examine([json], NOW).signals
    assert signal == same


def test_a_payment_sent_again_under_another_message_id_is_the_same_signal() -> None:
    (first,), (second,) = signals(payments(payment())), signals(payments(payment(), id_="M-99"))
    assert first.uid == second.uid == "zzzzcnzz:E2E-1"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("ACSP", TransferState.PENDING),
        ("PDNG", TransferState.PENDING),
        ("ACSC", TransferState.SETTLED),
        ("ACCC", TransferState.SETTLED),
        ("RJCT", TransferState.ATTEMPTED),
    ],
)
def test_a_status_report_is_the_same_payment_further_on(status: str, state: TransferState) -> None:
    (signal,) = signals(report(status))
    assert (signal.uid, signal.state, signal.amount_fen) == ("zzzzcnzz:E2E-1", state, 123_450)


def test_a_time_without_an_offset_is_beijings_and_acceptance_counts_before_creation() -> None:
    accepted = "<AccptncDtTm>2026-03-01T11:12:00</AccptncDtTm>"
    (signal,) = signals(payments(payment(more=accepted)))
    assert signal.at == AT


def test_a_payment_without_an_end_to_end_id_is_known_by_its_uetr() -> None:
    uetr = "<UETR>00000000-0000-4000-8000-000000000000</UETR>"
    (signal,) = signals(payments(payment("NOTPROVIDED", ids=uetr)))
    assert signal.id == "00000000-0000-4000-8000-000000000000"
    assert "no end-to-end id" in fault(payments(payment("NOTPROVIDED")))


def test_the_channel_is_the_local_instrument_if_that_names_one() -> None:
    named = "<PmtTpInf><LclInstrm><Prtry>counter</Prtry></LclInstrm></PmtTpInf>"
    whole = payments(payment()).replace(b"</PmtId>", f"</PmtId>{named}".encode())
    (signal,) = signals(whole)
    assert signal.channel == "counter"


def test_a_bank_without_a_bic_is_known_by_its_number_in_the_payment_system() -> None:
    member = b"<ClrSysMmbId><MmbId>999000000000</MmbId></ClrSysMmbId>"
    (signal,) = signals(payments(payment()).replace(b"<BICFI>ZZZZCNZZ</BICFI>", member))
    assert signal.source == "cnaps-999000000000"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (payments(payment(currency="USD")), "CdtTrfTxInf/IntrBkSttlmAmt: the currency is not CNY"),
        (payments(payment(amount="1.005")), "CdtTrfTxInf/IntrBkSttlmAmt: the amount has fractions of a fen"),
        (payments(payment(amount="1.0000001")), "CdtTrfTxInf/IntrBkSttlmAmt: too many decimals"),
        (payments(payment(amount="five")), "CdtTrfTxInf/IntrBkSttlmAmt: a value of the wrong type"),
        (payments(payment(name="E" * 36)), "CdtTrfTxInf/PmtId/EndToEndId: too long"),
        (payments(payment(more="<Foo/>")), "CdtTrfTxInf/Foo: an element is missing here"),
        (payments(payment()).replace(b"CdtrAcct", b"CdtrAgtAcct"), "CdtTrfTxInf/CdtrAgtAcct: an element is missing"),
        (report(original=False), "TxInfAndSts/OrgnlTxRef: missing"),
        (report("WHAT"), "TxInfAndSts/TxSts: no status known here"),
    ],
)
def test_an_invalid_transaction_is_named_by_its_path(body: bytes, why: str) -> None:
    assert fault(body).startswith(why)


def test_an_invalid_transaction_does_not_affect_the_others() -> None:
    items = items_of_document(payments(payment("E1"), payment("E2", currency="USD"), payment("E3")))
    assert [isinstance(item, dict) for item in items] == [True, False, True]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "line 1, column 1: not well-formed"),
        (payments(payment())[:400], "line 2, column"),
        (payments(payment(), number=2), "GrpHdr/NbOfTxs: another number than the 1"),
        (payments(), "0 transactions"),
        (payments(*[payment()] * (MOST_TRANSACTIONS + 1)), "5,001 transactions"),
        (payments(payment(), kind="pacs.008.001.99"), "line 2: not a Document of pacs.008.001.08"),
        (payments(payment(), id_="M" * LONGEST_HEADER), "line 2: a group header of over 8,192 bytes"),
        (payments(payment(), "<Other/>"), "an element that pacs.008.001.08 lacks"),
        (document("pacs.008.001.08", "<FIToFICstmrCdtTrf/><FIToFICstmrCdtTrf/>"), "a Document holds one message"),
    ],
)
def test_a_document_that_cannot_be_read_is_refused_as_a_whole_with_its_place(body: bytes, why: str) -> None:
    with pytest.raises(BodyError, match=why):
        items_of_document(body)


def test_each_row_of_a_file_is_a_document_that_can_be_read_alone() -> None:
    row = open_rows(b"", Options())
    rows = rows_of(payments(payment("E1"), payment("E2")))
    assert [row(each, "")["id"] for each in rows] == ["E1", "E2"]  # type: ignore[index]  # they are dicts


def test_a_file_that_cannot_be_read_is_one_row_that_is_refused() -> None:
    wrong = payments(payment(), number=2)
    assert rows_of(wrong) == [wrong]
    with pytest.raises(RowError, match="NbOfTxs"):
        open_rows(b"", Options())(wrong, "")
