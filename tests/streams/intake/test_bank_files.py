"""A bank's own file, whatever is in it: each row is a payment or a dead letter with its reason, in bounded memory."""

import gzip
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from domain.feeds.bank_mapping import BankMapping, load
from domain.feeds.source_rights import rights_of_sources
from streams.intake.files import LONGEST_LINE, FileRefusedError
from streams.intake.formats import MAPPED, Options, format_of
from streams.intake.formats import workbook as workbooks
from streams.intake.formats.rows import RowError
from streams.intake.formats.workbook import WorkbookError
from streams.intake.trial import TriedRow, try_file, without_accounts
from tests.domain.feeds.bank_mappings import CELLS, mapping

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 3, 2, tzinfo=UTC)
PLAIN = mapping()
HEADER = ",".join(CELLS)
ROW = ",".join(CELLS.values())
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


def of_file(file: str) -> BankMapping:
    """The mapping with other keys of the file."""
    return mapping(('format = "delimited"', file))


def tried(folder: Path, content: bytes | str, bank: BankMapping = PLAIN) -> list[TriedRow]:
    path = folder / "bank.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return try_file(path, bank, NOW)


def reasons(rows: list[TriedRow]) -> list[str]:
    return [row.why for row in rows]


def workbook(folder: Path, *rows: list[Any], title: str = "明细") -> Path:
    book = Workbook()
    page = book.active
    page.title = title
    for row in rows:
        page.append(row)
    book.save(folder / "bank.xlsx")
    return folder / "bank.xlsx"


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


XLSX = of_file('format = "xlsx"')
TYPED = {"time": "2026-03-01 11:12:00", "sum": 49_800, "before": 61_200.5}


def typed(**cells: object) -> list[object]:
    return list((CELLS | TYPED | cells).values())


def test_a_workbook_is_read_whatever_the_cells_types_are(tmp_path: Path) -> None:
    at = datetime(2026, 3, 1, 11, 12, 0, 400)  # noqa: DTZ001 - a workbook has no zones
    path = workbook(tmp_path, list(CELLS), typed(), [], typed(time=at, sum=0.29), typed(first=None)[:-1])
    first, second, third = try_file(path, XLSX, NOW)
    assert first.payment is not None, first.why
    assert (first.payment.amount_fen, first.payment.balance_fen) == (4_980_000, 6_120_050)
    assert second.payment is not None, second.why
    assert (second.line, second.payment.amount_fen, second.payment.at) == (4, 29, first.payment.at)
    assert third.payment is not None
    assert not third.payment.new_payee


def test_in_a_workbook_formulas_and_rounded_accounts_are_refused(tmp_path: Path) -> None:
    accounts: list[object] = ["=A1", 6222000000000001, 6222000000000001234, 622200000001]
    path = workbook(tmp_path, list(CELLS), *(typed(**{"from": account}) for account in accounts))
    formula, *rounded, short = reasons(try_file(path, XLSX, NOW))
    assert "a formula" in formula
    assert all("a spreadsheet has rounded it" in why for why in rounded)
    assert short == ""


def test_a_sheet_is_chosen_by_its_name(tmp_path: Path) -> None:
    path = workbook(tmp_path, list(CELLS), typed())
    assert reasons(try_file(path, of_file('format = "xlsx"\nsheet = "明细"'), NOW)) == [""]
    with pytest.raises(WorkbookError, match="has no sheet 其他"):
        try_file(path, of_file('format = "xlsx"\nsheet = "其他"'), NOW)


def repacked(path: Path, part: str, content: bytes) -> Path:
    """The workbook with another content of one part."""
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()} | {part: content}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in parts.items():
            new.writestr(name, data)
    return path


def declare(path: Path, part: str, kind: str) -> None:
    """Make the workbook say of what kind a part is."""
    types = "[Content_Types].xml"
    name = f"application/vnd.openxmlformats-officedocument.spreadsheetml.{kind}+xml"
    with zipfile.ZipFile(path) as book:
        content = book.read(types).decode()
    own = f'<Override PartName="/{part}" ContentType="{name}"/>'
    repacked(path, types, content.replace("</Types>", own + "</Types>").encode())


def hostile(folder: Path) -> Iterator[tuple[str, Path]]:
    sheet = "xl/worksheets/sheet1.xml"
    entities = b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">' + b"".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">'.encode() for n in range(9)
    )
    yield "no archive", folder / "text.xlsx"
    for number, (name, part, content) in enumerate(
        [
            ("bomb in a sheet", sheet, b"<worksheet>" + b" " * 2**20 + b"</worksheet>"),
            ("bomb in the texts", "xl/sharedStrings.xml", b" " * (2**18 + 1)),
            ("entities", sheet, entities + b"]><worksheet>&j;</worksheet>"),
            (
                "a file as entity",
                sheet,
                b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><worksheet>&x;</worksheet>',
            ),
            ("cut off", sheet, b"<worksheet><sheetData><row>"),
            ("no book", "xl/workbook.xml", b"<workbook/>"),
            (
                "a column that cannot be",
                sheet,
                b'<worksheet><sheetData><row r="1"><c r="ZZZZZ1"/></row></sheetData></worksheet>',
            ),
        ]
    ):
        (folder / str(number)).mkdir()
        yield name, repacked(workbook(folder / str(number), list(CELLS), typed()), part, content)


def said(path: Path, bank: BankMapping) -> list[str]:
    """Why a file or its rows are refused."""
    try:
        return reasons(try_file(path, bank, NOW))
    except WorkbookError as error:
        return [str(error)]


def test_a_hostile_workbook_is_refused_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "MOST_UNPACKED", 2**20)
    monkeypatch.setattr(workbooks, "MOST_SHARED", 2**18)
    monkeypatch.setattr(workbooks, "MOST_TREE", 2**16)
    (tmp_path / "text.xlsx").write_text(ROW)
    assert [name for name, path in hostile(tmp_path) if not all(said(path, XLSX))] == []


def test_no_more_is_unpacked_than_a_workbook_declares(tmp_path: Path) -> None:
    path = workbook(tmp_path, list(CELLS), *[typed()] * 100)
    raw, name = bytearray(path.read_bytes()), b"xl/worksheets/sheet1.xml"
    listed = raw.rindex(name) - 46  # the entry of the archive's list; its size, unpacked, is at 24
    raw[listed + 24 : listed + 28] = (900).to_bytes(4, "little")
    path.write_bytes(raw)
    (why,) = said(path, XLSX)
    assert "Save it again" in why


def test_a_row_number_that_no_sheet_has_ends_the_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    far = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="999999999">'
    path = repacked(
        workbook(tmp_path, list(CELLS)), "xl/worksheets/sheet1.xml", far + b"<c/></row></sheetData></worksheet>"
    )
    monkeypatch.setattr(workbooks, "MOST_ROWS", 2_000)
    with pytest.raises(WorkbookError, match="over 2,000 rows"):
        workbooks.write_lines(path, None, BytesIO(), most=10**6)


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


def test_a_workbook_whose_cells_repeat_a_long_text_is_refused_before_it_fills_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbooks, "MOST_WRITTEN", 2**20)
    path, written = workbook(tmp_path, list(CELLS), *[typed(first="x" * 10_000)] * 200), BytesIO()
    with pytest.raises(WorkbookError, match="its rows have over 1,048,576 bytes"):
        workbooks.write_lines(path, None, written)
    assert len(written.getvalue()) <= 2**20 + 200


def test_a_byte_order_mark_before_fixed_widths_shifts_no_column(tmp_path: Path) -> None:
    row = FIXED_ROW.replace("某甲", "Ms M")
    for encoding, widths in (("utf-8", "bytes"), ("utf-8", "characters"), ("gb18030", "bytes")):
        bank = load(FIXED.replace('"gb18030"', f'"{encoding}"\nwidths_in = "{widths}"'))
        (only,) = tried(tmp_path, f"\ufeff{row}\n".encode(encoding), bank)
        assert only.payment is not None, only.why
        assert (only.payment.payer, only.payment.amount_fen) == ("6222000000000001", 30_000)


@pytest.mark.parametrize(
    ("part", "kind", "refused"),
    [
        ("xl/styles.xml", "styles", True),
        ("xl/worksheets/book.xml", "sheet.main", True),
        ("xl/styles.xml", "worksheet", True),
        ("xl/worksheets/sheet2.xml", "worksheet", False),
        ("xl/sharedStrings.xml", "sharedStrings", False),
        ("xl/worksheets/_rels/sheet1.xml.rels", "worksheet", True),
    ],
)
def test_a_part_that_is_read_as_a_tree_is_small_whatever_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str, kind: str, refused: bool
) -> None:
    monkeypatch.setattr(workbooks, "MOST_TREE", 2**14)
    path = repacked(workbook(tmp_path, list(CELLS), typed()), part, b" " * 2**15)
    declare(path, part, kind)
    (why,) = said(path, XLSX)
    assert ("unpacked, a part of it" in why) is refused


def test_a_sheet_of_charts_is_not_read(tmp_path: Path) -> None:
    path = workbook(tmp_path, list(CELLS), typed())
    rels = "xl/_rels/workbook.xml.rels"
    with zipfile.ZipFile(path) as book:
        links, sheets = book.read(rels).decode(), book.read("xl/workbook.xml").decode()
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/chartsheet"
    link = f'<Relationship Id="rId99" Type="{kind}" Target="/xl/worksheets/chart.xml"/>'
    sheet = '<sheet xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
    sheet += 'name="图" sheetId="99" r:id="rId99"/>'
    repacked(path, rels, links.replace("</Relationships>", link + "</Relationships>").encode())
    repacked(path, "xl/workbook.xml", sheets.replace("<sheets>", "<sheets>" + sheet).encode())
    repacked(path, "xl/worksheets/chart.xml", b"no chart")
    assert said(path, XLSX) == [""]


def test_the_trial_shows_that_the_bank_may_not_send_payments(tmp_path: Path) -> None:
    path = tmp_path / "bank.csv"
    path.write_text(f"{HEADER}\n{ROW}\n", "utf-8")
    rows = try_file(path, PLAIN, NOW, rights_of_sources(f"{PLAIN.source}:report"))
    assert reasons(rows) == ["kind: this source may not send signals of the kind transfer"]
