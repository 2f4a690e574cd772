"""Where keys belong after the number of partitions grew, and digests that do not depend on the partitions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.consistency.growth import Misfit, OrderedDigest, misfit, shared_partitions, unapplied
from streams.messaging.topics import home

NUMBERS = st.integers(1, 60)
RECORDS = st.lists(st.tuples(st.sampled_from([b"a", b"b", b"c"]), st.binary(max_size=3)), max_size=12)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (12, 48, None),
        (2, 5, None),
        (4, 4, Misfit.SAME),
        (4, 3, Misfit.FEWER),
        (4, 1_001, Misfit.TOO_MANY),
        (4, 1_000, None),
    ],
)
def test_an_installation_can_only_grow(old: int, new: int, why: Misfit | None) -> None:
    assert misfit(old, new) is why


@given(NUMBERS, NUMBERS, st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8))
def test_every_resident_moves_to_one_of_the_partitions_that_share_residents_with_the_old_one(
    old: int, new: int, name: str
) -> None:
    assert home(name, new) in shared_partitions(home(name, old), old, new)


def test_with_a_multiple_a_partition_shares_its_residents_with_no_other_old_one() -> None:
    assert shared_partitions(1, 12, 48) == [1, 13, 25, 37]
    assert shared_partitions(1, 2, 5) == [0, 1, 2, 3, 4]


def digest_of(records: list[tuple[bytes, bytes]]) -> str:
    made = OrderedDigest()
    for name, value in records:
        made.add(name, value)
    return made.hexdigest()


@given(RECORDS)
def test_the_digest_depends_on_the_order_within_a_name_alone(records: list[tuple[bytes, bytes]]) -> None:
    by_name = sorted(records, key=lambda record: record[0])  # a stable sort
    assert digest_of(records) == digest_of(by_name)


@given(RECORDS.filter(lambda records: len(records) > 0), st.data())
def test_a_lost_a_repeated_and_a_changed_record_each_change_the_digest(
    records: list[tuple[bytes, bytes]], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(records) - 1))
    name, value = records[place]
    lost = records[:place] + records[place + 1 :]
    changed = [*records[:place], (name, value + b"!"), *records[place + 1 :]]
    assert digest_of(records) not in {digest_of(lost), digest_of([*records, records[place]]), digest_of(changed)}


def test_two_records_of_a_name_in_the_other_order_change_the_digest() -> None:
    assert digest_of([(b"a", b"1"), (b"a", b"2")]) != digest_of([(b"a", b"2"), (b"a", b"1")])


def test_an_input_that_is_not_applied_is_counted_and_an_unknown_position_proves_none() -> None:
    assert unapplied([5, 0, 7, 3], [4, -1, 4, None]) == {2: 2, 3: 3}
