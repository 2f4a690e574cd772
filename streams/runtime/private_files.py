"""Files that hold what only their owner may read."""

import os
from pathlib import Path
from typing import IO


def new_file(path: Path) -> IO[bytes]:
    """Open a new file that only its owner may read, to write it. Raises FileExistsError: it is never over another."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
