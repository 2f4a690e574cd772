"""The version of the code that decides. Journal entries name it, so that decisions of other code can be told apart."""

from functools import cache
from hashlib import blake2b
from importlib.resources import files
from importlib.resources.abc import Traversable


@cache
def code_version() -> str:
    """Return a hash of the source of `domain/`: the same source decides the same."""
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
