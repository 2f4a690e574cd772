"""A trial of a bank's mapping: shows how the first rows of a file would be parsed. Writes nothing and
needs no server.
"""

import zlib
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from domain.feeds.bank_mapping import BankMapping
from domain.feeds.source_rights import NO_DECISIONS, SourceRights
from domain.identity import masking
from schemas.risk import wire
from schemas.risk.signals import Transfer, batch_adapter
from streams.intake.acceptor import examine
from streams.intake.files import FileRefusedError, Line, item_of, lines_of, opened, read_header, row_id, row_reader
from streams.intake.formats import MAPPED, Options, Row, format_of

ROWS = 10
_LINES = 1_000  # that are looked at for them; others may be blank or footers
_SAMPLE = "0" * 8  # stands for the file's digest, of which the id of a row without its own is made


@dataclass(frozen=True, slots=True)
class TriedRow:
    """The result of parsing one row. `payment`: None if the row would become a dead letter for the reason `why`."""

    line: int
    payment: Transfer | None
    why: str = ""


def try_file(path: Path, mapping: BankMapping, now: datetime, rights: SourceRights = NO_DECISIONS) -> list[TriedRow]:
    """Return how the first ten rows of a file would be parsed by the mapping. Blank lines and footers are left out.

    Raises FileRefusedError or WorkbookError if the file cannot be read.
    """
    options = Options(mapping=mapping)
    form = format_of(MAPPED, options)
    try:
        with opened(path, mapping, most=_LINES + form.skip) as file:
            before, header = read_header(file, form)
            lines = islice(lines_of(file, before + form.header), _LINES)
            rows = list(islice((each for each in lines if each[1].strip() and not form.is_footer(each[1])), ROWS))
    except (OSError, EOFError, zlib.error) as error:
        raise FileRefusedError(f"{path}: cannot be read ({type(error).__name__}). Fetch the file again") from None
    row = row_reader(form, header, options)
    return [_tried(row, line, rights, now) for line in rows]


def without_accounts(payment: Transfer) -> Transfer:
    """Return the payment with masked account numbers. Its id is masked too, because an id may contain an account
    number.
    """
    hidden = {name: masking.account(getattr(payment, name)) for name in ("id", "payer", "payee")}
    return payment.model_copy(update=hidden)


def _tried(row: Row, line: Line, rights: SourceRights, now: datetime) -> TriedRow:
    found = examine([item_of(row, line, row_id(_SAMPLE, line[0]))], now, rights)
    if found.faults:
        fault = found.faults[0]
        return TriedRow(line[0], None, f"{fault.field}: {fault.what}" if fault.field else fault.what)
    (signal,) = batch_adapter.validate_json(wire.record(found.signals))
    return TriedRow(line[0], signal if isinstance(signal, Transfer) else None)
