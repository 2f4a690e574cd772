"""Messages from telephones: their text, and which part of a long one a delivery is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.carriers.replies import (
    LONGEST_REPLY,
    ReplyPart,
    comparable_number,
    joined_text,
    reply_part,
    reply_text,
    without_header,
)


@pytest.mark.parametrize(
    ("header", "part"),
    [
        (b"\5\0\3\7\2\1", ReplyPart(7, 2, 1)),
        (b"\6\x08\4\1\2\3\2", ReplyPart(258, 3, 2)),
        (b"\x09\x24\1\0\0\3\7\2\2\0", ReplyPart(7, 2, 2)),
        (b"\5\0\3\7\2\3", None),
        (b"\5\0\3\7\xff\1", None),
        (b"\5\0\3\7\1\1", None),
        (b"\4\x05\2\1\1", None),
    ],
)
def test_a_header_tells_the_part_or_is_left_out(header: bytes, part: ReplyPart | None) -> None:
    assert without_header(header + b"text", has_header=True) == (b"text", part)


def test_a_content_without_a_header_stays_as_it_is() -> None:
    assert without_header(b"\5\0\3\7\2\1x", has_header=False) == (b"\5\0\3\7\2\1x", None)


@given(st.binary(max_size=160), st.integers(0, 255), st.booleans(), st.booleans())
def test_no_content_raises(content: bytes, coding: int, header: bool, gsm7: bool) -> None:
    rest, _ = without_header(content, has_header=header)
    assert isinstance(reply_text(rest, coding, gsm7=gsm7), str)


@pytest.mark.parametrize(
    ("content", "coding", "gsm7", "text"),
    [
        ("退订".encode("utf-16-be"), 8, False, "退订"),
        ("退订".encode("utf-16-be"), 0x18, False, "退订"),
        ("退订".encode("gbk"), 15, False, "退订"),
        (b"TD", 0, False, "TD"),
        (b"\x00 \x1b\x65", 0, True, "@ €"),
        (b"\xe9", 3, True, "é"),
    ],
)
def test_a_text_is_read_by_its_coding(content: bytes, coding: int, gsm7: bool, text: str) -> None:
    assert reply_text(content, coding, gsm7=gsm7) == text


def test_a_missing_part_is_marked_and_a_long_text_cut() -> None:
    assert joined_text({1: "a", 3: "c"}, 3) == "a…c"
    assert len(joined_text({1: "x" * 3000}, 1)) == LONGEST_REPLY
    assert reply_part(1, 11, 1) is None


@pytest.mark.parametrize("written", ["+8610000000001", "8610000000001", "008610000000001", "10000000001"])
def test_one_mobile_number_compares_equal_however_it_is_written(written: str) -> None:
    assert comparable_number(written) == "10000000001"  # no mobile number begins with 10: nobody's


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("+86100000001", "86100000001", False),  # too short for a mobile number: 86 may be its own digits
        ("+820000000001", "820000000001", True),
        ("+820000000001", "0000000001", False),
        ("+10000000001", "+8610000000001", False),  # 11 digits that begin with 1, but of North America
        ("+1 0000000001", "10000000001", False),
        ("0010000000001", "10000000001", False),
        ("0010000000001", "+10000000001", True),
    ],
)
def test_a_code_of_a_country_counts_unless_it_is_certainly_chinas(left: str, right: str, same: bool) -> None:
    assert (comparable_number(left) == comparable_number(right)) is same
