"""Which passwords are soon guessed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.access.passwords import guessable


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
def test_what_others_choose_first_is_soon_guessed(password: str) -> None:
    assert guessable(password)


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
def test_a_sentence_of_ones_own_is_not(password: str) -> None:
    assert not guessable(password)


def test_what_is_near_at_hand_for_a_person_is_soon_guessed() -> None:
    assert guessable("sunwukong1", ["sunwukong"])
    assert not guessable("sunwukong1")


def test_words_near_one_person_are_forgotten_for_the_next() -> None:
    assert guessable("karelbrezina7", ["karelbrezina"])
    assert not guessable("karelbrezina7")


@settings(deadline=None, max_examples=50)
@given(st.text(min_size=1, max_size=200))
def test_any_password_is_judged_and_nothing_said_twice_is_harder(text: str) -> None:
    assert not guessable(text) or guessable(text[:1] * len(text))
