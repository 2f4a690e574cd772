"""How texts are coded and cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.carriers.segments import Alphabet, MessageScript, message_script, segmented


def test_a_chinese_text_goes_as_ucs2_in_one_segment_up_to_70_signs() -> None:
    made = segmented("劝" * 70, 7, gsm7=True)
    assert made.alphabet is Alphabet.UCS2
    assert made.segments == (("劝" * 70).encode("utf-16-be"),)
    assert not made.joined


def test_a_longer_text_is_cut_at_67_signs_and_each_segment_has_a_header() -> None:
    made = segmented("劝" * 71, 7, gsm7=True)
    first, second = made.segments
    assert first == bytes([5, 0, 3, 7, 2, 1]) + ("劝" * 67).encode("utf-16-be")
    assert second == bytes([5, 0, 3, 7, 2, 2]) + ("劝" * 4).encode("utf-16-be")


def test_a_latin_text_goes_in_the_gsm_alphabet_if_the_carrier_has_it() -> None:
    assert segmented("@ {1}€", 0, gsm7=True).segments == (b"\x00 \x1b\x281\x1b\x29\x1b\x65",)
    assert segmented("@", 0, gsm7=False).alphabet is Alphabet.UCS2


def test_160_latin_signs_are_one_segment_and_161_are_two_of_153_at_most() -> None:
    assert len(segmented("a" * 160, 0, gsm7=True).segments) == 1
    assert [len(each) for each in segmented("a" * 161, 0, gsm7=True).segments] == [6 + 153, 6 + 8]


def test_an_escaped_sign_is_not_cut_in_two() -> None:
    first, second = segmented("a" * 152 + "€" + "a" * 10, 0, gsm7=True).segments
    assert first.endswith(b"aa")
    assert second[6:8] == b"\x1b\x65"


def test_a_sign_of_two_code_units_is_not_cut_in_two() -> None:
    first, second = segmented("a" * 66 + "😀" + "a" * 10, 0, gsm7=True).segments
    assert first[6:].decode("utf-16-be") == "a" * 66
    assert second[6:].decode("utf-16-be").startswith("😀")


def test_over_255_segments_are_refused() -> None:
    with pytest.raises(ValueError, match="256 segments"):
        segmented("劝" * (67 * 255 + 1), 0, gsm7=False)


@given(st.text(min_size=1, max_size=600, alphabet=st.characters(exclude_categories=["Cs"])), st.integers(0, 255))
def test_the_segments_together_are_the_text_and_none_is_too_long(text: str, reference: int) -> None:
    made = segmented(text, reference, gsm7=False)
    contents = [each[6:] if made.joined else each for each in made.segments]
    assert "".join(each.decode("utf-16-be") for each in contents) == text
    assert all(len(each) <= 140 for each in made.segments)


@pytest.mark.parametrize(
    ("text", "found"),
    [("请勿转账", MessageScript.CHINESE), ("송금하지 마세요", MessageScript.KOREAN), ("96110", MessageScript.OTHER)],
)
def test_the_language_is_told_by_the_letters(text: str, found: MessageScript) -> None:
    assert message_script(text) is found
