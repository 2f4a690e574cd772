"""Call records of telephone exchanges, by format: each row becomes a call signal of the declared source."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from domain.carriers.call_rows import CallRow, CallRowError, NumberRule, call_signal
from schemas.administration.dead_letters import CallFile
from streams.intake.formats import asterisk, freeswitch
from streams.intake.formats.charging import files as charging_files
from streams.intake.formats.charging.records import charging_row
from streams.intake.formats.rows import Options, Row, RowError

Read = Callable[[bytes, Options], CallRow]


@dataclass(frozen=True, slots=True)
class CallFormat:
    """A format of call records. `read`: returns the call of a row. `names`: returns the names of a row's columns, for
    the repair of dead letters; None: the row has no columns. `split`: returns the rows of a binary file; None: each
    line is a row.
    """

    read: Read
    names: Callable[[bytes], tuple[str, ...]] | None = None
    split: Callable[[bytes], list[bytes]] | None = None


CALL_FORMATS: Mapping[str, CallFormat] = {
    "asterisk-csv": CallFormat(asterisk.master_row, asterisk.column_names),
    "asterisk-json": CallFormat(asterisk.event_row),
    "freeswitch-csv": CallFormat(freeswitch.example_row, lambda line: freeswitch.COLUMNS),
    "freeswitch-json": CallFormat(freeswitch.json_row),
    "3gpp": CallFormat(charging_row, split=charging_files.records_in),
}


def open_rows(header: bytes, options: Options) -> Row:
    """Return the function that reads a row by the declared format: it returns the fields of a call signal, or raises
    RowError. `header` is ignored: the formats have none.

    Raises ValueError if the options do not declare how call records are read.
    """
    if options.calls is None:
        raise ValueError("call records need their format and source")
    return partial(_row, CALL_FORMATS[options.calls.format].read, options, options.calls)


def call_header(calls: CallFile, line: bytes) -> bytes | None:
    """Return the names of a row's columns as a header of CSV, or None if the format has no columns.

    Raises RowError if the line does not have the format's columns.
    """
    names = CALL_FORMATS[calls.format].names
    try:
        return ",".join(names(line)).encode() if names is not None else None
    except CallRowError as error:
        raise RowError(str(error)) from None


def _row(read: Read, options: Options, calls: CallFile, line: bytes, row_id: str) -> object:
    try:
        return call_signal(read(line, options), calls.source, NumberRule(calls.country, calls.area_code))
    except CallRowError as error:
        raise RowError(str(error)) from None
