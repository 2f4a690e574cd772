"""Private files, and detection of files that are replaced while a process runs."""

import os
from pathlib import Path
from typing import IO


def new_file(path: Path) -> IO[bytes]:
    """Open a new file for writing bytes, which only its owner may read and write. Raises FileExistsError if it
    exists.
    """
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


State = tuple[int, int, int]  # inode, size in bytes, modification time in ns


class Changes:
    """Detects that one of several files was replaced or changed, by its inode, size and modification time."""

    def __init__(self, *files: Path) -> None:
        self._files = files
        self._seen = self._look()

    def any(self) -> bool:
        """Return whether a file was changed, replaced, created or deleted since the last call, or since this object
        was made.
        """
        before, self._seen = self._seen, self._look()
        return self._seen != before

    def _look(self) -> list[State | None]:
        return [_state(file) for file in self._files]


def _state(file: Path) -> State | None:
    try:
        found = file.stat()
    except OSError:  # being replaced, or deleted
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
