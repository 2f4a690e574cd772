"""A stop order as camt.056, and a bank's answer as camt.029."""

from dataclasses import replace

import pytest

from schemas.casework.inputs import BankState
from streams.iso20022.cancellation import request
from streams.iso20022.document import MessageError, message_of, parsed, text_at, validate
from streams.iso20022.resolution import resolution
from tests.streams.iso20022.messages import BANK, DISPATCH, ORDER, PAYEE, answer, returned


@pytest.mark.parametrize("kind", ["camt.056.001.09", "camt.056.001.12"])
def test_a_stop_order_is_a_cancellation_request_for_fraud_as_its_schema_says(kind: str) -> None:
    made = request(ORDER, BANK.model_copy(update={"cancellation": kind}))
    assert made is not None
    root = parsed(made)
    found, given = message_of(root, [kind])
    validate(root, found)
    assert text_at(given, "Case/Id") == f"{'a' * 16}-1:stop.0:1"
    told = {name: text_at(given, f"Undrlyg/TxInf/{name}") for name in ("OrgnlEndToEndId", "OrgnlIntrBkSttlmAmt")}
    assert told == {"OrgnlEndToEndId": "E2E-1", "OrgnlIntrBkSttlmAmt": "1234.50"}
    assert text_at(given, "Undrlyg/TxInf/CxlRsnInf/Rsn/Cd") == "FRAD"
    assert text_at(given, "Undrlyg/TxInf/OrgnlTxRef/CdtrAcct/Id/Othr/Id") == PAYEE
    assert text_at(given, "Assgnmt/CreDtTm") == "2026-03-01T11:12:00+08:00"


def test_the_same_order_has_the_same_bytes() -> None:
    assert request(ORDER, BANK) == request(ORDER, BANK)


def test_an_order_that_the_message_cannot_hold_is_not_written() -> None:
    assert request(ORDER, BANK.model_copy(update={"cancellation": None})) is None
    assert request(replace(ORDER, account="9" * 35), BANK) is None
    assert request(replace(ORDER, holder="某\ufffe"), BANK) is None
    assert request(replace(ORDER, dispatch=DISPATCH.replace("stop.0", "s" * 20)), BANK) is None


def test_an_end_to_end_id_that_is_too_long_or_unknown_is_left_out() -> None:
    for unknown in ("", "E" * 36, "NOTPROVIDED"):
        made = request(replace(ORDER, end_to_end=unknown), BANK)
        assert made is not None
        assert b"OrgnlEndToEndId" not in made


@pytest.mark.parametrize(
    ("status", "reason", "state"),
    [
        ("PDCR", "HELD", BankState.IN_FORCE),
        ("PDCR", "FRZN", BankState.FROZEN),
        ("ACCR", "", BankState.CANCELLED),
        ("CNCL", "", BankState.CANCELLED),
        ("RJCR", "NOAS", BankState.REFUSED),
    ],
)
@pytest.mark.parametrize("kind", ["camt.029.001.10", "camt.029.001.14"])
def test_an_answer_says_what_a_banks_json_says(kind: str, status: str, reason: str, state: BankState) -> None:
    told = resolution(answer(status, reason, kind=kind))
    assert (told.dispatch, told.end_to_end, told.state, told.amount_fen) == (DISPATCH, "E2E-1", state, 80_000)


def test_an_answer_sent_again_under_another_message_id_has_the_same_id() -> None:
    assert resolution(answer()).id == resolution(answer(id_="A-2")).id != resolution(answer(amount="7")).id


def test_a_reason_in_a_banks_own_words_is_in_no_id() -> None:
    told = resolution(answer("RJCR", "某甲\nErika Example"))
    assert told.id.isascii()
    assert told.id.isprintable()
    assert "Example" not in told.id


def test_a_return_says_how_much_came_back() -> None:
    told = resolution(returned())
    assert (told.dispatch, told.end_to_end, told.state, told.amount_fen, told.code) == (
        DISPATCH,
        "E2E-1",
        BankState.RETURNED,
        80_000,
        "FOCR",
    )


def test_an_answer_that_names_no_end_to_end_id_may_say_so() -> None:
    assert (
        resolution(answer(name="NOTPROVIDED")).end_to_end == resolution(returned(name="NOTPROVIDED")).end_to_end == ""
    )


def test_an_answer_without_an_amount_confirms_none() -> None:
    assert resolution(answer(amount=None)).amount_fen == 0


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (answer("PDCR", ""), "Sts: PDCR needs the reason HELD or FRZN"),
        (answer("PECR", ""), "Sts: PECR says that a part was cancelled"),
        (answer("INFO", ""), "Sts: no answer to a cancellation"),
        (answer(case=None), "CxlDtls/TxInfAndSts/RslvdCase/Id: missing"),
        (answer(times=2), "2 answers; send one in each message"),
        (answer(amount="0.001"), "RsltnRltdInf/IntrBkSttlmAmt: the amount has fractions of a fen"),
        (returned(case=None), "TxInf/RtrRsnInf/AddtlInf: missing"),
        (returned(times=2), "TxInf: 2 answers; send one in each message"),
        (returned("0.001"), "TxInf/RtrdIntrBkSttlmAmt: the amount has fractions of a fen"),
        (answer(kind="camt.029.001.01"), "line 2: not a Document of camt.029.001.10"),
    ],
)
def test_an_answer_that_decides_nothing_is_refused_with_its_place(body: bytes, why: str) -> None:
    with pytest.raises(MessageError, match=why):
        resolution(body)
