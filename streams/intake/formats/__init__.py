"""Files that go in: each format turns a line into a signal's fields, or says what is wrong with the line."""

from collections.abc import Callable
from dataclasses import dataclass

from streams.intake.formats import amlsim, cdr, jsonl
from streams.intake.formats.rows import Options, Row

__all__ = ["FORMATS", "Format", "Options", "Row"]


@dataclass(frozen=True, slots=True)
class Format:
    """`open` reads the header (the first line, or nothing) and gives what reads each row."""

    source: str
    header: bool
    open: Callable[[bytes, Options], Row]


FORMATS = {
    "jsonl": Format("jsonl", header=False, open=jsonl.open_rows),
    "amlsim": Format("amlsim", header=True, open=amlsim.open_rows),
    "cdr": Format("cdr", header=True, open=cdr.open_rows),
}
