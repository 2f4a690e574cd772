"""The question about a stop order that a bank has not answered, and the bank's status."""

from dataclasses import replace

import pytest

from schemas.casework.inputs import BankState
from streams.iso20022.document import MessageError
from streams.iso20022.resolution import resolution
from streams.iso20022.status_request import status_request
from tests.streams.iso20022.messages import BANK, DISPATCH, PAYEE, QUESTION, status

TAKES = BANK.model_copy(update={"status_request": "pacs.028.001.03"})


@pytest.mark.parametrize("kind", ["pacs.028.001.03", "pacs.028.001.06"])
def test_a_question_names_the_order_and_its_account_in_both_versions(kind: str) -> None:
    made = status_request(QUESTION, BANK.model_copy(update={"status_request": kind}))
    assert made is not None
    assert kind.encode() in made
    assert f"<OrgnlMsgId>{DISPATCH.removeprefix('r').removesuffix(':payment')}</OrgnlMsgId>".encode() in made
    assert b"<OrgnlMsgNmId>camt.056.001.09</OrgnlMsgNmId>" in made
    assert PAYEE.encode() in made
    assert b'<IntrBkSttlmAmt Ccy="CNY">1234.50</IntrBkSttlmAmt>' in made


def test_a_question_that_is_sent_again_has_the_same_bytes_and_another_question_another_id() -> None:
    first = status_request(QUESTION, TAKES)
    assert first == status_request(QUESTION, TAKES)
    assert first != status_request(replace(QUESTION, dispatch=QUESTION.dispatch.replace(":1:", ":2:")), TAKES)


def test_a_bank_that_takes_no_such_question_or_got_the_order_as_json_gets_none() -> None:
    assert status_request(QUESTION, BANK) is None
    assert status_request(QUESTION, TAKES.model_copy(update={"cancellation": None})) is None
    assert status_request(replace(QUESTION, account="9" * 35), TAKES) is None
    assert status_request(replace(QUESTION, holder="a\x01"), TAKES) is None


@pytest.mark.parametrize(
    ("told", "state"), [("PDNG", BankState.PENDING), ("RCVD", BankState.PENDING), ("RJCT", BankState.REFUSED)]
)
def test_a_status_says_that_the_order_waits_or_is_refused(told: str, state: BankState) -> None:
    found = resolution(status(told))
    assert (found.dispatch, found.state, found.amount_fen, found.end_to_end) == (DISPATCH, state, 0, "E2E-1")


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (status("ACSC"), "TxInfAndSts/TxSts"),
        (status(about="pacs.008.001.08"), "OrgnlMsgNmId"),
        (status(case=None), "OrgnlMsgNmId"),
        (status(times=2), "2 answers"),
    ],
)
def test_a_status_that_says_nothing_about_one_order_is_refused_with_its_place(body: bytes, place: str) -> None:
    with pytest.raises(MessageError, match=place):
        resolution(body)
