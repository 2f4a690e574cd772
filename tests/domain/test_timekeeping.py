"""The shared time: known from slow and quick answers, the same for all; a step of it is refused."""

from hypothesis import given
from hypothesis import strategies as st

from domain.timekeeping import (
    AGREED_SECONDS,
    BACK_SECONDS,
    DRIFT,
    JUMP_SECONDS,
    NOTHING,
    RATE,
    SPENT_SECONDS,
    STEP_SECONDS,
    OffsetEstimate,
    Reckoning,
    adjusted,
    approach,
    disagreement,
    offset_from_answer,
)

SECONDS = st.floats(0.001, 10)
OFFSETS = st.floats(-100, 100)
TRIPS = st.tuples(SECONDS, st.floats(0, 2), st.floats(0, 2))  # pause before it, way there, way back
SHOWN = st.floats(-4000, 4000) | st.floats(-3, 3)


def listened(offset: float, trips: list[tuple[float, float, float]]) -> list[OffsetEstimate]:
    """What is known after each answer of a clock that stands at `offset` from ours, and is our machine's too."""
    found: list[OffsetEstimate] = []
    reckoning, now = Reckoning(OffsetEstimate(offset - 1, offset + 1, 0.0)), 0.0
    for pause, there, back in trips:
        sent, now = now + pause, now + pause + there + back
        reckoning = adjusted(reckoning, offset_from_answer(sent, sent + there + offset, now), offset)
        assert reckoning.refused is None
        found.append(reckoning.known or offset_from_answer(0, 0, 0))
    return found


def seen(reckoning: Reckoning, at: float, shared: float, machine: float) -> Reckoning:
    """After a quick answer at `at` of a shared clock with this offset, on a machine whose clock has that one."""
    return adjusted(reckoning, offset_from_answer(at, at + 0.001 + shared, at + 0.002), machine)


def offset_of(reckoning: Reckoning) -> float:
    assert reckoning.known is not None
    return reckoning.known.offset


def test_a_quick_answer_is_kept_over_slow_ones() -> None:
    quick, slow = offset_from_answer(10.0, 110.01, 10.02), offset_from_answer(11.0, 111.9, 12.0)
    after = adjusted(Reckoning(quick), slow, 0.0)
    assert after.known is not None
    assert abs(after.known.offset - 100) < 0.01
    assert after.known.error < 0.02


def test_a_shared_clock_that_was_set_by_two_seconds_is_followed() -> None:
    begun = seen(NOTHING, 0.0, 0.0, 0.0)
    assert abs(offset_of(seen(begun, 1.0, 1.9, 0.0)) - 1.9) < 0.01
    assert abs(offset_of(seen(begun, 1.0, -1.9, 0.0)) + 1.9) < 0.01


def test_a_shared_clock_an_hour_ahead_is_refused_and_followed_again_at_the_first_right_answer() -> None:
    reckoning = seen(NOTHING, 0.0, 0.0, 0.0)
    for second in range(1, 7200):
        reckoning = seen(reckoning, second, 3600.0, 0.0)
        assert abs(offset_of(reckoning)) < 0.1
        assert abs(disagreement(reckoning, 0.0) - 3600) < 0.1
    reckoning = seen(reckoning, 7200, 0.0, 0.0)
    assert reckoning.refused is None
    assert abs(offset_of(reckoning)) < 0.1


def test_a_clock_that_creeps_is_refused_too() -> None:
    reckoning = seen(NOTHING, 0.0, 0.0, 0.0)
    for second in range(1, 60):
        reckoning = seen(reckoning, second, 1.5 * second, 0.0)
    assert abs(offset_of(reckoning)) < 2 * STEP_SECONDS
    assert reckoning.refused is not None


def test_a_worker_whose_machine_and_redis_differ_knows_no_time_until_they_agree() -> None:
    reckoning = seen(NOTHING, 0.0, -30.0, 0.0)
    assert reckoning.known is None
    assert abs(disagreement(reckoning, 0.0) + 30) < 0.1
    reckoning = seen(reckoning, 1.0, -30.0, -29.5)
    assert abs(offset_of(reckoning) + 30) < 0.1


def test_a_machine_s_clock_alone_changes_nothing() -> None:
    reckoning = seen(NOTHING, 0.0, 0.0, 0.0)
    for second in range(1, 100):
        reckoning = seen(reckoning, second, 0.0, 3600.0)
    assert abs(offset_of(reckoning)) < 0.1
    assert reckoning.refused is None


def test_a_slow_answer_that_may_be_of_a_small_step_neither_moves_the_time_nor_raises_an_alarm() -> None:
    # between 1.5 and 3.5 s ahead
    after = adjusted(seen(NOTHING, 0.0, 0.0, 0.0), offset_from_answer(10.0, 13.5, 12.0), 0.0)
    assert abs(offset_of(after)) < 0.1
    assert after.refused is None


def test_a_slow_answer_that_can_only_be_of_a_large_step_is_refused() -> None:
    # between 3.5 and 5.5 s ahead
    after = adjusted(seen(NOTHING, 0.0, 0.0, 0.0), offset_from_answer(10.0, 15.5, 12.0), 0.0)
    assert abs(offset_of(after)) < 0.1
    assert after.refused is not None


@given(st.lists(SHOWN, max_size=50), st.floats(-10, 10))
def test_no_step_of_the_shared_clock_alone_moves_the_time_by_more_than_is_followed(
    told: list[float], machine: float
) -> None:
    reckoning = seen(NOTHING, 0.0, 0.0, 0.0)
    for second, shared in enumerate(told, 1):
        machines = machine if abs(machine - shared) > 2 * STEP_SECONDS else shared + 3 * STEP_SECONDS  # never agrees
        reckoning = seen(reckoning, second, shared, machines)
        followed = STEP_SECONDS * (1 + second / SPENT_SECONDS) + DRIFT * second
        assert abs(offset_of(reckoning)) <= followed + 0.01


@given(SHOWN, st.floats(-1.9, 1.9))
def test_two_clocks_that_agree_for_some_seconds_put_a_worker_right(both: float, apart: float) -> None:
    reckoning = seen(NOTHING, 0.0, 0.0, 0.0)
    for second in range(1, round(AGREED_SECONDS) + 3):
        reckoning = seen(reckoning, second, both, both + apart)
    assert abs(offset_of(reckoning) - both) < 0.1
    assert reckoning.refused is None


@given(SHOWN, st.lists(SHOWN, max_size=20))
def test_whatever_was_told_before_the_time_is_right_within_a_minute_of_the_clocks_agreeing(
    right: float, told: list[float]
) -> None:
    reckoning = seen(NOTHING, 0.0, 0.0, 0.0)
    for second, shared in enumerate(told, 1):
        reckoning = seen(reckoning, second, shared, 0.0)
    shown, began = offset_of(reckoning), len(told) + 1
    for second in range(60):
        reckoning = seen(reckoning, began + second, right, right)
        shown = approach(shown, offset_of(reckoning), 1.0)
    assert abs(shown - right) < 0.1


def test_a_clock_that_is_thirty_seconds_behind_is_right_at_once() -> None:
    assert approach(0.0, 30.0, 0.01) == 30.0


def test_a_clock_that_is_twenty_seconds_ahead_is_right_after_forty() -> None:
    assert approach(20.0, 0.0, 39.0) > 0
    assert approach(20.0, 0.0, 40.0) == 0.0


def test_a_clock_that_is_an_hour_ahead_is_set_back_at_once() -> None:
    assert approach(3600.0, 0.0, 0.01) == 0.0


@given(OFFSETS, st.lists(TRIPS, min_size=1))
def test_the_shared_clock_is_where_it_is_known_to_be(offset: float, trips: list[tuple[float, float, float]]) -> None:
    for known in listened(offset, trips):
        assert known.least - 1e-6 <= offset <= known.most + 1e-6


@given(OFFSETS, st.lists(TRIPS, min_size=1))
def test_nothing_is_known_worse_than_by_the_latest_answer_alone(
    offset: float, trips: list[tuple[float, float, float]]
) -> None:
    for known, (_, there, back) in zip(listened(offset, trips), trips, strict=True):
        assert known.error <= (there + back) / 2 + 1e-6


@given(OFFSETS, st.lists(TRIPS, min_size=1), st.lists(TRIPS, min_size=1))
def test_two_workers_differ_by_no_more_than_each_may_be_off(
    offset: float, ours: list[tuple[float, float, float]], theirs: list[tuple[float, float, float]]
) -> None:
    one, other = listened(offset, ours)[-1], listened(offset, theirs)[-1]
    assert abs(one.offset - other.offset) <= one.error + other.error + 1e-6


@given(OFFSETS, st.lists(st.tuples(SECONDS, OFFSETS)))
def test_a_clock_goes_back_only_when_it_is_far_ahead(shown: float, told: list[tuple[float, float]]) -> None:
    for elapsed, wanted in told:
        after = approach(shown, wanted, elapsed)
        assert after >= shown - RATE * elapsed - 1e-6 or shown - wanted > BACK_SECONDS
        shown = after


@given(OFFSETS, OFFSETS, st.lists(SECONDS, min_size=1))
def test_a_clock_comes_nearer_without_going_past_and_arrives(shown: float, wanted: float, pauses: list[float]) -> None:
    off = abs(wanted - shown)
    for elapsed in pauses:
        after = approach(shown, wanted, elapsed)
        assert (after - wanted) * (shown - wanted) >= 0
        assert abs(wanted - after) <= abs(wanted - shown)
        shown = after
    assert shown == wanted or sum(pauses) < off / RATE + 1e-6


@given(OFFSETS, st.floats(JUMP_SECONDS + 0.001, 100))
def test_what_waits_is_late_by_a_second_at_most_once_the_time_is_known(shown: float, behind: float) -> None:
    assert approach(shown, shown + behind, 0.0) == shown + behind


@given(st.floats(-1, 1), st.floats(0, 1000))
def test_without_an_answer_only_drift_is_added_to_what_is_known(offset: float, silence: float) -> None:
    answer = offset_from_answer(silence, silence + offset + DRIFT * silence / 2, silence)
    after = adjusted(Reckoning(offset_from_answer(0.0, offset, 0.0)), answer, 1e6)
    assert after.refused is None
    assert after.spent == 0.0
    assert abs(offset_of(after) - offset) <= DRIFT * silence / 2 + 1e-6
