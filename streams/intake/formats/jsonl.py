"""Signals in the wire format: one JSON object on each line."""

from streams.intake.formats.rows import Options, Row
from streams.intake.parsing import item_of_line

_BOM = b"\xef\xbb\xbf"


def open_rows(header: bytes, options: Options) -> Row:
    """Return a function (line, row id) that returns the line's JSON value, or an Unreadable if it cannot be parsed.

    A signal without an `id` gets the row id. `header` and `options` are ignored: the format has none.
    """
    return _row


def _row(line: bytes, row_id: str) -> object:
    item = item_of_line(line.removeprefix(_BOM))
    return {"id": row_id, **item} if isinstance(item, dict) else item
