"""A trial of a bank's mapping, or of the declaration of call records: shows how the first rows of a file would be
parsed. Writes nothing and needs no server.
"""

import secrets
import zlib
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from domain.feeds.bank_mapping import BankMapping
from domain.feeds.source_rights import NO_DECISIONS, SourceRights
from domain.identity import masking
from domain.identity.id_keys import IdKeys
from schemas.risk import wire
from schemas.risk.signals import Call, Signal, Transfer, batch_adapter
from streams.intake.acceptor import examine
from streams.intake.files import item_of, row_id, row_reader, why_lost
from streams.intake.formats import MAPPED, Format, Options, Row, format_of
from streams.intake.row_files import (
    LONGEST_FILE,
    LONGEST_LINE,
    FileRefusedError,
    Line,
    lines_of,
    open_rows_file,
    read_header,
    whole,
)

ROWS = 10
_LINES = 1_000  # that are looked at for them; others may be blank or footers
_SAMPLE = "0" * 8  # stands for the file's digest, of which the id of a row without its own is made


@dataclass(frozen=True, slots=True)
class TriedRow:
    """The result of parsing one row of a file, line `line`. `signal`: None if the row would become a dead letter for
    the reason `why`.
    """

    line: int
    signal: Signal | None
    why: str = ""

    @property
    def payment(self) -> Transfer | None:
        """The row's payment; None for a call and for a dead letter."""
        return self.signal if isinstance(self.signal, Transfer) else None

    @property
    def call(self) -> Call | None:
        """The row's call; None for a payment and for a dead letter."""
        return self.signal if isinstance(self.signal, Call) else None


def try_file(path: Path, mapping: BankMapping, now: datetime, rights: SourceRights = NO_DECISIONS) -> list[TriedRow]:
    """Return how the first ten rows of a file would be parsed by the mapping, in order. Blank lines and footers are
    left out; only the first 1,000 lines are searched, so there may be fewer rows. Sends and stores nothing.

    Raises FileRefusedError or WorkbookError if the file cannot be read, or no row was found.
    """
    options = Options(mapping=mapping, id_keys=IdKeys(secrets.token_bytes(32)))  # the hash is only shown to exist
    return _try(path, format_of(MAPPED, options), options, now, rights)


def try_calls(path: Path, options: Options, now: datetime, rights: SourceRights = NO_DECISIONS) -> list[TriedRow]:
    """Return how the first ten rows of a file of call records would be read as `options` declare, in order. Blank lines
    are left out; of a format with lines, only the first 1,000 are searched, so there may be fewer rows. Sends and
    stores nothing.

    Raises FileRefusedError if the file cannot be read, a file of binary records has over 16 MiB, or no row was found,
    and ValueError if the options do not declare call records.
    """
    if options.calls is None:
        raise ValueError("call records need their format and source")
    return _try(path, format_of(options.calls.format, options), options, now, rights)


def _try(path: Path, form: Format, options: Options, now: datetime, rights: SourceRights) -> list[TriedRow]:
    try:
        with open_rows_file(path, options.mapping, most=_LINES + form.skip) as file:
            if form.split is not None:
                header, rows = b"", list(enumerate(form.split(whole(file, path))[:ROWS], 1))
            else:
                before, header = read_header(file, form)
                lines = islice(lines_of(file, before + form.header), _LINES)
                rows = list(islice((each for each in lines if each[1].strip() and not form.is_footer(each[1])), ROWS))
    except FileRefusedError:
        raise
    except (OSError, EOFError, zlib.error) as error:
        raise FileRefusedError(f"{path}: cannot be read ({type(error).__name__}). Fetch the file again") from None
    if form.split is None and (why := why_lost(form, header, rows, options)) is not None:
        raise FileRefusedError(f"{path}: {why}")
    if not rows:
        raise FileRefusedError(f"{path}: no row was found in it; only the first {_LINES:,} lines are searched")
    row = row_reader(form, header, options)
    longest = LONGEST_LINE if form.split is None else LONGEST_FILE
    return [_tried(row, line, rights, now, longest) for line in rows]


def without_accounts(payment: Transfer) -> Transfer:
    """Return a copy of the payment with masked account numbers. Its id is masked too, because an id may contain an
    account number.
    """
    hidden = {name: masking.account(getattr(payment, name)) for name in ("id", "payer", "payee")}
    return payment.model_copy(update=hidden)


def without_numbers(call: Call) -> Call:
    """Return a copy of the call with masked telephone numbers. A caller that is a name is masked like a number."""
    return call.model_copy(update={name: masking.phone(getattr(call, name)) for name in ("caller", "called")})


def _tried(row: Row, line: Line, rights: SourceRights, now: datetime, longest: int) -> TriedRow:
    found = examine([item_of(row, line, row_id(_SAMPLE, line[0]), longest)], now, rights)
    if found.faults:
        return TriedRow(line[0], None, found.faults[0].why)
    (signal,) = batch_adapter.validate_json(wire.record(found.signals))
    return TriedRow(line[0], signal)
