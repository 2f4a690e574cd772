"""Which calls back are owed, in which order, and what a call back makes of one."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.desk.call_backs import (
    after_call_back,
    displaced_request,
    is_live,
    is_owed,
    is_taken,
    merged_request,
    open_call_backs,
    unplaced_request,
)
from schemas.channels.call_backs import CallBack, LiveIncoming
from schemas.channels.incoming_calls import IncomingCallState
from schemas.channels.operator_calls import OperatorCallResult

NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)


def request(number: int = 1, minutes: float = 0, **fields: object) -> CallBack:
    """A request that is so many minutes old."""
    at = NOW - timedelta(minutes=minutes)
    plain = {"id": f"c{number:020x}", "since": at, "latest": at, "sealed": "x"}
    return CallBack.model_validate(plain | fields)


def test_who_was_tried_least_comes_first_and_then_who_has_waited_for_longest() -> None:
    old, new, tried = request(1, 30), request(2, 5), request(3, 90, tries=1)
    assert open_call_backs([tried, new, old], NOW) == [old, new, tried]


def test_a_request_is_owed_for_three_days_after_the_latest_call() -> None:
    assert is_owed(request(minutes=71 * 60), NOW)
    assert not is_owed(request(minutes=73 * 60), NOW)
    assert is_owed(merged_request(request(minutes=73 * 60), request()), NOW)


def test_a_number_that_calls_again_keeps_its_place_and_is_tried_anew() -> None:
    again = merged_request(request(minutes=30, tries=2, calls=3), request(2, sealed="newer"))
    assert (again.since, again.latest, again.calls, again.tries) == (NOW - timedelta(minutes=30), NOW, 4, 0)
    assert (again.id, again.sealed) == (request().id, "newer"), "no key older than the latest call is needed"
    assert merged_request(None, request()) == request()


@pytest.mark.parametrize(
    ("reported", "minutes", "taken"), [(False, 1, True), (False, 3, False), (True, 60, True), (True, 301, False)]
)
def test_a_claim_lasts_as_long_as_its_call_may(reported: bool, minutes: int, taken: bool) -> None:
    at = NOW - timedelta(minutes=minutes)
    assert is_taken(request(taken_by="wang", taken_at=at, placed="1", reported=reported), NOW) is taken
    assert not is_taken(request(), NOW)


@pytest.mark.parametrize("result", OperatorCallResult)
def test_a_call_back_ends_the_request_or_frees_it_for_the_next_one(result: OperatorCallResult) -> None:
    after = after_call_back(request(taken_by="wang", taken_at=NOW, placed="1", reported=True), result)
    if result in (OperatorCallResult.ANSWERED, OperatorCallResult.WRONG_NUMBER):
        assert after is None
        return
    assert after is not None
    assert (after.taken_by, after.taken_at, after.placed, after.reported) == (None, None, None, False)
    reached = result in (OperatorCallResult.BUSY, OperatorCallResult.NO_ANSWER, OperatorCallResult.REFUSED)
    assert after.tries >= reached


def test_a_number_that_cannot_be_dialled_does_not_stay_the_first_one() -> None:
    foreign, other = request(1, 30, taken_by="wang", taken_at=NOW, placed="1"), request(2, 5)
    refused = unplaced_request(foreign)
    assert (refused.tries, refused.taken_by, refused.placed) == (1, None, None)
    assert open_call_backs([refused, other], NOW) == [other, refused]
    failed = after_call_back(foreign, OperatorCallResult.FAILED)
    assert failed is not None
    assert open_call_backs([failed, other], NOW) == [other, failed]


def test_the_oldest_invented_number_gives_way_if_there_are_too_many() -> None:
    vouched, old, new = request(1, 90, vouched=True), request(2, 60), request(3, 30)
    assert displaced_request([new, vouched, old], NOW) == old
    being_called = request(2, 60, taken_by="wang", taken_at=NOW, placed="1")
    assert displaced_request([new, vouched, being_called], NOW) == new
    assert displaced_request([vouched, being_called], NOW) is None
    assert merged_request(vouched, request(1)).vouched


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 5)), max_size=30))
def test_no_owed_request_is_left_out_and_none_comes_twice(ages: list[tuple[int, int]]) -> None:
    given_requests = [request(place, minutes, tries=tries) for place, (minutes, tries) in enumerate(ages)]
    shown = open_call_backs(given_requests, NOW)
    assert sorted(each.id for each in shown) == sorted(each.id for each in given_requests if is_owed(each, NOW))


@pytest.mark.parametrize("state", IncomingCallState)
def test_a_call_of_a_gateway_that_stays_away_is_not_shown_for_ever(state: IncomingCallState) -> None:
    call = LiveIncoming(call="c" + "0" * 20, sequence=1, state=state, since=NOW, at=NOW, operator="wang")
    assert is_live(call, NOW)
    assert not is_live(call, NOW + timedelta(hours=25))
