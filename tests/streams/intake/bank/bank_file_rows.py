"""Files of a bank, as its mapping declares them, and the rows that are found in them."""

from datetime import UTC, datetime
from pathlib import Path

from domain.feeds.bank_mapping import BankMapping
from streams.intake.trial import TriedRow, try_file
from tests.domain.feeds.bank_mappings import CELLS, mapping

NOW = datetime(2026, 3, 2, tzinfo=UTC)
PLAIN = mapping()
HEADER = ",".join(CELLS)
ROW = ",".join(CELLS.values())


def of_file(file: str) -> BankMapping:
    """The mapping with other keys of the file."""
    return mapping(('format = "delimited"', file))


XLSX = of_file('format = "xlsx"')


def tried(folder: Path, content: bytes | str, bank: BankMapping = PLAIN) -> list[TriedRow]:
    path = folder / "bank.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return try_file(path, bank, NOW)


def reasons(rows: list[TriedRow]) -> list[str]:
    return [row.why for row in rows]
