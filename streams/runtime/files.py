"""Files that only their owner may read, and files that are exchanged while a process runs."""

import os
from pathlib import Path
from typing import IO


def new_file(path: Path) -> IO[bytes]:
    """Open a new file that only its owner may read, to write it. Raises FileExistsError: it is never over another."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


State = tuple[int, int, int]


class Changes:
    """Tells when one of several files is another than before, by its inode, size and time."""

    def __init__(self, *files: Path) -> None:
        self._files = files
        self._seen = self._look()

    def any(self) -> bool:
        """Whether one of them has changed since this was last asked."""
        before, self._seen = self._seen, self._look()
        return self._seen != before

    def _look(self) -> list[State | None]:
        return [_state(file) for file in self._files]


def _state(file: Path) -> State | None:
    try:
        found = file.stat()
    except OSError:  # being exchanged, or gone
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
