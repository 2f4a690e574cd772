"""Whether each locked package has a licence that licences.toml allows: `python -m deploy.supply.licences`.

A licence is what the package's metadata say, as an SPDX expression. Where they say it unclearly, licences.toml says
what was read in the package's licence file.
"""

import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

from license_expression import ExpressionError, get_spdx_licensing

from deploy.supply.lock import WHOLE, read

TABLE = Path(__file__).parent / "licences.toml"
SPDX: Any = get_spdx_licensing()


@dataclass(frozen=True, slots=True)
class Copyleft:
    """A copyleft licence that one package may have, and why that binds nobody here."""

    licence: str
    reason: str


@dataclass(frozen=True, slots=True)
class Table:
    """The content of licences.toml. `allowed`: why a licence is allowed, by SPDX identifier; `copyleft`: by package;
    `named`: the SPDX identifier of a name that metadata use; `known`: the licence of a package whose metadata do not
    state it, by package.
    """

    allowed: Mapping[str, str]
    copyleft: Mapping[str, Copyleft]
    named: Mapping[str, str]
    known: Mapping[str, str]


def table(path: Path = TABLE) -> Table:
    """Return the table in the file `path`. Raises OSError if it cannot be read, tomllib.TOMLDecodeError if it is not
    TOML, and KeyError or TypeError if a part is missing or has other fields.
    """
    told = tomllib.loads(path.read_text("utf-8"))
    copyleft = {name: Copyleft(**each) for name, each in told["copyleft"].items()}
    return Table(told["allowed"], copyleft, told["names"], told["read"])


def licence(name: str, rules: Table) -> str | None:
    """Return an installed package's licence as an SPDX expression, or None if neither its metadata nor the table states
    it.
    """
    if name in rules.known:
        return rules.known[name]
    said = (rules.named.get(each, each) for each in _said(name))
    return next(filter(_valid, said), None)


def refused(name: str, found: str | None, rules: Table) -> str | None:
    """Return in English why a package with the licence `found` (None: unknown) may not be used, or None if it may."""
    if found is None:
        return f"{name}: its metadata name no licence. Read its licence file, and write it into [read] of {TABLE.name}"
    if name in rules.copyleft:
        expected = rules.copyleft[name].licence
        return None if found == expected else f"{name}: {found}, but [copyleft] of {TABLE.name} says {expected}"
    if _permitted(SPDX.parse(found, validate=True), rules.allowed):
        return None
    return f"{name}: {found} is not in [allowed] of {TABLE.name}, nor the package in [copyleft]"


def faults(names: set[str], rules: Table) -> list[str]:
    """Return one English line for each package whose licence is unknown or not allowed, sorted by name, then one for
    each entry of the table that concerns none of the packages. Empty if all are in order.
    """
    wrong = [fault for name in sorted(names) if (fault := refused(name, licence(name, rules), rules))]
    idle = sorted((rules.copyleft.keys() | rules.known.keys()) - names)
    return [*wrong, *(f"{name}: is in {TABLE.name}, but not in the lock" for name in idle)]


def _said(name: str) -> Iterator[str]:
    """Return what the metadata call the licence, the clearest first."""
    try:
        told: Any = metadata(name)
    except PackageNotFoundError:
        return
    yield from (told[field] for field in ("License-Expression", "License") if told[field])
    classifiers = told.get_all("Classifier") or ()
    yield from (each.rpartition(" :: ")[2] for each in classifiers if each.startswith("License :: "))


def _valid(expression: str) -> bool:
    try:
        SPDX.parse(expression, validate=True)
    except ExpressionError:
        return False
    return True


def _permitted(expression: Any, allowed: Mapping[str, str]) -> bool:  # noqa: ANN401 - the library has no types
    """Return whether allowed licences satisfy an expression: one side of an OR, both sides of an AND."""
    if isinstance(expression, SPDX.OR):
        return any(_permitted(each, allowed) for each in expression.args)
    if isinstance(expression, SPDX.AND):
        return all(_permitted(each, allowed) for each in expression.args)
    return str(expression) in allowed


def main() -> int:
    """Print the faults of the locked packages' licences. Return 1 if there are any, else 0."""
    names = {each.name for each in read(WHOLE)}
    found = faults(names, table())
    sys.stdout.write("\n".join(found or [f"licences of {len(names)} packages: allowed"]) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
