"""Rows of any content: read or refused with a reason, and money to the fen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.intake.acceptor import Unreadable
from streams.intake.formats import FORMATS, Options
from streams.intake.formats.amlsim import NEEDED as AMLSIM
from streams.intake.formats.amlsim import fen
from streams.intake.formats.cdr import NEEDED as CDR
from streams.intake.formats.rows import RowError

HEADERS = {"jsonl": b"", "iso20022": b"", "amlsim": ",".join(AMLSIM).encode(), "cdr": ",".join(CDR).encode()}
almost_rows = st.lists(st.sampled_from(["1", "1e9", "MT", "VOICE", "2026-02-19 17:49:12", '"', "19900000001", "\0"]))
lines = st.binary(max_size=80) | almost_rows.map(lambda parts: ",".join(parts).encode())


@given(st.sampled_from(sorted(FORMATS)), lines)
def test_any_line_is_read_or_refused_with_a_reason(name: str, line: bytes) -> None:
    row = FORMATS[name].open(HEADERS[name], Options())
    try:
        item = row(line, "0-1")
    except RowError as error:
        item = Unreadable(str(error))
    assert not isinstance(item, Unreadable) or item.what


@given(st.integers(0, 10**13))
def test_yuan_are_fen_without_rounding(amount: int) -> None:
    assert fen(f"{amount // 100}.{amount % 100:02d}") == amount


@given(st.integers(1, 9), st.integers(0, 9))
def test_an_amount_may_be_written_with_an_exponent(digit: int, exponent: int) -> None:
    assert fen(f"{digit}.0E{exponent}") == digit * 10**exponent * 100


@pytest.mark.parametrize("yuan", ["", "-1", "0.001", "1_000", "\u0661", "Infinity", "1e999999999", "1,000", " 1"])
def test_what_is_no_amount_is_refused(yuan: str) -> None:
    with pytest.raises(RowError):
        fen(yuan)


def test_columns_may_stand_in_any_order_and_others_among_them() -> None:
    row = FORMATS["amlsim"].open(b"time,other,value,targetNodeId,sourceNodeId", Options())
    item = row(b"1,x,2.5,20,10", "0-2")
    assert isinstance(item, dict)
    assert (item["payer"], item["payee"], item["amount_fen"]) == ("AML00000010", "AML00000020", 250)
