"""A bank's workbook, whatever is in it: each row is a payment or a dead letter; memory and disk stay bounded."""

import zipfile
from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from domain.feeds.bank_mapping import BankMapping
from streams.intake.formats import workbook as workbooks
from streams.intake.formats.workbook import WorkbookError
from streams.intake.row_files import FileRefusedError
from streams.intake.trial import try_file
from tests.domain.feeds.bank_mappings import CELLS
from tests.streams.intake.bank.bank_file_rows import NOW, ROW, XLSX, of_file, reasons


def workbook(folder: Path, *rows: list[Any], title: str = "明细") -> Path:
    book = Workbook()
    page = book.active
    page.title = title
    for row in rows:
        page.append(row)
    book.save(folder / "bank.xlsx")
    return folder / "bank.xlsx"


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
    except (FileRefusedError, WorkbookError) as error:
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


def test_a_workbook_whose_cells_repeat_a_long_text_is_refused_before_it_fills_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbooks, "MOST_WRITTEN", 2**20)
    path, written = workbook(tmp_path, list(CELLS), *[typed(first="x" * 10_000)] * 200), BytesIO()
    with pytest.raises(WorkbookError, match="its rows have over 1,048,576 bytes"):
        workbooks.write_lines(path, None, written)
    assert len(written.getvalue()) <= 2**20 + 200


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
