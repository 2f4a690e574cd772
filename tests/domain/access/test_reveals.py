"""Which reasons count, when the next resident's data may be revealed, and which reveals are reviewed."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.web.kit.settings import ConsoleSettings
from domain.access.reveals import (
    ROLES,
    SAMPLE,
    WINDOW,
    Quota,
    Revealed,
    free_again,
    is_sufficient_reason,
    quotas,
    sample,
)
from schemas.administration.audit import AuditEntry
from tests.domain.builders import NOON

QUOTA = Quota(3, 5)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("reason", ["aaaa", "。。。。。", "核实核实核实", "1 1 1 1 1", "ab", "    ", "abababab"])
def test_a_reason_of_the_same_letters_says_nothing(reason: str) -> None:
    assert not is_sufficient_reason(reason)


@pytest.mark.parametrize("reason", ["核对身份", "call back", "회신 전화"])
def test_a_reason_in_words_says_something(reason: str) -> None:
    assert is_sufficient_reason(reason)


def test_the_fourth_resident_of_an_hour_waits_until_the_first_is_an_hour_ago() -> None:
    before = [Revealed(NOON - 10 * ago * MINUTE, False) for ago in range(3)]
    assert free_again(before[:2], False, QUOTA, NOON) is None
    assert free_again(before, False, QUOTA, NOON) == NOON - 20 * MINUTE + WINDOW


def test_red_cases_of_ones_own_do_not_use_up_the_others_and_have_a_higher_limit() -> None:
    usual = [Revealed(NOON - MINUTE, False)] * 3
    red = [Revealed(NOON - 2 * MINUTE, True)] * 2
    assert free_again(usual, True, QUOTA, NOON) is None
    assert free_again(red, False, QUOTA, NOON) is None
    assert free_again([*usual, *red], True, QUOTA, NOON) == NOON - 2 * MINUTE + WINDOW


@given(st.lists(st.tuples(st.integers(0, 200), st.booleans()), max_size=12), st.booleans())
def test_at_the_time_that_is_told_one_more_is_allowed_and_not_a_moment_before(
    minutes: list[tuple[int, bool]], red: bool
) -> None:
    before = [Revealed(NOON - ago * MINUTE, own) for ago, own in minutes]
    free = free_again(before, red, QUOTA, NOON)
    if free is not None:
        assert NOON < free <= NOON + WINDOW
        assert free_again(before, red, QUOTA, free) is None
        assert free_again(before, red, QUOTA, free - timedelta(microseconds=1)) is not None


def test_the_default_names_every_role_that_may_reveal() -> None:
    assert quotas(ConsoleSettings.model_fields["reveal_quotas"].default).keys() == ROLES


@pytest.mark.parametrize("text", ["", "operator=20/60", "operator=0/1", "operator=9/3", "admin=1/1", "operator=x/y"])
def test_a_wrong_quota_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"quota|write role"):
        quotas(text)


def test_the_sample_has_one_of_each_person_before_a_second_of_anybody() -> None:
    entries = [_entry(by, number) for by, most in (("anna", 40), ("ben", 2), ("cai", 1)) for number in range(most)]
    found = sample(entries)
    assert len(found) == SAMPLE
    assert {each.by for each in found[:3]} == {"anna", "ben", "cai"}
    assert sum(each.by == "ben" for each in found) == 2
    assert found == sample(reversed(entries))


def _entry(by: str, number: int) -> AuditEntry:
    return AuditEntry(at=NOON + number * MINUTE, by=by, act="look-unmask", on=f"r{'a' * 16}-{number}")
