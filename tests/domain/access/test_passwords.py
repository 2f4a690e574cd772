"""How much of a password a guesser has to guess."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.access.accounts import LEAST_WORTH
from domain.access.passwords import worth


# Of ten signs and more, as they stand near the top of the lists of leaked passwords, and what lies near at hand here.
@pytest.mark.parametrize(
    "password",
    [
        *("1234567890", "0987654321", "12345678910", "123456789a", "1234512345", "123123123123", "112233445566"),
        *("qwertyuiop", "Qwerty12345", "qwerty123456", "1q2w3e4r5t", "1qaz2wsx3edc", "asdfghjkl123", "zxcvbnm123456"),
        *("password123", "Password1!", "p@ssw0rd2024", "passwordpassword", "iloveyou123", "welcome2024!", "admin12345"),
        *("administrator", "letmein1234", "football2026", "abcdefghij", "abc1234567890", "a1b2c3d4e5", "!@#$%^&*()"),
        *("woaini1314520", "woaini5201314", "5201314520", "zhongguo123", "wodemima123", "我爱你我爱你我爱你我爱你"),
        *(
            "quanzu96110",
            "Changchun2026",
            "jilin110110",
            "fanzha12345",
            "gongan123456",
            "吉林省公安123456",
            "Summer2026!",
        ),
    ],
)
def test_what_others_choose_first_is_worth_little(password: str) -> None:
    assert worth(password) < LEAST_WORTH


@pytest.mark.parametrize(
    "password",
    [
        "一只猫在屋顶上看月亮",
        "correct horse",
        "月亮在看屋顶上的一只猫呢",
        "tr0ubadour&3 songs",
        "k7fp-x2wq-9hzt",
        "I walk home by the river",
    ],
)
def test_a_sentence_of_ones_own_is_worth_its_length_nearly(password: str) -> None:
    assert worth(password) >= LEAST_WORTH


def test_what_is_near_at_hand_for_a_person_counts_as_one() -> None:
    assert worth("sunli2026x", ["sunli"]) == worth("sunli2026x") - 4


@given(st.text(max_size=60))
def test_a_password_is_worth_its_length_at_most_and_nothing_more_for_being_said_twice(text: str) -> None:
    length = len(text.lower())
    assert min(length, 1) <= worth(text) <= length
    assert worth(text + text) <= length + 2
