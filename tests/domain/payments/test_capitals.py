"""Amounts in Chinese capital numerals: the examples are those of the rule itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.payments.capitals import capitals
from schemas.base import MOST_FEN

VALUES = {digit: value for value, digit in enumerate("零壹贰叁肆伍陆柒捌玖")}
UNITS = {"拾": 10, "佰": 100, "仟": 1000}


@pytest.mark.parametrize(
    ("fen", "words"),
    [
        (140_950, "人民币壹仟肆佰零玖元伍角"),
        (600_714, "人民币陆仟零柒元壹角肆分"),
        (168_032, "人民币壹仟陆佰捌拾元零叁角贰分"),
        (10_700_053, "人民币壹拾万柒仟元零伍角叁分"),
        (1_640_902, "人民币壹万陆仟肆佰零玖元零贰分"),
        (32_504, "人民币叁佰贰拾伍元零肆分"),
    ],
)
def test_the_examples_of_the_rule(fen: int, words: str) -> None:
    assert capitals(fen) == words


@pytest.mark.parametrize(
    ("fen", "words"),
    [
        (0, "人民币零元整"),
        (5, "人民币伍分"),
        (50, "人民币伍角"),
        (30_000, "人民币叁佰元整"),
        (5_200_000, "人民币伍万贰仟元整"),
        (8_002, "人民币捌拾元零贰分"),
        (10_000_000_500, "人民币壹亿零伍元整"),
        (10_000_500_000, "人民币壹亿零伍仟元整"),
        (10_005_000_000, "人民币壹亿零伍万元整"),
        (MOST_FEN, "人民币壹仟亿元整"),
    ],
)
def test_zeros_ends_and_large_sums(fen: int, words: str) -> None:
    assert capitals(fen) == words


@given(st.integers(0, MOST_FEN))
def test_the_words_say_the_amount_and_nothing_else(fen: int) -> None:
    words = capitals(fen)
    assert _fen(words.removeprefix("人民币")) == fen
    assert "零零" not in words
    assert words.endswith("整") == (fen % 100 == 0)


@pytest.mark.parametrize("fen", [-1, 10**14])
def test_an_amount_beyond_the_rule_is_refused(fen: int) -> None:
    with pytest.raises(ValueError, match="no capital numerals"):
        capitals(fen)


def _fen(words: str) -> int:
    """Read capital numerals, by another way than they are written."""
    yuan, _, rest = words.rpartition("元")
    jiao, _, last = rest.rpartition("角")
    cents = last.removesuffix("分").removesuffix("整").removeprefix("零")
    return 100 * _whole(yuan) + 10 * VALUES[jiao.removeprefix("零") or "零"] + VALUES[cents or "零"]


def _whole(words: str) -> int:
    total, group, digit = 0, 0, 0
    for sign in words:
        if sign in VALUES:
            digit = VALUES[sign]
        elif sign in UNITS:
            group, digit = group + digit * UNITS[sign], 0
        else:
            total, group, digit = total + (group + digit) * {"万": 10**4, "亿": 10**8}[sign], 0, 0
    return total + group + digit
