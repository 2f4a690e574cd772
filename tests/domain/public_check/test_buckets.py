"""A bucket tells its asker the status of the one number asked for, and nobody anything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.public_check import listing
from domain.public_check.buckets import (
    ENTRY_BYTES,
    MOST_ON_AVERAGE,
    CheckStatus,
    ListedEntry,
    bucket_entries,
    bucket_of,
    padded_size,
    prefix_bits,
    status_in,
)
from domain.public_check.oprf import evaluated, hash_to_group, random_scalar, unblinded

SECRET, KEY = b"s" * 32, b"k" * 32
NONCE, OTHER = bytes(16), b"\1" * 16
PHONE = "+8619800099001"


def entry(number: int, status: CheckStatus = CheckStatus.REPORTED) -> ListedEntry:
    return ListedEntry(number, number.to_bytes(32, "big"), status)


def test_a_listed_number_is_found_from_its_question_alone() -> None:
    stored = listing.stored_listing(SECRET, listing.listing_of(SECRET, "phone", PHONE))
    scalar = listing.check_scalar(KEY)
    listed = ListedEntry(
        stored.prefix, evaluated(listing.from_storage(SECRET, scalar), stored.element), CheckStatus.CONFIRMED
    )
    entries = bucket_entries([entry(5), listed, entry(6)], 192, NONCE)

    text, blind = listing.asked_text("phone", PHONE), random_scalar()
    answer = evaluated(scalar, evaluated(blind, hash_to_group(text)))
    assert listing.prefix_of(text) == stored.prefix
    assert status_in(entries, NONCE, unblinded(blind, answer)) is CheckStatus.CONFIRMED
    other = evaluated(scalar, hash_to_group(listing.asked_text("account", PHONE)))
    assert status_in(entries, NONCE, other) is None, "an account with a telephone's digits is another subject"


def test_what_the_watchlist_stores_shows_neither_the_number_nor_its_prefix() -> None:
    stored = listing.listing_of(SECRET, "phone", PHONE)
    assert stored == listing.listing_of(SECRET, "phone", PHONE), "two workers write the same"
    assert stored != listing.listing_of(b"t" * 32, "phone", PHONE)
    prefixes = [listing.prefix_of(listing.asked_text("phone", f"+86198{n:08}")) for n in range(64)]
    shown = [listing.listing_of(SECRET, "phone", f"+86198{n:08}") for n in range(64)]
    other = [listing.stored_listing(b"t" * 32, each).prefix for each in shown]
    assert sum(one == two for one, two in zip(prefixes, other, strict=True)) < 4
    assert [listing.stored_listing(SECRET, each).prefix for each in shown] == prefixes


@pytest.mark.parametrize("text", ["", "x", "é" * 46, "A" * 45, "A" * 48])
def test_a_text_that_is_no_listing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no listing"):
        listing.stored_listing(SECRET, text)


@given(st.integers(0, 40), st.integers(0, 40))
def test_all_buckets_have_one_size_and_made_up_entries_cannot_be_told_apart(few: int, many: int) -> None:
    size = padded_size(max(few, many))
    first = bucket_entries([entry(number) for number in range(1, few + 1)], size, NONCE)
    second = bucket_entries([entry(number) for number in range(1, many + 1)], size, NONCE)
    assert len(first) == len(second) == size * ENTRY_BYTES
    parts = [first[start : start + ENTRY_BYTES] for start in range(0, len(first), ENTRY_BYTES)]
    assert parts == sorted(parts), "the order is that of the tags, not of the list"


def test_a_bucket_made_again_shares_nothing_with_the_former_one() -> None:
    listed = [entry(number) for number in range(1, 100)]
    first, second = bucket_entries(listed, 192, NONCE), bucket_entries(listed, 192, OTHER)
    tags = [{each[start : start + 16] for start in range(0, len(each), ENTRY_BYTES)} for each in (first, second)]
    assert not tags[0] & tags[1]


@given(st.integers(0, 16), st.integers(0, 65_535))
def test_the_number_of_a_bucket_is_the_beginning_of_the_prefix(bits: int, prefix: int) -> None:
    assert f"{prefix:016b}".startswith(f"{bucket_of(prefix, bits):0{bits}b}" if bits else "")


@given(st.integers(0, 8_000_000))
def test_a_bucket_holds_64_to_128_numbers_on_average(listed: int) -> None:
    average = listed / 2 ** prefix_bits(listed)
    assert average <= MOST_ON_AVERAGE
    assert average > MOST_ON_AVERAGE / 2 or prefix_bits(listed) == 0


def test_a_bucket_always_has_room_for_one_more() -> None:
    assert [padded_size(largest) for largest in (0, 191, 192, 255)] == [192, 192, 256, 256]
