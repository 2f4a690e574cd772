"""Rings of keys: what is made under a former key stays valid, and no change puts an unknown key in force."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.access.key_rings import (
    MOST_KEYS,
    KeyPurpose,
    KeyRing,
    KeyRingError,
    key_id,
    most_keys,
    read_rings,
    text_of_rings,
    with_accepted,
    with_in_force,
    without_key,
)

KEYS = [f"{number:064x}".encode() for number in range(1, MOST_KEYS + 2)]


@given(st.dictionaries(st.sampled_from(KeyPurpose), st.integers(1, MOST_KEYS)))
def test_rings_are_read_as_they_were_written(counts: dict[KeyPurpose, int]) -> None:
    fresh = iter(f"{number:064x}".encode() for number in range(1, 100))
    rings = {purpose: KeyRing(tuple(next(fresh) for _ in range(count))) for purpose, count in counts.items()}
    assert read_rings(text_of_rings(rings)) == rings


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"audit:{'a' * 64},nonsense:{'b' * 64}", "entry 2: write PURPOSE:KEY"),
        (f"audit:{'a' * 31}", "entry 1: write PURPOSE:KEY"),
        ("audit", "entry 1: write PURPOSE:KEY"),
        (f"audit:{'a' * 64}\nsession:{'a' * 64}", "entries 1 and 2 have the same key"),
        ("\n".join(f"session:{key.decode()}" for key in KEYS), "entry 6: session has over 5 keys"),
    ],
)
def test_an_entry_that_is_wrong_is_named_and_no_key_is_repeated(text: str, words: str) -> None:
    with pytest.raises(KeyRingError, match=words) as refused:
        read_rings(text)
    assert not any(each.partition(":")[2] in str(refused.value) for each in text.split(",") if len(each) > 20)


def test_a_rotation_accepts_the_former_key_and_makes_with_the_new_one() -> None:
    before = KeyRing((KEYS[0],))
    old = before.digest("text")
    both = with_accepted(before, KEYS[1])
    assert both.digest("text") == old
    after = with_in_force(both, key_id(KEYS[1]))
    assert after.digest("text") != old
    assert (
        after.matches_digest("text", old),
        after.matches_digest("other", old),
        before.matches_digest("text", after.digest("text")),
    ) == (
        True,
        False,
        False,
    )
    assert both.matches_digest("text", after.digest("text"))  # a process that has not yet put it in force
    assert not without_key(after, key_id(KEYS[0])).matches_digest("text", old)


def test_what_would_lose_a_key_or_use_an_unknown_one_is_refused() -> None:
    ring = KeyRing(tuple(KEYS[:MOST_KEYS]))
    with pytest.raises(KeyRingError, match="5 keys already"):
        with_accepted(ring, KEYS[MOST_KEYS])
    with pytest.raises(KeyRingError, match="is in force"):
        without_key(ring, key_id(KEYS[0]))
    with pytest.raises(KeyRingError, match="there is no key"):
        with_in_force(ring, key_id(KEYS[MOST_KEYS]))


def test_a_ring_shows_no_key() -> None:
    assert KEYS[0].decode() not in repr(KeyRing((KEYS[0],)))
    assert key_id(KEYS[0]) not in KEYS[0].decode()


def test_the_audit_s_key_is_rotated_as_often_as_one_likes() -> None:
    ring = KeyRing((KEYS[0],))
    for number in range(30):
        ring = with_accepted(ring, f"{number + 100:064x}".encode(), most_keys(KeyPurpose.AUDIT))
    assert read_rings(text_of_rings({KeyPurpose.AUDIT: ring})) == {KeyPurpose.AUDIT: ring}
