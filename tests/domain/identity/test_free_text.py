"""Numbers of people in what somebody wrote: found in every spelling, and nothing else is hidden."""

import string
import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn
from stdnum.cn import ric

from domain.identity.free_text import masked_text

MARGIN = 4  # on a busy machine; usual are 30 ms
FULL_WIDTH = str.maketrans(string.digits + "X", "０１２３４５６７８９Ｘ")
CHINESE = str.maketrans(string.digits, "〇一二三四五六七八九")
WORDS = st.text(st.sampled_from("女儿电话是请打，。：abcZ\n"), max_size=12)
BREAKS = st.sampled_from(["", " ", "-", "\u3000", "－", " - ", ".", "\u200b"])

mobiles = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
landlines = st.from_regex(r"0431[2-8][0-9]{7}", fullmatch=True)


@st.composite
def cards(draw: st.DrawFn) -> str:
    body = draw(st.from_regex(r"62[0-9]{13,16}", fullmatch=True))
    return body + luhn.calc_check_digit(body)


@st.composite
def ids(draw: st.DrawFn) -> str:
    """ID numbers of a region that does not exist."""
    born = draw(st.dates(date(1930, 1, 1), date(2010, 12, 31)))
    body = f"990000{born:%Y%m%d}{draw(st.integers(0, 999)):03}"
    return body + str(ric.calc_check_digit(body + "0"))


@st.composite
def spelt(draw: st.DrawFn, numbers: st.SearchStrategy[str]) -> tuple[str, str]:
    """A number, and the same with breaks between some digits, in one of the scripts."""
    number = draw(numbers)
    broken = "".join(digit + draw(BREAKS) for digit in number[:-1]) + number[-1]
    return number, draw(st.sampled_from([broken, broken.translate(FULL_WIDTH), broken.translate(CHINESE)]))


def digits_of(text: str) -> str:
    plain = str.maketrans("０１２３４５６７８９〇一二三四五六七八九Ｘx", string.digits * 2 + "XX")
    return "".join(each for each in text.translate(plain) if each in string.digits + "X")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("请打 13900000001 找女儿", "请打 *******0001 找女儿"),
        ("请打 +86 139-0000-0001", "请打 +** ***-****-0001"),
        ("电话：１３９　００００　０００１", "电话：***　****　０００１"),
        ("幺三九零零零零零零零一", "*******零零零一"),
        ("座机(0431)81234567转8001", "座机(****)****4567转8001"),
        ("+82 10-1234-5678", "+** **-****-5678"),
        ("卡 6212 2600 0000 0000 000", "卡 **** **** **** ***0 000"),
        ("证件 990000 19491231 000x", "证件 ****** ******** ****"),
        ("13900000001和13900000002", "*******0001和*******0002"),
        ("13900000001Xiao", "*******0001Xiao"),
        ("*13900000001，**0431-81234567", "********0001，******-****4567"),
        ("壹叁玖零零零零零零零壹", "*******零零零壹"),
        ("幺三九洞洞洞洞洞洞洞幺", "*******洞洞洞幺"),
        ("일삼구공공공공공공공일", "*******공공공일"),
        ("1️⃣3️⃣9️⃣0️⃣0️⃣0️⃣0️⃣0️⃣0️⃣0️⃣1️⃣", "*️⃣*️⃣*️⃣*️⃣*️⃣*️⃣*️⃣0️⃣0️⃣0️⃣1️⃣"),
        ("139%200000%200001", "***%20****%200001"),
        ("0082 10 1234 5678", "**** ** **** 5678"),
        ("00852-6123-4567", "*****-****-4567"),
        ("+82 (0)10 1234 5678", "+** (*)** **** 5678"),
        ("139，0000，0001 打于13:30:05", "***，****，0001 打于13:30:05"),
    ],
)
def test_a_number_is_hidden_but_for_its_end(text: str, shown: str) -> None:
    assert masked_text(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01 10:30 转账 1,234,567.00 元，共 3 笔",
        "请拨 96110 或 110",
        "预警 rabcdefghijklmnop-1，第 2 次",
        "订单 20260301031200",
        "一共三四次，五六万元",
        "验证码 482913",
        "损失 1,390,000 元，又 13，900，000 元",
        "共 13,900,000,001 分",
        "02-14 13:30:15 转账",
        "13:30 1,234,567 元",
        "０８６１３９００００",
        "",
    ],
)
def test_other_numbers_stay(text: str) -> None:
    assert masked_text(text) == text


@pytest.mark.parametrize("between", [*"，、,:·。|~=−ー；#/", "    ", "%20", " ， ", "–", "\n"])
def test_whatever_stands_between_the_digits_they_are_hidden(between: str) -> None:
    assert masked_text(between.join(("139", "0000", "0001"))) == between.join(("***", "****", "0001"))


@pytest.mark.parametrize("part", ["+4 ", "+1", "+1 ", "1 ", "+86 1", "0 0 8 2 ", "13900000431 81230431 "])
def test_a_text_of_many_small_parts_is_masked_at_once(part: str) -> None:
    text = (part * 2000)[:2000]
    masked_text("+1")
    began = time.process_time()
    masked_text(text)
    assert time.process_time() - began < 0.05 * MARGIN


@given(WORDS, spelt(mobiles), st.sampled_from(["", "+86", "+86 ", "0086", "86-"]), WORDS)
def test_no_telephone_stays_however_it_is_spelt(before: str, number: tuple[str, str], prefix: str, after: str) -> None:
    shown = masked_text(before + prefix + number[1] + after)
    assert digits_of(shown) in (number[0][-4:], "")  # nothing, if the digits are also an ID number


@given(WORDS, spelt(landlines), WORDS)
def test_no_landline_stays(before: str, number: tuple[str, str], after: str) -> None:
    assert digits_of(masked_text(before + number[1] + after)) in (number[0][-4:], "")


@given(WORDS, spelt(cards()), WORDS)
def test_of_a_card_at_most_the_last_four_digits_stay(before: str, number: tuple[str, str], after: str) -> None:
    assert number[0][-4:].endswith(digits_of(masked_text(before + number[1] + after)))


@given(WORDS, spelt(ids()), WORDS)
def test_of_an_id_number_nothing_stays(before: str, number: tuple[str, str], after: str) -> None:
    assert digits_of(masked_text(before + number[1] + after)) in ("", "X" if number[0].endswith("X") else "")


@given(st.text())
def test_a_text_keeps_its_length_and_only_gains_stars(text: str) -> None:
    shown = masked_text(text)
    assert len(shown) == len(text)
    assert all(new in (old, "*") for old, new in zip(text, shown, strict=True))


@given(st.text(st.sampled_from("0123456789 -+X１３９一*字"), max_size=60))
def test_the_mask_leaves_nothing_for_a_second_one(text: str) -> None:
    once = masked_text(text)
    assert masked_text(once) == once
