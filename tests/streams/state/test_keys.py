"""The names of Redis's keys are in one module: nobody writes one anew, or asks Redis by a text of their own."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from streams.state import keys
from streams.state.keys import NAMES, SETTLING, STATE, key, lane_key

ROOT = Path(__file__).parents[3]
PRODUCT = ("streams", "agents", "console", "simulators")
HOME = ROOT / "streams/state/keys.py"
CLIENT = re.compile(r"(redis|pipe|client)$")
COMMAND = re.compile(r"(h|z|s)?(set|get|del|exists|add|rem|range|vals|keys|incr|mget|score|card|members)\w*")


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for part in PRODUCT:
        for file in sorted((ROOT / part).rglob("*.py")):
            yield file, ast.parse(file.read_text("utf-8"))


def text_of(node: ast.expr) -> str | None:
    """Return the text that an expression begins with, or None."""
    first = node.values[0] if isinstance(node, ast.JoinedStr) and node.values else node
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def asked(tree: ast.Module) -> Iterator[str]:
    """Yield each key that Redis is asked for by a text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            to = ast.unparse(node.func.value)
            if CLIENT.search(to) and COMMAND.fullmatch(node.func.attr) and (text := text_of(node.args[0])):
                yield text


def known() -> dict[str, str]:
    """Return the names that no other text can be: those with a colon or a brace in them."""
    found = {name: value for name, value in vars(keys).items() if name.isupper() and isinstance(value, str)}
    return {name: value for name, value in found.items() if ":" in value or "{" in value}


def test_redis_is_asked_for_no_key_by_a_text() -> None:
    assert {str(file.relative_to(ROOT)): found for file, tree in modules() if (found := [*asked(tree)])} == {}


def test_the_name_of_a_key_is_written_in_one_module() -> None:
    names = tuple(known().values())
    assert len(names) > 20
    found = {
        f"{file.relative_to(ROOT)}: {node.value}"
        for file, tree in modules()
        if file != HOME
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(names)
    }
    assert found == set()


def test_the_scripts_numbers_fit_the_names() -> None:
    assert (NAMES[STATE], NAMES[SETTLING]) == ("state", "settling")
    assert key("state", 17) == "state:{17}"
    assert lane_key("screened", "-urgent", 3) == "screened-urgent:{3}"
