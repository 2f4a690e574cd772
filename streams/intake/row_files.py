"""Files of rows: opens and unpacks them, and reads their lines in bounded memory."""

import gzip
import hashlib
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import IO, cast

from domain.feeds.file_mapping import FileMapping, Workbook
from schemas.errors import UserError
from streams.intake.formats import Format
from streams.intake.formats.workbook import MOST_ROWS, write_lines

LONGEST_LINE = 2**20  # bytes
LONGEST_FILE = 2**24  # of a file that is read as a whole
CR_ENDS = "the lines end in CR: write LF or CRLF"
_BLOCK = 2**20
_GZIP_MAGIC = b"\x1f\x8b"

Line = tuple[int, bytes]  # its number, from 1, and its content without the line end


class FileRefusedError(UserError, ValueError):
    """A file of which nothing was accepted. The text gives the reason and the correction."""


def open_rows_file(path: Path, mapping: FileMapping | None, most: int = MOST_ROWS) -> IO[bytes]:
    """Return the file, open for reading and decompressed. gzip is recognized by the first bytes, not by the name.

    Of a workbook, the first `most` rows are written as lines to a temporary file without a name, which is returned. The
    caller closes the result. Raises FileRefusedError or WorkbookError if the file cannot be read; a broken gzip is
    found only when the result is read (OSError, EOFError or zlib.error).
    """
    if mapping is not None and isinstance(mapping.file, Workbook):
        with ExitStack() as closing:
            lines = closing.enter_context(tempfile.TemporaryFile())
            write_lines(path, mapping.file.sheet, lines, most)
            lines.seek(0)
            closing.pop_all()
            return lines
    try:
        with path.open("rb") as file:
            packed = file.read(2) == _GZIP_MAGIC
        return cast("IO[bytes]", gzip.open(path)) if packed else path.open("rb")
    except OSError as error:
        raise _cannot_read(path, error) from None


def _cannot_read(path: Path, error: Exception) -> FileRefusedError:
    return FileRefusedError(f"{path}: {_trouble(error)}. Nothing of it was taken in.")


def _trouble(error: Exception) -> str:
    if isinstance(error, EOFError):
        return "the gzip is cut off; fetch the file again"
    if isinstance(error, zlib.error | gzip.BadGzipFile):
        return "the gzip is broken; fetch the file again"
    return f"cannot be read ({getattr(error, 'strerror', None) or error})"


def look_through(file: IO[bytes], path: Path) -> tuple[str, int]:
    """Return the SHA-256 (hex) of the decompressed content and the number of lines, and rewind the file.

    Raises FileRefusedError if the file cannot be read, or is empty.
    """
    digest, lines, last = hashlib.sha256(), 0, None
    try:
        while block := file.read(_BLOCK):
            digest.update(block)
            lines += block.count(b"\n")
            last = block[-1:]
        file.seek(0)
    except (OSError, EOFError, zlib.error) as error:
        raise _cannot_read(path, error) from None
    if last is None:
        raise FileRefusedError(f"{path}: the file is empty")
    return digest.hexdigest(), lines + (last != b"\n")


def whole(file: IO[bytes], path: Path) -> bytes:
    """Return the rest of a file, which must be read at once. `path`: the file's name, for the error's text. Raises
    FileRefusedError if it has over 16 MiB, or cannot be read, say because its gzip is broken.
    """
    try:
        content = file.read(LONGEST_FILE + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise _cannot_read(path, error) from None
    if len(content) > LONGEST_FILE:
        raise FileRefusedError(f"{path}: over {LONGEST_FILE // 2**20} MiB; split it. Nothing of it was taken in.")
    return content


def lines_of(file: IO[bytes], done: int) -> Iterator[Line]:
    """Yield (number, line) from the file's current position on; the first number is `done` + 1. Line ends are removed.
    Of a line of over 1 MiB, the first MiB and a byte are kept, so that its reader refuses it. Raises OSError, EOFError
    or zlib.error if the file cannot be read, say because its gzip is broken.
    """
    while text := file.readline(LONGEST_LINE + 1):
        done += 1
        rest = text
        while len(rest) > LONGEST_LINE and not rest.endswith(b"\n"):  # too long: skip the rest of the line
            rest = file.readline(LONGEST_LINE + 1)
        yield done, text.rstrip(b"\r\n")


def read_header(file: IO[bytes], form: Format) -> tuple[int, bytes]:
    """Read the lines before the first row from the file. Return the number of lines before the header, and the header
    (b"" if the format or file has none). Raises OSError, EOFError or zlib.error if the file cannot be read, say because
    its gzip is broken.
    """
    first = list(islice(lines_of(file, 0), form.skip + form.header))
    header = first[-1][1] if form.header and len(first) > form.skip else b""
    return min(len(first), form.skip), header
