"""Which carrier takes a message, when one is slow, what it may get, and what its answers mean."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.carriers.account import CarrierAccount
from domain.carriers.outcome import SegmentState, SubmitAnswer, result_of, result_to_report, submit_answer
from domain.carriers.rate import full_bucket
from domain.carriers.routing import Reachable, choose, eligible
from domain.carriers.standing import Passage, is_slow
from schemas.channels.receipts import SmsState

DELIVERED, UNDELIVERED = SmsState.DELIVERED, SmsState.UNDELIVERED


def account(name: str, price_fen: float = 1, prefixes: tuple[str, ...] = ()) -> CarrierAccount:
    return CarrierAccount(
        name=name, host="127.0.0.1", port=2775, tls=False, system_id="q", password_file=Path("p"), sender="10690000",
        price_fen=price_fen, prefixes=prefixes,
    )  # fmt: skip


CHEAP, DEAR = account("cheap", 1), account("dear", 2)
BOTH = {"cheap": 0.9, "dear": 0.9}


def at(
    each: CarrierAccount, *, bound: bool = True, slow: bool = False, free: bool = True, trial: bool = False
) -> Reachable:
    return Reachable(each, bound, slow, free, trial)


def test_a_number_goes_to_carriers_of_its_range_the_cheapest_first() -> None:
    mobile = account("mobile", 3, ("+86134", "+86135"))
    assert eligible([mobile, DEAR, CHEAP], "+8613400000000") == ("cheap", "dear", "mobile")
    assert eligible([mobile], "+8615600000000") == ()


def test_the_cheapest_that_works_and_is_free_takes_the_message() -> None:
    assert choose([at(DEAR), at(CHEAP)], BOTH, urgent=False) == "cheap"
    assert choose([at(DEAR), at(CHEAP, free=False)], BOTH, urgent=False) == "dear"
    assert choose([at(DEAR), at(CHEAP, bound=False)], BOTH, urgent=False) == "dear"
    assert choose([at(CHEAP)], {"dear": 0.9}, urgent=False) is None


def test_a_slow_carrier_gets_only_trials_and_none_that_is_urgent() -> None:
    assert choose([at(DEAR), at(CHEAP, slow=True)], BOTH, urgent=False) == "dear"
    assert choose([at(DEAR), at(CHEAP, slow=True, trial=True)], BOTH, urgent=False) == "cheap"
    assert choose([at(DEAR), at(CHEAP, slow=True, trial=True)], BOTH, urgent=True) == "dear"


def test_a_slow_carrier_takes_all_if_no_other_is_bound_but_not_if_another_is_only_busy() -> None:
    assert choose([at(CHEAP, slow=True)], BOTH, urgent=True) == "cheap"
    assert choose([at(CHEAP, slow=True), at(DEAR, free=False)], BOTH, urgent=True) is None


@pytest.mark.parametrize(("a_second", "within"), [(1, 10.0), (10, 6.0)])
def test_a_carrier_whose_receipts_stop_is_slow_within_ten_seconds(a_second: int, within: float) -> None:
    before = [Passage(-20 + n / a_second, -19.9 + n / a_second, -18 + n / a_second) for n in range(20 * a_second)]
    after = [Passage(n / a_second, n / a_second + 0.1) for n in range(int(within * a_second))]
    assert not is_slow(before, 5, 0)
    assert is_slow(before + after, 5, within)


def test_a_carrier_that_does_not_answer_is_slow_after_three_seconds() -> None:
    assert is_slow([Passage(n / 10) for n in range(5)], 60, 3.5)
    assert not is_slow([Passage(n / 10) for n in range(4)], 60, 3.5)


def test_a_carrier_recovers_when_its_latest_messages_arrive_in_time() -> None:
    late = [Passage(n, n + 0.1) for n in range(10)]
    good = [Passage(20 + n, 20.1 + n, 21 + n) for n in range(6)]
    assert is_slow(late, 5, 20)
    assert not is_slow(late + good, 5, 30)


def test_old_messages_say_nothing() -> None:
    assert not is_slow([Passage(n, n + 0.1) for n in range(10)], 5, 200)


@given(st.lists(st.tuples(st.floats(0, 0.5), st.integers(1, 8)), max_size=200), st.floats(1, 500))
def test_a_carrier_never_gets_more_than_agreed(tries: list[tuple[float, int]], rate: float) -> None:
    bucket, now, sent = full_bucket(rate, 0), 0.0, 0
    for pause, segments in tries:
        now += pause
        bucket = bucket.filled(now)
        if bucket.open:
            bucket, sent = bucket.taken(segments), sent + segments
        assert sent <= rate * now + max(1, rate / 10) + 8


def test_a_bucket_fills_again() -> None:
    empty = full_bucket(10, 0).taken(5)
    assert not empty.filled(0.3).open
    assert empty.filled(0.6).open


def test_answers_of_carriers_are_told_apart() -> None:
    assert submit_answer(0) is SubmitAnswer.TAKEN
    assert submit_answer(0x58) is SubmitAnswer.LATER
    assert submit_answer(0x0A) is SubmitAnswer.ELSEWHERE
    assert submit_answer(0x0B) is SubmitAnswer.REFUSED


@pytest.mark.parametrize("status", [0x08, 0xFF], ids=["system error", "unknown error"])
def test_a_carrier_that_failed_while_it_took_a_message_may_have_it(status: int) -> None:
    assert submit_answer(status) is None


def test_a_message_has_arrived_once_all_its_segments_have() -> None:
    sent = SegmentState.SENT
    assert result_of([(sent, DELIVERED), (sent, None)]) is None
    assert result_of([(sent, DELIVERED), (sent, DELIVERED)]) is DELIVERED
    assert result_of([(sent, DELIVERED), (sent, UNDELIVERED)]) is UNDELIVERED
    assert result_of([(SegmentState.REFUSED, None)]) is UNDELIVERED
    assert result_of([(SegmentState.DOUBT, None), (sent, DELIVERED)]) is None
    assert result_of([]) is None


def test_a_late_delivery_is_news_and_a_late_failure_is_not() -> None:
    assert result_to_report(UNDELIVERED, DELIVERED) is DELIVERED
    assert result_to_report(DELIVERED, UNDELIVERED) is None
    assert result_to_report(DELIVERED, DELIVERED) is None
    assert result_to_report(None, None) is None
