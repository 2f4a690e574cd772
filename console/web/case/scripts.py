"""Loads the call scripts of deploy/scripts once: one tree of questions for each scam type."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from domain.desk.questions import ScriptError, Tree, grow, load_common, load_script

SCRIPTS = Path(__file__).resolve().parents[3] / "deploy" / "scripts"
COMMON = "common.toml"
GENERAL = "general"


@cache
def trees() -> Mapping[str, Tree]:
    """Return the trees of questions by scam type. Read once per process. Raises ScriptError, which names the file and
    the mistake, if a script is invalid.
    """
    return read(SCRIPTS)


def tree_of(scam: str | None) -> Tree:
    """Return the tree of a scam type; the general tree for None or a type without its own.

    Raises ScriptError if a script is invalid.
    """
    return trees().get(scam or GENERAL) or trees()[GENERAL]


def read(folder: Path) -> dict[str, Tree]:
    """Return the trees of questions by scam type, from the files in a folder.

    Raises ScriptError if a file is invalid or the general script is missing.
    """
    found: dict[str, Tree] = {}
    for file in sorted(folder.glob("*.toml")):
        if file.name != COMMON:
            tree = _tree(file, folder / COMMON)
            found[tree.scam] = tree
    if GENERAL not in found:
        raise ScriptError(f"{folder}: no {GENERAL}.toml, which every other danger needs")
    return found


def _tree(file: Path, common: Path) -> Tree:
    try:
        tree = grow(load_script(file.read_text("utf-8")), load_common(common.read_text("utf-8")))
    except ScriptError as error:
        raise ScriptError(f"{file.name} with {common.name}:\n{error}") from None
    if tree.scam != file.stem:
        raise ScriptError(f"{file.name}: scam = {tree.scam!r} is not the file's name")
    return tree
