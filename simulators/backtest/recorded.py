"""Signals out of files, by the readers of intake: rows that are none are counted and left out."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from schemas.errors import UserError
from schemas.risk.signals import Signal, signal_adapter
from simulators.backtest.spool import Spool
from streams.intake.formats import FORMATS, Options
from streams.intake.formats.rows import Row, RowError

_GZIP_MAGIC = b"\x1f\x8b"


class RecordedError(UserError, ValueError):
    """A file of recorded signals cannot be read; the text says why."""


def read(name: str, path: Path, options: Options, spool: Spool) -> int:
    """Put the signals of a file (gzip too) of the format `name` into the spool; returns how many rows hold none.

    Raises RecordedError when it is no such file, OSError when it cannot be opened.
    """
    refused = 0
    try:
        with _opened(path) as file:
            header = file.readline().rstrip(b"\r\n") if FORMATS[name].header else b""
            row = FORMATS[name].open(header, options)
            for signal in _signals(file, row, str(spool.count)):
                if signal is None:
                    refused += 1
                else:
                    spool.add(signal)
    except RowError as error:
        raise RecordedError(f"{path}: {error}") from None
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise RecordedError(f"{path}: the gzip is broken or cut off; fetch the file again") from None
    return refused


def _signals(file: IO[bytes], row: Row, mark: str) -> Iterator[Signal | None]:
    """A row's signal, or none. `mark` keeps rows without an id apart from those of other files."""
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            yield signal_adapter.validate_python(row(line.rstrip(b"\r\n"), f"{mark}-{number}"))
        except ValueError:  # a RowError, or what the schema refuses
            yield None


def _opened(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP_MAGIC
    return cast("IO[bytes]", gzip.open(path)) if packed else path.open("rb")
