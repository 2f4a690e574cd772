"""Intake of a CSV file of the police's records of frauds: every row is accepted or becomes a dead letter.

The first line names the columns, in English or Chinese (COLUMNS). A row's ID number is hashed at once, and left out of
its dead letter. A file that is taken in again counts once.
"""

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from domain.feeds.source_rights import SourceRights
from domain.identity.id_keys import IdKeys
from domain.identity.identifiers import BEIJING
from schemas.administration.dead_letters import DeadLetter, LinePlace
from schemas.risk.reported_frauds import MOST_VERSION
from streams.intake.acceptor import Unreadable
from streams.intake.files import FileRefusedError, FileReport, opened, whole
from streams.intake.reported_frauds import examine_frauds, write_frauds
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
CHUNK = 2_000  # rows that are written and acknowledged together


async def take_fraud_file(
    path: Path, source: str, producer: Producer, partitions: int, rights: SourceRights, keys: IdKeys, now: datetime
) -> FileReport:
    """Accept all rows of a CSV file (UTF-8 or GB 18030, also gzip), and return the counts once Kafka has them all. Rows
    that are refused become dead letters. Waits while Kafka is unavailable.

    `source`: the source in whose name the records are accepted; it must have the right to report frauds (`rights`).
    `partitions`: of the topics. `keys`: hash the ID numbers. `now`: the time of arrival.

    Raises FileRefusedError if the file cannot be opened, unpacked or decoded, has over 16 MiB, or has a header that is
    not CSV, or in which a required column is missing, one is unknown or one comes twice. Nothing of the file is
    accepted then. Raises SendError if Kafka refuses a record permanently.
    """
    with opened(path, None) as file:
        content = whole(file, path)
    digest = hashlib.sha256(content).hexdigest()
    rows = list(_rows(path, _text(path, content)))
    report = FileReport(file=path.name, format="frauds", rows=len(rows), accepted=0, dead_lettered=0)
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        found = examine_frauds([_item(row, source) for _, row in part], now, rights, keys)
        reasons: dict[int, str] = {}
        for fault in found.faults:
            reasons.setdefault(fault.item, f"{fault.field}: {fault.what}" if fault.field else fault.what)
        letters = [_letter(path, digest, source, *part[item], why, now) for item, why in reasons.items()]
        await write_frauds(producer, found.records, partitions)
        await dead_letter_writer.write(producer, letters)
        report.accepted += len(found.good)
        report.dead_lettered += len(letters)
        for why in reasons.values():
            report.reasons[why] = report.reasons.get(why, 0) + 1
    return report


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
        return Unreadable(row, "Correct the row and take the file in again")
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


def _letter(
    path: Path, digest: str, source: str, line: int, row: list[tuple[str, str]] | str, why: str, now: datetime
) -> DeadLetter:
    cells = [] if isinstance(row, str) else [cell if name != "id_number" else "" for name, cell in row]
    raw = io.StringIO(newline="")
    csv.writer(raw).writerow(cells)
    name = "".join(char if char.isprintable() else "?" for char in path.name)[:128]
    return DeadLetter.of(source, LinePlace(file=name, digest=digest[:16], line=line), why, raw.getvalue().encode(), now)
