"""File formats: each turns a line into a signal's fields, or raises an error that says what is wrong with the line.

Called by streams/intake/files.py, and by the repair of dead letters.
"""

from collections.abc import Callable
from dataclasses import dataclass

from streams.intake.formats import amlsim, cdr, jsonl
from streams.intake.formats.rows import Options, Row

__all__ = ["FORMATS", "Format", "Options", "Row"]


@dataclass(frozen=True, slots=True)
class Format:
    """A file format.

    `source`: the source of its dead letters. `header`: whether the first line is a header; `open` takes it (or b"") and
    returns the row reader, or raises RowError.
    """

    source: str
    header: bool
    open: Callable[[bytes, Options], Row]


FORMATS = {
    "jsonl": Format("jsonl", header=False, open=jsonl.open_rows),
    "amlsim": Format("amlsim", header=True, open=amlsim.open_rows),
    "cdr": Format("cdr", header=True, open=cdr.open_rows),
}
