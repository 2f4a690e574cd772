"""A row of a bank's file becomes a payment exactly as the mapping declares it, or is refused without its values."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.feeds.bank_mapping import BankMapping
from domain.feeds.bank_rows import own_id, payment
from domain.feeds.cells import CellError, header_places
from schemas.risk.signals import Channel, TransferState, signal_adapter
from tests.domain.feeds.bank_mappings import CELLS, mapping

PLAIN = mapping()
FEN = mapping(('unit = "yuan"', 'unit = "fen"'))


def read(bank: BankMapping = PLAIN, /, **cells: str) -> dict[str, Any]:
    return payment(bank, CELLS | cells, "row-7")


def amount_rules(rules: str) -> BankMapping:
    return mapping(('unit = "yuan"', rules))


def test_a_row_becomes_a_payment_that_intake_accepts() -> None:
    fields = read()
    assert fields == {
        "kind": "transfer",
        "source": "alder",
        "id": "s-1",
        "at": datetime(2026, 3, 1, 3, 12, tzinfo=UTC),
        "payer": "6222000000000001",
        "payee": "6222000000000002",
        "amount_fen": 4_980_000,
        "balance_fen": 6_120_050,
        "channel": "mobile_bank",
        "state": "pending",
        "new_payee": True,
    }
    assert signal_adapter.validate_python(fields)


@pytest.mark.parametrize(
    ("rules", "written", "fen"),
    [
        ('unit = "yuan"', "49800", 4_980_000),
        ('unit = "yuan"', "0.1", 10),
        ('unit = "yuan"', "1.500000000", 150),
        ('unit = "yuan"', "¥300", 30_000),
        ('unit = "yuan"', "￥３００．５０", 30_050),
        ('unit = "yuan"', "+300", 30_000),
        ('unit = "yuan"', "¥ 49800", 4_980_000),
        ('unit = "yuan"\nthousands = ","\nsign = "out_is_minus"', "¥-49,800.00", 4_980_000),
        ('unit = "yuan"\nsign = "out_is_minus"', "-¥ 49800", 4_980_000),
        ('unit = "fen"', "000000004980000", 4_980_000),
        ('unit = "fen"', "100.00", 100),
        ('unit = "yuan"\nthousands = ","', "1,234,567.80", 123_456_780),
        ('unit = "yuan"\nthousands = ","', "1234567.80", 123_456_780),
        ('unit = "yuan"\nthousands = " "', "1 234.50", 123_450),
        ('unit = "yuan"\nthousands = "\'"', "1'234.50", 123_450),
        ('unit = "yuan"\nsign = "out_is_minus"', "-300.00", 30_000),
        ('unit = "yuan"\nsign = "ignored"', "-300.00", 30_000),
        ('unit = "yuan"\nsign = "ignored"', "300.00", 30_000),
    ],
)
def test_an_amount_is_read_in_its_unit_to_the_fen(rules: str, written: str, fen: int) -> None:
    assert read(amount_rules(rules), sum=written, before="")["amount_fen"] == fen


@pytest.mark.parametrize(
    ("rules", "written", "why"),
    [
        ('unit = "yuan"', "1,000.00", "not an amount in yuan"),
        ('unit = "yuan"', "1.005", "fractions of a fen"),
        ('unit = "fen"', "100.5", "fractions of a fen"),
        ('unit = "yuan"', "-300", "a minus"),
        ('unit = "yuan"', "", "empty"),
        ('unit = "yuan"', "6.222E+18", "a spreadsheet has rounded it"),
        ('unit = "yuan"', "NaN", "not an amount"),
        ('unit = "yuan"', "-¥-300", "not an amount"),
        ('unit = "yuan"', "¥¥300", "not an amount"),
        ('unit = "yuan"', "1_000", "not an amount"),
        ('unit = "yuan"', "一百", "not an amount"),
        ('unit = "yuan"', "9" * 5_000, "not an amount"),
        ('unit = "yuan"', "=1+1", "a formula"),
        ('unit = "yuan"\nthousands = ","', "1,00", "a thousands separator at a wrong place"),
        ('unit = "yuan"\nthousands = ","', "1,000,00.5", "a thousands separator at a wrong place"),
        ('unit = "yuan"\nthousands = ","', "1000,000", "a thousands separator at a wrong place"),
        ('unit = "yuan"\nsign = "out_is_minus"', "300", "no payment out"),
    ],
)
def test_an_amount_that_is_not_as_declared_is_refused(rules: str, written: str, why: str) -> None:
    with pytest.raises(CellError, match=r"^amount, column sum: ") as told:
        read(amount_rules(rules), sum=written)
    assert why in str(told.value)


@pytest.mark.parametrize(
    ("format_", "zone", "written", "at"),
    [
        ("%Y-%m-%d %H:%M:%S", "Asia/Shanghai", "2026-03-01 11:12:13", "2026-03-01T11:12:13+08:00"),
        ("%Y-%m-%d %H:%M:%S", "UTC", "2026-03-01 03:12:13", "2026-03-01T03:12:13+00:00"),
        ("%Y-%m-%d %H:%M:%S", "Asia/Urumqi", "2026-03-01 09:12:13", "2026-03-01T09:12:13+06:00"),
        ("%Y-%m-%d %H:%M:%S", "Asia/Shanghai", "1988-07-01 12:00:00", "1988-07-01T12:00:00+09:00"),  # summer time
        ("%Y-%m-%dT%H:%M:%S%z", "Asia/Shanghai", "2026-03-01T03:12:13+0000", "2026-03-01T03:12:13+00:00"),
        ("%Y%m%d%H%M%S", "Asia/Shanghai", "20260301111213", "2026-03-01T11:12:13+08:00"),
        ("%Y年%m月%d日 %H:%M", "Asia/Shanghai", "2026年3月1日 11:12", "2026-03-01T11:12:00+08:00"),
        ("%Y/%m/%d %H:%M", "Asia/Shanghai", "2026/3/1 9:05", "2026-03-01T09:05:00+08:00"),
        ("%Y%m%d%H%M%S%f", "Asia/Shanghai", "20260301111213250", "2026-03-01T11:12:13.250+08:00"),
        ("%Y%m%d%H%M%S%z", "Asia/Shanghai", "20260301031213Z", "2026-03-01T11:12:13+08:00"),
        ("unix", "UTC", "1772334733", "2026-03-01T11:12:13+08:00"),
        ("unix_ms", "UTC", "1772334733000", "2026-03-01T11:12:13+08:00"),
    ],
)
def test_a_time_is_read_in_its_format_and_zone(format_: str, zone: str, written: str, at: str) -> None:
    bank = mapping(("%Y-%m-%d %H:%M:%S", format_), ("[state]", f'zone = "{zone}"\n[state]'))
    found = read(bank, time=written)["at"]
    assert found == datetime.fromisoformat(at)
    assert found.utcoffset() is not None


@pytest.mark.parametrize(
    ("format_", "written"),
    [
        ("%Y-%m-%d %H:%M:%S", "2026-02-30 11:12:13"),
        ("%Y-%m-%d %H:%M:%S", "01/03/2026 11:12"),
        ("%Y%m%d%H%M%S", "2026311111213"),  # the 11th of March, or a 31st?
        ("%Y%m%d%H%M%S%f", "2026311111213250"),
        ("unix", "-1"),
        ("unix", "1e9"),
        ("unix", "9" * 15),
        ("unix", "9" * 14),
    ],
)
def test_a_time_that_is_not_as_declared_is_refused(format_: str, written: str) -> None:
    with pytest.raises(CellError, match=r"^at, column time: not a time of the format"):
        read(mapping(("%Y-%m-%d %H:%M:%S", format_)), time=written)


@pytest.mark.parametrize(("word", "state"), [("受理", "attempted"), ("处理中", "pending"), (" 成功 ", "settled")])
def test_each_word_of_a_state_means_what_the_mapping_says(word: str, state: str) -> None:
    assert read(state=word)["state"] == TransferState(state)


@pytest.mark.parametrize(
    ("word", "channel"),
    [
        ("手机", "mobile_bank"),
        ("网银", "web_bank"),
        ("柜面", "counter"),
        ("自助", "atm"),
        ("刷卡", "pos"),
        ("快捷", "third_party"),
    ],
)
def test_each_word_of_a_channel_means_what_the_mapping_says(word: str, channel: str) -> None:
    assert read(channel=word)["channel"] == Channel(channel)


@pytest.mark.parametrize(("word", "new"), [("是", True), ("否", False), ("", False)])
def test_whether_the_payee_is_new_may_be_left_empty(word: str, new: bool) -> None:
    assert read(first=word)["new_payee"] is new


@pytest.mark.parametrize("column", ["state", "channel", "first"])
def test_an_unknown_word_is_refused(column: str) -> None:
    with pytest.raises(CellError, match="the word is not in"):
        read(**{column: "冲正"})


def test_a_constant_gives_a_field_that_no_column_has() -> None:
    bank = mapping(
        ('state = "state"\nchannel = "channel"\nnew_payee = "first"', ""),
        ('[state]\n"受理" = "attempted"\n"处理中" = "pending"\n"成功" = "settled"', ""),
        ("[channel]", '[constant]\nstate = "settled"\nchannel = "pos"\nnew_payee = true\n[unused]'),
        ("[unused]" + MAPPING_CHANNELS, ""),
        ('[new_payee]\n"是" = true\n"否" = false', ""),
    )
    fields = read(bank)
    assert (fields["state"], fields["channel"], fields["new_payee"]) == ("settled", "pos", True)


MAPPING_CHANNELS = """
"手机" = "mobile_bank"
"网银" = "web_bank"
"柜面" = "counter"
"自助" = "atm"
"刷卡" = "pos"
"快捷" = "third_party"
"""


def test_a_row_without_its_own_id_gets_the_rows() -> None:
    assert read(serial=" ")["id"] == "row-7"
    assert read(mapping(('id = "serial"', "")))["id"] == "row-7"


def test_an_id_and_a_time_may_have_several_columns() -> None:
    bank = mapping(('id = "serial"', 'id = ["day", "serial"]'), ('at = "time"', 'at = ["day", "time"]'))
    fields = read(bank, day="2026-03-01", time="11:12:00")
    assert (fields["id"], fields["at"]) == ("2026-03-01-s-1", read()["at"])
    assert own_id(bank, CELLS | {"day": ""}) is None


def test_an_empty_balance_is_unknown_and_an_overdrawn_one_holds_nothing() -> None:
    assert "balance_fen" not in read(before="")
    assert read(before="-20.00")["balance_fen"] == 0


@pytest.mark.parametrize(
    "written", ['="6222000000000001"', "'6222000000000001", "\t6222000000000001 ", "`6222000000000001"]
)
def test_the_marks_that_keep_a_spreadsheet_from_rounding_are_no_part_of_an_account(written: str) -> None:
    assert read(**{"from": written})["payer"] == "6222000000000001"


@pytest.mark.parametrize("written", ['=HYPERLINK("x")', "@SUM(1)", '="622"&"1"', "6.22200000000000E+18"])
def test_a_formula_or_a_rounded_number_is_no_account(written: str) -> None:
    with pytest.raises(CellError, match=r"^payer, column from: (a formula|written with an exponent)"):
        read(**{"from": written})


def test_a_column_that_is_missing_or_there_twice_is_named() -> None:
    names = list(CELLS)
    assert header_places(["\ufefffirst", *names[:-1]], PLAIN)["first"] == 0
    with pytest.raises(CellError, match="lacks the column sum"):
        header_places([name for name in names if name != "sum"], PLAIN)
    with pytest.raises(CellError, match="has sum twice"):
        header_places([*names, "sum"], PLAIN)
    with pytest.raises(CellError, match="over 1,000 columns"):
        header_places([str(number) for number in range(100_000)], PLAIN)
    assert header_places([*names, "note", "note"], PLAIN)  # of columns that nobody reads, there may be two


@given(st.integers(0, 10**13))
def test_any_amount_is_the_same_in_yuan_and_in_fen(fen: int) -> None:
    assert (
        read(sum=f"{fen // 100}.{fen % 100:02d}")["amount_fen"]
        == fen
        == read(FEN, sum=str(fen), before="")["amount_fen"]
    )


@given(st.integers(0, 10**13))
def test_any_amount_is_the_same_with_thousands_separators(fen: int) -> None:
    written = f"{fen // 100:,}.{fen % 100:02d}"
    assert read(amount_rules('unit = "yuan"\nthousands = ","'), sum=written)["amount_fen"] == fen


@given(st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)))  # noqa: DTZ001 - as a file has them
def test_any_second_is_the_same_in_two_formats(at: datetime) -> None:
    seconds = at.replace(microsecond=0)
    found = read(time=f"{seconds:%Y-%m-%d %H:%M:%S}")["at"]
    assert found == read(mapping(("%Y-%m-%d %H:%M:%S", "%Y%m%d%H%M%S")), time=f"{seconds:%Y%m%d%H%M%S}")["at"]
    assert found.utcoffset() == timedelta(hours=8)


@given(st.fixed_dictionaries({name: st.text(max_size=12) | st.just(cell) for name, cell in CELLS.items()}))
def test_any_cells_are_a_payment_or_refused_without_their_values(cells: dict[str, str]) -> None:
    try:
        fields = payment(PLAIN, cells, "row-7")
    except CellError as error:
        field, _, rest = str(error).partition(", column ")
        column, _, why = rest.partition(": ")
        assert column in CELLS
        assert field
        assert why
    else:
        assert fields["amount_fen"] >= 0
        assert fields["at"].tzinfo
