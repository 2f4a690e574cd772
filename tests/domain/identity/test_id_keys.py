"""The key of the ID numbers' hashes is changed with nobody's number at hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identity.id_keys import IdKeys, UnknownKeyError, comparable
from domain.identity.identifiers import keyed_hash

FIRST, LATER = b"the first key of this test", (b"the second key of this test", b"the third key of this test")


@given(st.text(min_size=1, max_size=18), st.integers(0, 2), st.integers(0, 2))
def test_whatever_key_a_number_was_hashed_under_its_newest_hash_is_one_and_the_same(
    number: str, then: int, now: int
) -> None:
    before, keys = IdKeys(FIRST, LATER[:then]), IdKeys(FIRST, LATER[:now])
    kept = before.hashes(number)[-1]
    if then <= now:
        assert keys.newest(kept) == keys.hashes(number)[-1]
        assert kept in keys.hashes(number)
    else:
        with pytest.raises(UnknownKeyError, match="QUANZU_ID_KEYS"):
            keys.newest(kept)


@given(st.integers(0, 2), st.integers(0, 2), st.booleans())
def test_two_hashes_are_of_one_number_whatever_keys_they_were_made_under(
    one: int, other: int, another_person: bool
) -> None:
    keys = IdKeys(FIRST, LATER)
    kept, asked = keys.hashes("1")[one], keys.hashes("2" if another_person else "1")[other]
    assert keys.same(kept, asked) is not another_person
    assert keys.same(kept, "x.3") is keys.same("x.3", kept) is False


def test_a_hash_is_hashed_on_under_each_later_key() -> None:
    keys = IdKeys(FIRST, LATER)
    all_of_one = keys.hashes("1")
    assert [keys.onward(each) for each in all_of_one] == [all_of_one, all_of_one[1:], all_of_one[2:]]


def test_the_first_key_s_hash_is_as_it_always_was_and_another_key_makes_another() -> None:
    assert IdKeys(FIRST).hashes("1") == [keyed_hash(FIRST, "id", "1")]
    one, other = (IdKeys(FIRST, (key,)).hashes("1") for key in LATER)
    assert one[0] == other[0]
    assert one[1] != other[1]
    assert IdKeys(b"another first key").hashes("1")[0] != one[0]


def test_only_hashes_under_one_key_can_be_compared() -> None:
    one, two = IdKeys(FIRST, LATER[:1]).hashes("1")
    assert (comparable([]), comparable([one]), comparable([two, two]), comparable([one, two])) == (
        True,
        True,
        True,
        False,
    )


@pytest.mark.parametrize("spoilt", ["x.", "x.y", "x.3", "x.-1", "x.1.1"])
def test_what_is_no_hash_of_ours_is_of_a_key_that_is_not_known(spoilt: str) -> None:
    with pytest.raises(UnknownKeyError):
        IdKeys(FIRST, LATER).newest(spoilt)
