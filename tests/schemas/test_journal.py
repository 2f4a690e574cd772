"""Journal entries that are none: each is a ValueError, which readers skip or report."""

from collections.abc import Callable

import pytest

from schemas.casework.journal import case_in, decode, decode_case

NONE = {"empty": b"", "a list": b"[]", "too deep": b'{"case":' + b"[" * 100_000}


@pytest.mark.parametrize("read", [decode, decode_case, case_in])
@pytest.mark.parametrize("value", NONE.values(), ids=NONE)
def test_an_invalid_entry_is_a_value_error(read: Callable[[bytes], object], value: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(value)
