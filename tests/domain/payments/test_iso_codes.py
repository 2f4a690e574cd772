"""Codes and units of ISO 20022."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.dispatches.ids import parse
from domain.payments.iso_codes import at, decimal_yuan, dispatch_of, fen_of, named_id, reference, source_of
from schemas.base import MOST_FEN


@given(st.integers(0, MOST_FEN))
def test_fen_become_yuan_and_yuan_fen_again(fen: int) -> None:
    assert fen_of(decimal_yuan(fen), "CNY") == fen


@pytest.mark.parametrize(
    ("amount", "fen"), [("0", 0), ("1", 100), ("+1.5", 150), ("1.50000", 150), (".07", 7), (" 3. ", 300)]
)
def test_every_form_of_a_decimal_is_read(amount: str, fen: int) -> None:
    assert fen_of(amount, "CNY") == fen


@pytest.mark.parametrize(("amount", "currency"), [("0.001", "CNY"), ("1", "USD"), ("1", "")])
def test_no_other_currency_and_no_fraction_of_a_fen_is_read(amount: str, currency: str) -> None:
    with pytest.raises(ValueError, match=r"CNY|fen"):
        fen_of(amount, currency)


def test_a_time_without_an_offset_is_beijings() -> None:
    noon = datetime(2026, 3, 1, 4, tzinfo=UTC)
    assert at("2026-03-01T12:00:00") == at("2026-03-01T04:00:00Z") == at("2026-03-01T12:00:00.000+08:00") == noon


@given(st.integers(1, 999), st.integers(0, 99), st.integers(1, 99))
def test_a_reference_fits_a_message_and_names_the_dispatch(number: int, payment: int, attempt: int) -> None:
    dispatch = f"r{'a' * 16}-{number}:stop.{payment}:{attempt}:payment"
    short = reference(dispatch)
    assert short is not None
    assert parse(dispatch_of(short)).text == dispatch


def test_branches_of_a_bank_are_one_source() -> None:
    assert source_of("ZZZZCNZZ", None) == source_of("ZZZZCNZZ123", "999") == "zzzzcnzz"
    assert source_of(None, "999000000000") == "cnaps-999000000000"
    assert source_of(None, "no number!") is source_of(None, None) is None


@pytest.mark.parametrize("text", ["2026-03-01T24:00:00", "2026-02-29T11:12:00", "12026-03-01T11:12:00Z"])
def test_a_time_that_is_none_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="no time") as refused:
        at(text)
    assert text not in str(refused.value)


def test_an_end_to_end_id_that_was_not_given_or_is_too_long_names_no_payment() -> None:
    assert [named_id(each) for each in ("E2E-1", "E" * 35, "E" * 36, "NOTPROVIDED", "")] == [
        "E2E-1",
        "E" * 35,
        "",
        "",
        "",
    ]
