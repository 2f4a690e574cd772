"""Runs of records: what an agent makes of a batch in which Faust delivered a record again, or out of order."""

from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.messaging.record import runs_of


@dataclass
class Message:
    """What of a message decides to which run it belongs."""

    partition: int
    offset: int
    value: bytes | None = b"{}"
    headers: Any = None


@dataclass
class Event:
    message: Message


def runs(*places: tuple[int, int]) -> list[tuple[int, list[int]]]:
    batch: Any = [Event(Message(*place)) for place in places]
    return [(partition, [raw.offset for raw in raws]) for partition, raws in runs_of(batch)]


def test_the_records_of_a_partition_are_one_run_however_they_alternate_with_others() -> None:
    assert runs((0, 7), (1, 3), (0, 8), (1, 4)) == [(0, [7, 8]), (1, [3, 4])]


def test_a_record_that_is_delivered_again_in_a_batch_is_taken_once() -> None:
    assert runs((0, 7), (0, 8), (0, 7), (0, 8), (0, 9)) == [(0, [7, 8, 9])]


def test_a_record_that_is_missing_ends_a_run_so_that_the_next_is_compared_with_the_store() -> None:
    assert runs((0, 7), (0, 9), (0, 8)) == [(0, [7]), (0, [9]), (0, [8])]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9))))
def test_each_record_is_in_one_run_of_consecutive_offsets(places: list[tuple[int, int]]) -> None:
    found = runs(*places)
    assert sorted((partition, offset) for partition, run in found for offset in run) == sorted(set(places))
    assert all(run == list(range(run[0], run[0] + len(run))) for _, run in found)
