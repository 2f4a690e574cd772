"""A bank's own file, whatever is in it: each row is a payment or a dead letter with its reason, in bounded memory."""

import gzip
import tracemalloc
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.feeds.bank_mapping import BankMapping, load
from domain.feeds.source_rights import rights_of_sources
from streams.intake.formats import MAPPED, Options, format_of
from streams.intake.formats.rows import RowError
from streams.intake.row_files import LONGEST_LINE, FileRefusedError
from streams.intake.trial import try_file, without_accounts
from tests.domain.feeds.bank_mappings import CELLS
from tests.streams.intake.bank.bank_file_rows import HEADER, NOW, PLAIN, ROW, XLSX, of_file, reasons, tried

ROOT = Path(__file__).parents[4]
FIXED = """
source = "alder"
[file]
format = "fixed"
encoding = "gb18030"
columns = [{ name = "name", width = 6 }, { name = "from", width = 16 }, { name = "to", width = 16 },
  { name = "sum", width = 8 }, { name = "time", width = 14 }, { name = "note", width = 4 }]
[columns]
at = "time"
payer = "from"
payee = "to"
amount = "sum"
[amount]
unit = "fen"
[time]
format = "%Y%m%d%H%M%S"
[constant]
state = "settled"
channel = "atm"
"""
FIXED_ROW = "某甲  6222000000000001622200000000000200030000" + "20260301111200"


@pytest.mark.parametrize(
    ("file", "header", "row"),
    [
        ('format = "delimited"', HEADER, ROW),
        ('format = "delimited"\nencoding = "gb18030"', HEADER, ROW),
        ('format = "delimited"\ndelimiter = "|"', HEADER.replace(",", "|"), ROW.replace(",", "|")),
        ('format = "delimited"\ndelimiter = "\\t"', HEADER.replace(",", "\t"), ROW.replace(",", "\t")),
        ('format = "delimited"\ndelimiter = "|@|"\nquote = ""', HEADER.replace(",", "|@|"), ROW.replace(",", "|@|")),
        ('format = "delimited"\ndelimiter = "\\u0001"', HEADER.replace(",", "\1"), ROW.replace(",", "\1")),
        ('format = "delimited"\nquote = "\'"', HEADER, "'" + ROW.replace(",", "','") + "'"),
        ('format = "delimited"', "\ufeff" + HEADER, ROW + ",,"),
    ],
)
def test_a_delimited_file_is_read_as_declared(tmp_path: Path, file: str, header: str, row: str) -> None:
    bank = of_file(file)
    encoding = getattr(bank.file, "encoding", "utf-8")
    (only,) = tried(tmp_path, f"{header}\r\n{row}\r\n".encode(encoding), bank)
    assert only.payment is not None, only.why
    assert (only.line, only.payment.id, only.payment.amount_fen, only.payment.state) == (2, "s-1", 4_980_000, "pending")


def test_a_file_without_a_header_has_its_columns_in_the_mapping(tmp_path: Path) -> None:
    names = ", ".join(f'"{name}"' for name in CELLS)
    (only,) = tried(tmp_path, f"{ROW}\n", of_file(f'format = "delimited"\nnames = [{names}]'))
    assert (only.line, only.why) == (1, "")


def test_titles_and_footers_are_no_rows_and_keep_the_lines_numbers(tmp_path: Path) -> None:
    bank = of_file('format = "delimited"\nskip_first = 2\nfooter = ["合计", "TRAILER"]')
    content = f'title\n\n{HEADER}\n{ROW}\n\n{ROW}x\n"合计",2\n,合计\nTRAILER2\n'
    assert [(row.line, bool(row.payment)) for row in tried(tmp_path, content, bank)] == [(4, True), (6, False)]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (ROW.replace(",是", ""), "8 fields where the header has 9"),
        (ROW + ",x", "10 fields where the header has 9"),
        (ROW.replace("s-1", "s\0"), "a NUL byte"),
        (ROW.replace("s-1", '"s'), "a quote is not closed"),
        (ROW.replace("6222000000000001", '=HYPERLINK("http://x")'), "a formula"),
        (ROW.replace("6222000000000001", "6.222E+15"), "a spreadsheet has rounded it"),
        (ROW.replace("6222000000000001", "12"), "payer: an account has 6 to 34"),
        (ROW.replace("s-1", "s\u202e1"), "id: only printable characters"),
        (ROW.replace("49800.00", "999999999999.00"), "amount_fen: "),
        (ROW.replace("2026-", "1999-"), "at: the year must lie"),
        ("x" * (LONGEST_LINE + 10), "the line is longer than"),
        ("," * 100_000, "over 1,000 fields"),
        ("x," * 1_500, "1501 fields where the header has 9"),
    ],
)
def test_a_broken_row_is_refused_with_its_reason_and_those_around_it_are_read(
    tmp_path: Path, row: str, why: str
) -> None:
    first, broken, last = tried(tmp_path, f"{HEADER}\n{ROW}\n{row}\n{ROW}\n")
    assert (first.why, last.why, broken.line) == ("", "", 3)
    assert why in broken.why
    assert "62220000" not in broken.why


@pytest.mark.parametrize(
    ("header", "why"),
    [
        (HEADER + ",sum", "has sum twice"),
        (HEADER.replace("sum", "total"), "lacks the column sum"),
        (",".join(str(number) for number in range(1_900)), "over 1,000 columns"),
        ("," * 100_000, "over 1,000 fields"),
        ('"' + HEADER, "a quote is not closed"),
        ("\0", "a NUL byte"),
    ],
)
def test_by_a_header_that_cannot_be_used_each_row_is_refused(tmp_path: Path, header: str, why: str) -> None:
    (only,) = tried(tmp_path, f"{header}\n{ROW}\n")
    assert only.why.startswith("the header, line 1: ")
    assert why in only.why


@pytest.mark.parametrize(("declared", "written"), [("utf-8", "gb18030"), ("gb18030", "utf-8"), ("utf-8", "utf-16")])
def test_another_encoding_than_declared_is_found(tmp_path: Path, declared: str, written: str) -> None:
    rows = tried(
        tmp_path,
        f"{HEADER}\n{ROW}\n".encode(written),
        of_file(f'format = "delimited"\nencoding = "{declared}"'),
    )
    assert rows
    assert all(row.payment is None and row.why for row in rows)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (FIXED_ROW, ""),
        (FIXED_ROW + "转账  ", ""),
        (FIXED_ROW[:-1], "shorter than the columns"),
        (FIXED_ROW + "转账x", "longer than the columns"),
        ("某甲甲6222" + FIXED_ROW[8:], ""),
        ("某甲甲甲" + FIXED_ROW[6:], "payer: an account"),
    ],
)
def test_widths_are_bytes_of_the_encoding(tmp_path: Path, row: str, why: str) -> None:
    (only,) = tried(tmp_path, row.encode("gb18030") + b"\r\n", load(FIXED))
    assert why in only.why if why else only.payment is not None
    assert only.payment is None or (only.payment.amount_fen, only.payment.payer) == (30_000, "6222000000000001")


def test_widths_may_be_characters(tmp_path: Path) -> None:
    bank = load(FIXED.replace('encoding = "gb18030"', 'widths_in = "characters"'))
    (only,) = tried(tmp_path, FIXED_ROW.replace("某甲", "某甲  ") + "\n", bank)
    assert only.why == ""


def test_of_a_large_file_only_the_first_lines_are_held_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "bank.gz"
    with gzip.open(path, "wt", encoding="utf-8", compresslevel=1) as file:
        file.write(f"{HEADER}\n")
        for _ in range(40):
            file.write(f"{ROW}\n" * 10_000)  # some 40 MB
    tracemalloc.start()
    rows = try_file(path, PLAIN, NOW)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert reasons(rows) == [""] * 10
    assert most < 8 * 2**20


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cut.gz").write_bytes(gzip.compress(f"{HEADER}\n{ROW}\n".encode())[:-9])
    for name in ("cut.gz", "none.csv"):
        with pytest.raises(FileRefusedError):
            try_file(tmp_path / name, PLAIN, NOW)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "the header, line 1"),
        ("\n\n", "the header, line 1"),
        (f"{HEADER[:-1]}\n", "the header, line 1"),
        (f"{HEADER}\r{ROW}\r", "the lines end in CR: write LF or CRLF"),
        (f"{HEADER},x\r{ROW},x\r\n", "the lines end in CR: write LF or CRLF"),
        (f"{HEADER}\n", "no row was found"),
    ],
)
def test_the_trial_of_a_file_without_rows_says_why(tmp_path: Path, content: str, why: str) -> None:
    with pytest.raises(FileRefusedError, match=why):
        tried(tmp_path, content)


def test_a_shown_payment_has_no_whole_account(tmp_path: Path) -> None:
    (only,) = tried(tmp_path, f"{HEADER}\n{ROW.replace('s-1', '6222000000000001')}\n")
    assert only.payment is not None
    shown = without_accounts(only.payment)
    assert (shown.id, shown.payer, shown.payee) == ("********0001", "********0001", "********0002")


@pytest.mark.parametrize(
    ("file", "lines", "accepted"), [("ginkgo.csv", [4, 5, 6], [True, True, False]), ("birch.txt", [2, 3], [True, True])]
)
def test_the_examples_are_read(file: str, lines: list[int], accepted: list[bool]) -> None:
    path = ROOT / "deploy/banks" / file
    rows = try_file(path, load(path.with_suffix(".toml").read_text("utf-8"), file), NOW)
    assert [row.line for row in rows] == lines
    assert [row.payment is not None for row in rows] == accepted
    assert rows[0].payment is not None
    assert (rows[0].payment.amount_fen, rows[0].payment.at) == (4_980_000, datetime(2026, 3, 1, 3, 12, tzinfo=UTC))


ALMOST = st.lists(st.sampled_from([*CELLS.values(), '"', "=", "\0", "", "1e9", "-1"]), max_size=12)


@given(
    st.binary(max_size=120) | ALMOST.map(lambda parts: ",".join(parts).encode()),
    st.sampled_from([PLAIN, XLSX, load(FIXED)]),
)
def test_any_line_is_read_or_refused(line: bytes, bank: BankMapping) -> None:
    header = str(list(CELLS)).replace("'", '"').encode() if bank is XLSX else HEADER.encode()
    form = format_of(MAPPED, Options(mapping=bank))
    row = form.open(header if form.header else b"", Options(mapping=bank))
    with suppress(RowError):
        assert isinstance(row(line, "0-1"), dict)


def test_a_byte_order_mark_before_fixed_widths_shifts_no_column(tmp_path: Path) -> None:
    row = FIXED_ROW.replace("某甲", "Ms M")
    for encoding, widths in (("utf-8", "bytes"), ("utf-8", "characters"), ("gb18030", "bytes")):
        bank = load(FIXED.replace('"gb18030"', f'"{encoding}"\nwidths_in = "{widths}"'))
        (only,) = tried(tmp_path, f"\ufeff{row}\n".encode(encoding), bank)
        assert only.payment is not None, only.why
        assert (only.payment.payer, only.payment.amount_fen) == ("6222000000000001", 30_000)


def test_the_trial_shows_that_the_bank_may_not_send_payments(tmp_path: Path) -> None:
    path = tmp_path / "bank.csv"
    path.write_text(f"{HEADER}\n{ROW}\n", "utf-8")
    rows = try_file(path, PLAIN, NOW, rights_of_sources(f"{PLAIN.source}:report"))
    assert reasons(rows) == ["kind: this source may not send signals of the kind transfer"]
