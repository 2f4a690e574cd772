"""A column of a bank's file with the payer's ID number: hashed at once, and in no line that is stored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.feeds.bank_mapping import BankMapping
from domain.feeds.bank_rows import payment
from domain.feeds.cells import CellError, without_id_number
from domain.feeds.file_mapping import FileMappingError
from domain.identity.id_keys import IdKeys
from tests.domain.feeds.bank_mappings import CELLS, mapping

KEYS = IdKeys(b"a" * 16, (b"b" * 16,))
NUMBER = "990101198001010014"  # its check digit fits, and its region is none
WIDE = "".join(chr(ord(digit) + 0xFEE0) for digit in NUMBER)  # full-width digits


def with_number() -> BankMapping:
    return mapping(('first"', 'first"\npayer_id = "id card"'))


def is_number(text: str) -> bool:
    return text == NUMBER


def read(number: str, keys: IdKeys | None = KEYS) -> dict[str, object]:
    return payment(with_number(), CELLS | {"id card": number}, "row-1", keys.hash_of_text if keys else None)


@pytest.mark.parametrize("written", [NUMBER, f" {NUMBER} ", f'="{NUMBER}"', f"'{NUMBER}", WIDE])
def test_the_payers_number_is_hashed_under_the_key_in_force_however_it_is_written(written: str) -> None:
    fields = read(written)
    assert fields["payer_id"] == KEYS.hashes(NUMBER)[-1]
    assert NUMBER not in str(fields)


@pytest.mark.parametrize("written", ["", "E12345678", "990101198001010015", "99010119800101001"])
def test_a_row_without_a_valid_number_is_read_by_its_account_alone(written: str) -> None:
    fields = read(written)
    assert "payer_id" not in fields
    assert fields["payer"] == CELLS["from"]


def test_without_keys_the_number_is_dropped() -> None:
    assert "payer_id" not in read(NUMBER, None)


def test_a_number_that_a_spreadsheet_has_rounded_is_refused_without_its_value() -> None:
    with pytest.raises(CellError, match="payer_id, column id card: written with an exponent") as refused:
        read("9.9E+17")
    assert "9.9" not in str(refused.value)


def test_a_column_that_is_stored_as_something_else_is_no_column_of_id_numbers() -> None:
    with pytest.raises(FileMappingError, match=r"\[columns\] payer_id: the column gives another field too"):
        mapping(('first"', 'first"\npayer_id = "serial"'))


CELL = st.text(st.characters(exclude_characters=",", exclude_categories=("Cs", "Cc")), max_size=12)


@given(st.lists(CELL, min_size=2, max_size=4), st.booleans())
def test_a_stored_line_never_has_the_number(around: list[str], splits: bool) -> None:
    line = ",".join([*around[:1], NUMBER, *around[1:]])
    kept = without_id_number(with_number(), line, {"id card": NUMBER} if splits else None, is_number)
    assert NUMBER not in kept
    assert len(kept) == len(line)


def test_a_line_that_writes_the_number_otherwise_than_its_cell_keeps_no_digit() -> None:
    line = "s-1,6222000000000001,9901 0119 8001 0100 14"
    kept = without_id_number(with_number(), line, {"id card": NUMBER}, is_number)
    assert kept == "s-*,****************,**** **** **** **** **"


def test_the_other_values_of_a_line_stay() -> None:
    line = f"s-1,6222000000000001,{NUMBER},49800.00"
    assert (
        without_id_number(with_number(), line, {"id card": NUMBER}, is_number)
        == f"s-1,6222000000000001,{'*' * 18},49800.00"
    )
    assert without_id_number(mapping(), line, {}, is_number) == line, "a mapping without such a column hides nothing"


@pytest.mark.parametrize("cell", ["", "6222000000000001", NUMBER[:-1], "E12345678"])
def test_a_row_whose_cell_has_no_valid_number_keeps_no_digit(cell: str) -> None:
    line = f"s-1,6222000000000001,{NUMBER},{cell},E12345678"
    kept = without_id_number(with_number(), line, {"id card": cell}, is_number)
    assert not any(char.isdecimal() for char in kept)
    assert len(kept) == len(line)
