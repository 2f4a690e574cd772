"""Private files, and detection of files that are replaced while a process runs."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import IO


def new_file(path: Path) -> IO[bytes]:
    """Create a file that only its owner may read and write, and return it opened for writing bytes.

    Raises FileExistsError if it exists, and OSError if it cannot be created.
    """
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Context manager: yield a new file for writing bytes that only its owner may read and write. It gets its name when
    the block ends; if the block raises an exception, it is deleted.

    Until then it is beside `path`, under a hidden name. Raises FileExistsError, before the block or after it, if `path`
    exists, and OSError if it cannot be created.
    """
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    made = path.with_name(f".{path.name}.{token_hex(4)}")
    try:
        with new_file(made) as file:
            yield file
        new_file(path).close()  # claims the name, so that nothing is overwritten
        made.replace(path)
    finally:
        made.unlink(missing_ok=True)


def replace_secret(file: Path, text: str) -> None:
    """Write a secret's file, or replace it in one step by `text`, and return when it is on the disk.

    A new file is readable by its owner alone. A file that exists keeps its group and mode, by which containers may read
    it. Raises OSError if it cannot be written.
    """
    made = file.with_name(f".{file.name}.{os.getpid()}")
    made.touch(mode=0o600)
    with made.open("w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    if file.exists():
        known = file.stat()
        os.chown(made, -1, known.st_gid)
        made.chmod(known.st_mode & 0o777)
    made.replace(file)


State = tuple[int, int, int]  # inode, size in bytes, modification time in ns


class Changes:
    """Detects that one of several files was replaced or changed, by its inode, size and modification time."""

    def __init__(self, *files: Path) -> None:
        self._files = files
        self._seen = self._look()

    def any(self) -> bool:
        """Return True if one of the files was changed, replaced, created or deleted since the last call (or since
        this object was made).
        """
        before, self._seen = self._seen, self._look()
        return self._seen != before

    def _look(self) -> list[State | None]:
        return [file_state(file) for file in self._files]


def file_state(file: Path) -> State | None:
    """Return the data of a file that change when it is changed or replaced: its inode, its size in bytes, and when it
    was last written (ns since 1970). None if there is no such file now, or it cannot be accessed.
    """
    try:
        found = file.stat()
    except OSError:  # being replaced, or deleted
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
