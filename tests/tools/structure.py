"""Figures of the code's structure, and limits that they may not pass: `make lint` runs this module.

Counted are folders with more than MOST modules, those of the tests too, and of the product's modules those under SHORT
lines and the public classes and functions whose name more than one of them defines. A limit in LIMITS is what the code
has today: lower it when the figure falls.
"""

import ast
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ("schemas", "domain", "streams", "agents", "simulators", "console")
MOST, SHORT = 20, 30
LIMITS = {"folders_too_large": 0, "short_modules": 31, "names_defined_twice": 217}


def main() -> int:
    """Print the figures; 1 when one is over its limit."""
    modules = [path for part in PRODUCT for path in _modules(part)]
    found = {
        "folders_too_large": list(_large([*modules, *_modules("tests")])),
        "short_modules": [_named(path) for path in modules if path.stem != "__init__" and _lines(path) < SHORT],
        "names_defined_twice": list(_twice(modules)),
    }
    print(f"modules {sum(path.stem != '__init__' for path in modules)}, lines {sum(map(_lines, modules))}")
    over = {name for name, those in found.items() if len(those) > LIMITS[name]}
    for name, those in found.items():
        print(f"{name} {len(those)} (limit {LIMITS[name]})")
        if name in over:
            print(*(f"  {each}" for each in those), sep="\n")
    return 1 if over else 0


def _modules(part: str) -> list[Path]:
    """Return the modules in a folder, without those of installed environments (.venv)."""
    return [path for path in sorted((ROOT / part).rglob("*.py")) if ".venv" not in path.parts]


def _large(modules: list[Path]) -> Iterator[str]:
    folders = Counter(path.parent for path in modules if path.stem != "__init__")
    yield from (f"{_named(folder)}: {number}" for folder, number in folders.items() if number > MOST)


def _twice(modules: list[Path]) -> Iterator[str]:
    places: defaultdict[str, set[Path]] = defaultdict(set)
    for path in modules:
        for name in _public(path):
            places[name].add(path)
    for name, those in sorted(places.items()):
        if len(those) > 1:
            yield f"{name}: {', '.join(sorted(map(_named, those)))}"


def _public(path: Path) -> Iterator[str]:
    """Names of classes and functions. Decorated functions are left out: commands and pages are not imported by name."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
            continue
        if isinstance(node, ast.ClassDef) or not node.decorator_list:
            yield node.name


def _lines(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def _named(path: Path) -> str:
    return str(path.relative_to(ROOT))


if __name__ == "__main__":
    sys.exit(main())
