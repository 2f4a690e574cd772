"""The version of the deciding code.

Journal entries contain it, so that decisions of another version can be recognized.
"""

from functools import cache
from hashlib import blake2b
from importlib.resources import files
from importlib.resources.abc import Traversable


@cache
def code_version() -> str:
    """Return a hash of the source files of `domain/`, as 12 hexadecimal digits: the same source makes the same
    decisions. Cached for the life of the process.
    """
    digest = blake2b(digest_size=6)
    for name, text in sorted(_sources(files("domain"), "")):
        digest.update(name.encode() + b"\0" + text + b"\0")
    return digest.hexdigest()


def _sources(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for item in folder.iterdir():
        name = f"{prefix}/{item.name}"
        if item.is_dir():
            found += _sources(item, name)
        elif name.endswith(".py"):
            found.append((name, item.read_bytes()))
    return found
