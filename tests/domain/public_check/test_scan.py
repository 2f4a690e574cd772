"""The rules find the numbers and the type of scam in a text, and nothing in everyday ones."""

import re
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identity.identifiers import normal_account, normal_phone
from domain.identity.links import normal_link
from domain.policy import load
from domain.public_check.scan import LONGEST_TEXT, MOST_HITS, plain, rules_data, scanned
from domain.wording.labels import SCAM_ADVICE
from domain.wording.labels import SCAMS as NAMES
from streams.runtime.settings import POLICY
from tests.domain.public_check.scam_texts import EVERYDAY, SCAMS

NUMBERS: tuple[tuple[str, list[tuple[str, str]]], ...] = (
    ("回电19800099001。", [("phone", "19800099001")]),
    ("+86 198-0009-9001", [("phone", "+86 198-0009-9001")]),
    ("座机0431-88888888或400-000-0000", [("phone", "0431-88888888"), ("phone", "400-000-0000")]),
    ("请联系19800099001 5000元", [("phone", "19800099001")]),
    ("call +44 20 7946 0958 now", [("phone", "+44 20 7946 0958")]),
    ("打到 6200 0000 0000 0099 001 谢谢", [("account", "6200 0000 0000 0099 001")]),
    ("身份证220199199912319990，订单 20260301000000000000000001", []),
    ("https://scam.invalid/a?b=19800099001，快", [("link", "https://scam.invalid/a?b=19800099001")]),
    ("打开 dl.scam.example/app。", [("link", "dl.scam.example/app")]),
    ("写信到 someone@mail.example，版本 3.11.7", []),
    ("198–0009–9001或198  0009  9001", [("phone", "198–0009–9001"), ("phone", "198  0009  9001")]),
    ("198.0009.9001，坐标 135.12345678", [("phone", "198.0009.9001")]),
    ("座机（0431）88888888、(021) 8888-8888", [("phone", "（0431）88888888"), ("phone", "(021) 8888-8888")]),
    ("装 203.0.113.7:8080/a.apk，版本 10.2.3.4", [("link", "203.0.113.7:8080/a.apk")]),
    ("点 scam.cyou 或 dl.scam.cloud/x", [("link", "scam.cyou"), ("link", "dl.scam.cloud/x")]),
)


@pytest.mark.parametrize(("text", "found"), NUMBERS)
def test_numbers_accounts_and_links_are_found_each_once(text: str, found: list[tuple[str, str]]) -> None:
    assert list(scanned(f"{text}\n{text}").numbers) == found


@pytest.mark.parametrize(("kind", "found"), [each for _, found in NUMBERS for each in found])
def test_what_is_found_can_be_asked_about(kind: str, found: str) -> None:
    normal: dict[str, Callable[[str], str]] = {"phone": normal_phone, "account": normal_account, "link": normal_link}
    assert normal[kind](found)


@pytest.mark.parametrize(("scam", "text"), [(name, text) for name, texts in SCAMS.items() for text in texts])
def test_each_type_of_scam_is_recognized_in_each_language(scam: str, text: str) -> None:
    found = scanned(text).scams
    assert scam in found
    assert found[scam] in text


@pytest.mark.parametrize("text", EVERYDAY)
def test_nothing_is_found_in_everyday_texts(text: str) -> None:
    assert scanned(text).scams == {}


def test_the_types_are_those_of_the_policy_and_each_has_advice() -> None:
    types = {each["type"] for each in rules_data()["scams"]}
    assert types == set(load(POLICY.read_text("utf-8")).risk.scams) == set(NAMES) == set(SCAM_ADVICE) == set(SCAMS)


def test_the_patterns_mean_the_same_to_a_browser() -> None:
    rules = rules_data()
    patterns = [pattern for each in (*rules["numbers"], *rules["scams"]) for pattern in each["patterns"]]
    for pattern in patterns:
        assert not re.search(r"\\[dDwWsSbBAZpP\"']|\(\?P|\(\?[a-zA-Z]", pattern), pattern
        assert not re.search(r"[*+]\)[*+{]", pattern), f"{pattern}: a repetition inside another"


@pytest.mark.parametrize(
    ("text", "scams"),
    [
        ("\u017fafe account", {"police": "safe account"}),
        ("Prepaid Tas\u212a", {"brushing": "Prepaid Task"}),
        ("gu\u0131de, Pr\u0131or pa\u0131d: prepa\u0131d ta\u017fk", {}),
        ("点赞一个\r返三元", {}),
        ("点赞" + "\U0001f600" * 12 + "返", {"brushing": "点赞" + "\U0001f600" * 12 + "返"}),
    ],
    ids=["long s", "Kelvin sign", "dotless i", "end of a line", "signs of two halves"],
)
def test_letters_that_look_like_others_and_ends_of_lines_mean_what_they_mean_to_a_browser(
    text: str, scams: dict[str, str]
) -> None:
    assert scanned(text).scams == scams


@pytest.mark.parametrize("piece", ["1", "a.", "http://", "-1", "贷", "1 ", "我是你老板", "ａ"])
def test_no_text_is_slow_to_read(piece: str) -> None:
    began = time.process_time()
    scanned(piece * LONGEST_TEXT)
    assert time.process_time() - began < 0.5


@given(st.text(max_size=200))
def test_what_is_found_stands_in_the_text(text: str) -> None:
    found = scanned(text)
    assert len(found.numbers) <= MOST_HITS
    assert all(part in plain(text) for _, part in found.numbers)
    assert all(part in plain(text) for part in found.scams.values())
