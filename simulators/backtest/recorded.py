"""Reads signals from files with intake's readers. Invalid rows are counted and skipped."""

import gzip
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, cast

from schemas.errors import UserError
from schemas.risk.signals import Signal, signal_adapter
from simulators.backtest.spool import Spool
from streams.intake.formats import FORMATS, Options
from streams.intake.formats.rows import Row, RowError

_GZIP_MAGIC = b"\x1f\x8b"


class RecordedError(UserError, ValueError):
    """A file of recorded signals cannot be read. The text says why."""


def read(name: str, path: Path, options: Options, spool: Spool) -> int:
    """Read the signals of a file (plain or gzip) in the format `name` (a key of FORMATS), and add them to `spool`.
    Return the number of invalid rows, which are left out; blank lines do not count.

    Raises RecordedError if the file is not in this format or its gzip is damaged, OSError if it cannot be read, and
    KeyError for an unknown format.
    """
    refused = 0
    try:
        with _opened(path) as file:
            header = file.readline().rstrip(b"\r\n") if FORMATS[name].header else b""
            row = FORMATS[name].open(header, options)
            for signal in _signals(FORMATS[name].rows(file), row, str(spool.count)):
                if signal is None:
                    refused += 1
                else:
                    spool.add(signal)
    except RowError as error:
        raise RecordedError(f"{path}: {error}") from None
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise RecordedError(f"{path}: the gzip is broken or cut off; fetch the file again") from None
    return refused


def _signals(rows: Iterable[bytes], row: Row, mark: str) -> Iterator[Signal | None]:
    """Yield each row's signal, or None for an invalid row. `mark`: distinguishes rows without an id from those of other
    files.
    """
    for number, line in enumerate(rows, 1):
        if not line.strip():
            continue
        try:
            yield signal_adapter.validate_python(row(line.rstrip(b"\r\n"), f"{mark}-{number}"))
        except ValueError:  # a RowError, or a schema violation
            yield None


def _opened(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP_MAGIC
    return cast("IO[bytes]", gzip.open(path)) if packed else path.open("rb")
