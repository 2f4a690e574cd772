"""What a status says of a request that failed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.dispatches.unknown_outcomes import certainly_not_done


@pytest.mark.parametrize("status", [400, 401, 404, 409, 422, 301, 307])
def test_a_refusal_means_that_nothing_was_done(status: int) -> None:
    assert certainly_not_done(status)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 429, 303])
def test_a_server_that_fails_a_limit_and_a_time_out_say_nothing_of_what_was_done(status: int) -> None:
    assert not certainly_not_done(status)


@given(st.integers(300, 599), st.frozensets(st.integers(300, 599)))
def test_what_a_provider_declares_holds_and_changes_nothing_else(status: int, declared: frozenset[int]) -> None:
    assert certainly_not_done(status, declared) == (status in declared or certainly_not_done(status))
