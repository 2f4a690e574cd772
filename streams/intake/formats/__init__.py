"""File formats. Each converts a row to a signal's fields, or raises RowError, which says why the row is invalid.

Called by streams/intake/files.py, and by the repair of dead letters.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import IO

from domain.feeds.bank_mapping import BankMapping
from streams.intake.formats import amlsim, cdr, iso20022, jsonl, mapped
from streams.intake.formats.rows import Options, Row

__all__ = ["FORMATS", "MAPPED", "Format", "Options", "Row", "format_of"]

MAPPED = "csv"  # the format of a bank's file, which is read by a mapping


@dataclass(frozen=True, slots=True)
class Format:
    """A file format.

    `source`: the source of its dead letters. `header`: whether the file has a header line. `open`: takes the header (or
    b"") and returns the function that parses a row; raises RowError. `split`: returns the rows of a whole file; None:
    each line is a row. `skip`: number of lines before the header. `is_footer`: whether a line is a footer without a
    signal.
    """

    source: str
    header: bool
    open: Callable[[bytes, Options], Row]
    split: Callable[[bytes], list[bytes]] | None = None
    skip: int = 0
    is_footer: Callable[[bytes], bool] = lambda line: False

    def rows(self, file: IO[bytes]) -> Iterable[bytes]:
        """Return the rows of a file whose header has already been read."""
        return file if self.split is None else self.split(file.read())


FORMATS = {
    "jsonl": Format("jsonl", header=False, open=jsonl.open_rows),
    "amlsim": Format("amlsim", header=True, open=amlsim.open_rows),
    "cdr": Format("cdr", header=True, open=cdr.open_rows),
    "iso20022": Format("iso20022", header=False, open=iso20022.open_rows, split=iso20022.rows_of),
}


def format_of(name: str, options: Options) -> Format:
    """Return the format called `name`; if the options have a mapping, the format of that bank's file. Raises KeyError
    if no format has the name.
    """
    return FORMATS[name] if options.mapping is None else _mapped(options.mapping)


def _mapped(mapping: BankMapping) -> Format:
    return Format(
        mapping.source,
        header=mapped.has_header(mapping),
        open=mapped.open_rows,
        skip=mapping.file.skip_first,
        is_footer=partial(mapped.is_footer, mapping),
    )
