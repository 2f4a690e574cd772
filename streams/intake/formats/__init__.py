"""File formats. Each converts a row to a signal's fields, or raises RowError, which says why the row is invalid.

Called by streams/intake/files.py, and by the repair of dead letters.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import IO

from domain.feeds.bank_mapping import BankMapping
from streams.intake.formats import amlsim, call_files, cdr, iso20022, jsonl, mapped, stix
from streams.intake.formats.rows import Options, Row

__all__ = ["FORMATS", "MAPPED", "Format", "Options", "Row", "format_of"]

MAPPED = "csv"  # the format of a bank's file, which is read by a mapping


@dataclass(frozen=True, slots=True)
class Format:
    """A file format.

    `source`: the source of its dead letters. `header`: True if the file has a header line. `open`: takes the header (or
    b"") and returns the function that parses a row; raises RowError. `split`: takes the content of a file and returns
    its rows; None: each line is a row. `skip`: number of lines before the header. `is_footer`: whether a line is a
    footer without a signal. `binary`: True if a row of blanks may be a record. `stored`: takes the header and returns
    the function that makes a row fit to be stored with its dead letter. `kept`: makes the header fit to be stored with
    dead letters. `count`: called with the numbers of rows accepted and passed over, and the reasons of the others, once
    all of them are written.
    """

    source: str
    header: bool
    open: Callable[[bytes, Options], Row]
    split: Callable[[bytes], list[bytes]] | None = None
    skip: int = 0
    is_footer: Callable[[bytes], bool] = lambda line: False
    binary: bool = False
    stored: Callable[[bytes], Callable[[bytes], bytes]] = lambda header: lambda line: line
    kept: Callable[[bytes], bytes] = lambda header: header
    count: Callable[[int, int, Sequence[str]], None] = lambda accepted, passed_over, reasons: None

    def rows(self, file: IO[bytes]) -> Iterable[bytes]:
        """Return the rows of a file whose header has already been read: its remaining lines or, if the format has
        `split`, the rows into which that splits the remaining content.
        """
        return file if self.split is None else self.split(file.read())


FORMATS = {
    "jsonl": Format("jsonl", header=False, open=jsonl.open_rows),
    "amlsim": Format("amlsim", header=True, open=amlsim.open_rows),
    "cdr": Format("cdr", header=True, open=cdr.open_rows),
    "iso20022": Format("iso20022", header=False, open=iso20022.open_rows, split=iso20022.rows_of),
}


def format_of(name: str, options: Options) -> Format:
    """Return the format called `name`; if the options declare a bank's file, call records or objects of STIX, the
    format of that file. Raises KeyError if no format has the name, and ValueError if the options declare objects of
    STIX and no time `now`.
    """
    if options.stix is not None:
        if options.now is None:
            raise ValueError("objects of STIX are valid at a time: say which")
        read = stix.StixReading(options.stix, options.now)
        return Format(
            options.stix.source,
            header=False,
            open=read.open_rows,
            split=stix.stix_objects,
            is_footer=stix.is_context,
            count=read.count,
        )
    if options.calls is not None:
        split = call_files.CALL_FORMATS[options.calls.format].split
        source, binary = options.calls.source, split is not None
        return Format(source, header=False, open=call_files.open_rows, split=split, binary=binary)
    return FORMATS[name] if options.mapping is None else _mapped(options.mapping)


def _mapped(mapping: BankMapping) -> Format:
    return Format(
        mapping.source,
        header=mapped.has_header(mapping),
        open=mapped.open_rows,
        skip=mapping.file.skip_first,
        is_footer=partial(mapped.is_footer, mapping),
        stored=partial(mapped.stored, mapping=mapping),
        kept=partial(mapped.kept_header, mapping=mapping),
    )
