"""Reads a lock that `make lock` wrote."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
WHOLE = ROOT / "requirements.lock"
IMAGE = ROOT / "deploy" / "requirements.lock"
_PACKAGE = re.compile(
    r"^(?P<name>[\w.-]+)==(?P<version>[\w.+!-]+)(?: ; (?P<marker>[^\\]+?))? \\\n(?P<rest>(?: +.*\n?)+)", re.M
)


@dataclass(frozen=True, slots=True)
class Locked:
    """A package of the lock.

    `marker`: the Python versions and systems that it is for (a PEP 508 marker), or "". `hashes`: SHA-256 of each file
    that may be installed. `via`: the names of the packages that need it, "quanzu" for the project.
    """

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    via: frozenset[str]


def read(path: Path) -> list[Locked]:
    """Return a lock's packages. A name may occur twice, with versions for different versions of Python.

    Raises ValueError if a package has no hash, for then it could be any file, and OSError if the file cannot be read.
    """
    return list(_packages(path.read_text("utf-8")))


def _packages(text: str) -> Iterator[Locked]:
    for found in _PACKAGE.finditer(text):
        hashes = tuple(re.findall(r"--hash=sha256:([0-9a-f]{64})", found["rest"]))
        if not hashes:
            raise ValueError(f"{found['name']} has no hash")
        via = re.findall(r"^ +#(?: via)? +([\w.-]+)", found["rest"], re.M)
        yield Locked(found["name"], found["version"], found["marker"] or "", hashes, frozenset(via) - {"via"})
