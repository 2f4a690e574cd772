"""Intake of a file of the police's records of frauds: every row is accepted or becomes a dead letter.

Either a CSV file whose first line names the columns, in English or Chinese (COLUMNS), or a force's own file, which is
read by its mapping. A row's ID number is hashed at once, and left out of its dead letter. A file that is taken in again
counts once.
"""

import csv
import hashlib
import io
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from domain.feeds.cells import CellError, Cells, without_digits, written_id_number
from domain.feeds.fraud_mapping import FraudMapping
from domain.feeds.fraud_rows import fraud_record
from domain.feeds.source_rights import SourceRights
from domain.identity.id_keys import IdKeys
from domain.identity.identifiers import BEIJING
from schemas.administration.dead_letters import DeadLetter, LinePlace
from schemas.risk.reported_frauds import MOST_VERSION
from streams.intake.acceptor import Unreadable
from streams.intake.files import FileReport
from streams.intake.formats import mapped
from streams.intake.formats.rows import RowError
from streams.intake.reported_frauds import examine_frauds, write_frauds
from streams.intake.row_files import CR_ENDS, LONGEST_LINE, FileRefusedError, lines_of, open_rows_file, whole
from streams.messaging import dead_letter_writer
from streams.messaging.producer import Producer

COLUMNS: Mapping[str, str] = {
    "案件编号": "id",
    "版本": "version",
    "受理时间": "reported_at",
    "发案开始时间": "happened_from",
    "发案结束时间": "happened_to",
    "涉案金额": "loss_yuan",
    "案件类别": "scam_type",
    "身份证号": "id_number",
    "手机号": "phone",
    "账号": "accounts",
    "姓名": "name",
    "区划代码": "division",
}
"""The columns by their Chinese names. `loss_yuan` is in yuan, with up to two decimals; several accounts are separated
by semicolons; times are ISO 8601, in Beijing if they have no offset."""

NEEDED = ("id", "reported_at")
_KNOWN = frozenset(COLUMNS.values())
_TIMES = ("reported_at", "happened_from", "happened_to")
_CORRECT = "Correct the row and take the file in again"
CHUNK = 2_000  # rows that are written and acknowledged together


class FraudRow(NamedTuple):
    """A row of a file in line `line`: the `item` that intake examines, and the bytes that its dead letter has."""

    line: int
    item: object
    kept: bytes


class FraudRows(NamedTuple):
    """The rows of a file in order, and the number of lines that the mapping declares not to be records. `digest`: the
    SHA-256 of the content (hex).
    """

    rows: list[FraudRow]
    skipped: int
    digest: str


async def take_fraud_file(
    path: Path,
    by: str | FraudMapping,
    producer: Producer,
    partitions: int,
    rights: SourceRights,
    keys: IdKeys,
    now: datetime,
) -> FileReport:
    """Accept all rows of a file (also gzip), and return the counts once Kafka has them all. Refused rows become
    dead letters. Waits while Kafka is unavailable.

    `by`: the mapping of the file; or, for a CSV file with our columns (UTF-8 or GB 18030), the source in whose name the
    records are accepted. The source must have the right to report frauds (`rights`). `partitions`: of the topics.
    `keys`: hash the ID numbers. `now`: the time of arrival.

    Raises FileRefusedError or WorkbookError if the file cannot be opened, unpacked or decoded, has over 16 MiB, or has
    a header that cannot be read, or in which a required column is missing, one is unknown or one comes twice. Nothing
    of the file is accepted then. Raises SendError if Kafka refuses a record permanently.
    """
    found = read_fraud_rows(path, by)
    source = by if isinstance(by, str) else by.source
    report = FileReport(
        file=path.name, format="frauds", rows=len(found.rows), accepted=0, dead_lettered=0, skipped=found.skipped
    )
    for start in range(0, len(found.rows), CHUNK):
        part = found.rows[start : start + CHUNK]
        examined = examine_frauds([row.item for row in part], now, rights, keys)
        reasons: dict[int, str] = {}
        for fault in examined.faults:
            reasons.setdefault(fault.item, fault.why)
        letters = [_letter(path, found.digest, source, part[item], why, now) for item, why in reasons.items()]
        await write_frauds(producer, examined.records, partitions)
        await dead_letter_writer.write(producer, letters)
        report.accepted += len(examined.good)
        report.dead_lettered += len(letters)
        for why in reasons.values():
            report.reasons[why] = report.reasons.get(why, 0) + 1
    return report


def read_fraud_rows(path: Path, by: str | FraudMapping) -> FraudRows:
    """Return the rows of a file, as `take_fraud_file` reads them by the same argument. Sends and stores nothing.

    Raises FileRefusedError or WorkbookError likewise.
    """
    with open_rows_file(path, None if isinstance(by, str) else by) as file:
        content = whole(file, path)
    digest = hashlib.sha256(content).hexdigest()
    if isinstance(by, FraudMapping):
        return _by_mapping(path, content, by, digest)
    rows = [FraudRow(line, _item(row, by), _kept(row)) for line, row in _rows(path, _text(path, content))]
    return FraudRows(rows, 0, digest)


def _by_mapping(path: Path, content: bytes, mapping: FraudMapping, digest: str) -> FraudRows:
    lines = list(lines_of(io.BytesIO(content), 0))
    if len(lines) == 1 and b"\r" in lines[0][1]:
        raise FileRefusedError(f"{path}: {CR_ENDS}. Nothing of it was taken in.")
    before, header = mapping.file.skip_first, b""
    if mapped.has_header(mapping):
        header = lines[before][1] if len(lines) > before else b""
        before += 1
    try:
        cells_of = mapped.open_cells(header, mapping)
    except RowError as error:
        raise FileRefusedError(f"{path}: {error}. Nothing of it was taken in.") from None
    rows, skipped = [], min(len(lines), mapping.file.skip_first)
    for number, line in lines[before:]:
        if not line.strip():
            continue
        item, cells = (None, None) if mapped.is_footer(mapping, line) else _mapped_item(line, mapping, cells_of)
        if item is None:
            skipped += 1
        else:
            rows.append(FraudRow(number, item, _mapped_kept(line, cells, mapping)))
    return FraudRows(rows, skipped, digest)


def _mapped_item(line: bytes, mapping: FraudMapping, cells_of: Callable[[bytes], Cells]) -> tuple[object, Cells | None]:
    """Return the item and the cells of a line; (None, its cells) if its state says that it is no record."""
    if len(line) > LONGEST_LINE:
        return Unreadable(f"the line is longer than {LONGEST_LINE:,} bytes"), None
    try:
        cells = cells_of(line)
    except RowError as error:
        return Unreadable(str(error), _CORRECT), None
    try:
        return fraud_record(mapping, cells), cells
    except CellError as error:
        return Unreadable(str(error), _CORRECT), cells


def _mapped_kept(line: bytes, cells: Cells | None, mapping: FraudMapping) -> bytes:
    """Return the cells that the mapping reads, as CSV, without the ID number. Columns that it does not read are left
    out: a force's file may have a suspect's ID number there.

    All digits become stars if the line cannot be split, or if the ID number's cell has no valid one: it may be in
    another cell then.
    """
    if cells is None:
        encoding = mapped.file_encoding(mapping)
        return without_digits(line.decode(encoding, "replace")).encode()
    secret = mapping.columns.secret
    text = _csv(["" if name == secret else cell for name, cell in cells.items()])
    certain = secret is None or written_id_number(mapping, cells, mapped.is_id_number) is not None
    return (text if certain else without_digits(text)).encode()


def _text(path: Path, content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise FileRefusedError(f"{path}: neither UTF-8 nor GB 18030. Nothing of it was taken in.")


def _rows(path: Path, text: str) -> Iterator[tuple[int, list[tuple[str, str]] | str]]:
    """Yield the line and the cells of each row, as pairs of field and text; instead of the cells the reason for which a
    row cannot be read. Raises FileRefusedError if the header is invalid.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        names = _header(path, next(reader, []))
    except csv.Error:
        what = "in its first line, a quote is not closed, or stands within a field"
        raise FileRefusedError(f"{path}: {what}. Nothing of it was taken in.") from None
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield reader.line_num, "a quote is not closed, or stands within a field"
            continue
        if any(cell.strip() for cell in cells):
            fits = len(cells) == len(names)
            yield reader.line_num, list(zip(names, cells, strict=True)) if fits else "more or fewer cells than columns"


def _header(path: Path, cells: list[str]) -> list[str]:
    names = [COLUMNS.get(cell.strip(), cell.strip()) for cell in cells]
    if missing := [name for name in NEEDED if name not in names]:
        raise FileRefusedError(f"{path}: lacks the column {', '.join(missing)}. Nothing of it was taken in.")
    if unknown := [cell.strip()[:32] for cell, name in zip(cells, names, strict=True) if name not in _KNOWN]:
        raise FileRefusedError(
            f"{path}: unknown column {unknown[0]!r}. Rename it or leave it out. Nothing was taken in."
        )
    if len(set(names)) < len(names):
        raise FileRefusedError(f"{path}: a column is given twice. Nothing of it was taken in.")
    return names


def _item(row: list[tuple[str, str]] | str, source: str) -> object:
    if isinstance(row, str):
        return Unreadable(row, _CORRECT)
    item: dict[str, Any] = {"source": source} | {name: cell.strip() for name, cell in row if cell.strip()}
    for name in _TIMES:
        if name in item:
            item[name] = _time(item[name])
    if "version" in item:
        item["version"] = _version(item["version"])
    if "accounts" in item:
        item["accounts"] = [each.strip() for each in item["accounts"].replace("；", ";").split(";") if each.strip()]
    if (loss := item.pop("loss_yuan", None)) is not None:
        item["loss_fen"] = _fen(loss)
    return item


def _time(text: str) -> object:
    """Return the time, in Beijing if it has no offset; the text itself if it is none, for the schema to refuse."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return at if at.tzinfo else at.replace(tzinfo=BEIJING)


def _version(text: str) -> object:
    """Return the number; the text itself if it is none or too long, for the schema to refuse."""
    return int(text) if text.isdecimal() and len(text) <= len(str(MOST_VERSION)) else text


def _fen(yuan: str) -> object:
    """Return yuan as fen; the text itself if it is no sum, for the schema to refuse."""
    whole_yuan, point, cents = yuan.replace(",", "").partition(".")
    digits = whole_yuan.isdecimal() and whole_yuan.isascii() and len(whole_yuan) <= 12
    if not digits or (point and not (cents.isdecimal() and cents.isascii() and len(cents) <= 2)):
        return yuan
    return int(whole_yuan) * 100 + int(cents.ljust(2, "0") or 0)


def _kept(row: list[tuple[str, str]] | str) -> bytes:
    return _csv([] if isinstance(row, str) else [cell if name != "id_number" else "" for name, cell in row]).encode()


def _csv(cells: list[str]) -> str:
    raw = io.StringIO(newline="")
    csv.writer(raw).writerow(cells)
    return raw.getvalue()


def _letter(path: Path, digest: str, source: str, row: FraudRow, why: str, now: datetime) -> DeadLetter:
    name = "".join(char if char.isprintable() else "?" for char in path.name)[:128]
    return DeadLetter.of(source, LinePlace(file=name, digest=digest[:16], line=row.line), why, row.kept, now)
