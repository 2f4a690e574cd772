"""A row of a force's own file of reported frauds, read by its mapping."""

from datetime import UTC, datetime

import pytest

from domain.feeds.cells import CellError
from domain.feeds.file_mapping import FileMappingError
from domain.feeds.fraud_mapping import load
from domain.feeds.fraud_rows import fraud_record

MAPPING = """
source = "police"
[file]
format = "delimited"
[columns]
id = ["office", "number"]
reported_at = "told"
happened_to = ["day", "hour"]
loss = "loss"
scam_type = "kind"
state = "state"
id_number = "card"
phone = "phone"
accounts = ["own", "other"]
name = "name"
[amount]
unit = "wan_yuan"
thousands = ","
[time]
format = "%Y-%m-%d %H:%M"
[state]
"立案" = "fraud"
"撤案" = "withdrawn"
"治安" = "left_out"
[scam_type]
"刷单" = "brushing"
"""
CELLS = {
    "office": "A22",
    "number": "7",
    "told": "2026-03-01 11:12",
    "day": "2026-02-28",
    "hour": "22:00",
    "loss": "1,234.5678",
    "kind": "刷单",
    "state": "立案",
    "card": "990101198001010014",
    "phone": "14200000009",
    "own": '="6200000000000001"',
    "other": "62001111、62002222；62003333",
    "name": "王某某",
}


def read(*changes: tuple[str, str], **cells: str) -> dict[str, object] | None:
    return fraud_record(load(text(*changes)), CELLS | cells)


def text(*changes: tuple[str, str]) -> str:
    changed = MAPPING
    for old, new in changes:
        assert old in changed, old
        changed = changed.replace(old, new, 1)
    return changed


def test_columns_units_zone_and_words_become_the_fields_of_a_record() -> None:
    assert read() == {
        "source": "police",
        "id": "A22-7",
        "reported_at": datetime(2026, 3, 1, 3, 12, tzinfo=UTC),
        "happened_to": datetime(2026, 2, 28, 14, 0, tzinfo=UTC),
        "loss_fen": 1_234_567_800,
        "scam_type": "brushing",
        "id_number": CELLS["card"],
        "phone": "14200000009",
        "accounts": ["6200000000000001", "62001111", "62002222", "62003333"],
        "name": "王某某",
    }


def test_empty_cells_are_left_out() -> None:
    empty = dict.fromkeys(("day", "hour", "loss", "kind", "card", "phone", "own", "other", "name"), " ")
    assert read(**empty) == {"source": "police", "id": "A22-7", "reported_at": datetime(2026, 3, 1, 3, 12, tzinfo=UTC)}


def test_a_withdrawn_record_has_nothing_of_its_victim_and_replaces_the_first_version() -> None:
    found = read(state="撤案")
    assert found is not None
    assert found["version"] == 2
    assert not found.keys() & {"id_number", "phone", "accounts", "name", "division"}


def test_a_row_that_is_no_record_of_a_fraud_is_left_out() -> None:
    assert read(state="治安") is None


def test_versions_of_a_column_are_read_also_of_a_withdrawn_record() -> None:
    change = ('loss = "loss"', 'loss = "loss"\nversion = "edition"')
    for state in ("立案", "撤案"):
        found = read(change, state=state, edition="12")
        assert found is not None
        assert found["version"] == 12


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"state": "移送"}, "state, column state: the word is not in [state] of the mapping"),
        ({"kind": "杀猪盘"}, "scam_type, column kind: the word is not in [scam_type] of the mapping"),
        ({"told": "2026/03/01 11:12"}, "reported_at, column told: not a time of the format %Y-%m-%d %H:%M"),
        ({"hour": ""}, "happened_to, column hour: empty"),
        ({"number": ""}, "id, column number: empty"),
        ({"loss": "-3"}, "loss, column loss: a minus, where the mapping declares no sign"),
        ({"loss": "0.0000001"}, "loss, column loss: has fractions of a fen"),
        ({"phone": "1.42E+10"}, "phone, column phone: written with an exponent"),
        ({"other": "62001111;6.2E+15"}, "accounts, column other: written with an exponent"),
        ({"name": "=A1"}, "name, column name: a formula"),
    ],
)
def test_a_cell_that_cannot_be_read_is_named_without_its_value(cells: dict[str, str], why: str) -> None:
    with pytest.raises(CellError) as refused:
        read(**cells)
    assert str(refused.value).startswith(why)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (('id = ["office", "number"]', ""), "[columns] id: it is missing"),
        (('[amount]\nunit = "wan_yuan"\nthousands = ","', ""), "[amount] is missing"),
        (('unit = "wan_yuan"', 'unit = "wan_yuan"\nsign = "out_is_minus"'), "[amount] sign: a loss has no direction"),
        (('state = "state"', ""), "[columns] state is missing"),
        (('scam_type = "kind"', ""), "[columns] scam_type is missing"),
        (('"立案" = "fraud"\n"撤案" = "withdrawn"\n"治安" = "left_out"\n', ""), "[state] is missing"),
        (('= "fraud"', '= "crime"'), "[state] 立案: not a known value"),
        (('name = "name"', 'name = "card"'), "[columns] id_number: the column gives another field too"),
        (("[amount]", '[constant]\nscam_type = "brushing"\n[amount]'), "[constant] scam_type: the column"),
        (('phone = "phone"', 'suspect = "phone"'), "[columns] suspect: no such key here"),
    ],
)
def test_a_mistake_in_a_mapping_is_named_with_its_key(change: tuple[str, str], why: str) -> None:
    with pytest.raises(FileMappingError) as refused:
        load(text(change), "force.toml")
    assert f"force.toml, {why}" in str(refused.value)
