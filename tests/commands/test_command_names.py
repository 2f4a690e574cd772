"""The commands' names: the first screen shows them all, and whatever names a command names one that exists."""

import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

import quanzu

ROOT = Path(__file__).parents[2]
COLUMNS, LINES = 100, 28
TEXTS = ("*.md", "*.py", "*.sh", "*.yaml", "*.yml", "*.toml", "*.service", "*.properties", "*.lua", "*.js", "Makefile")
FOLDERS = ("agents", "console", "deploy", "docs", "domain", "schemas", "simulators", "streams", "tests", ".ci")
PROGRAM = (
    r"""(?<![\w./"-])(?<!-n )(?<!from )(?<!auth-user )(?:/opt/quanzu/bin/)?quanzu"""  # and no name of anything else
)
NAMED = re.compile(rf"{PROGRAM}((?: [a-z][a-z-]*)+)|`quanzu((?:\s+[a-z][a-z-]*)+)")  # in backticks over two lines too


def _files() -> Iterator[Path]:
    yield from (ROOT / name for name in ("README.md", "RUNBOOK.md", "Makefile", "quanzu.py"))
    for folder in FOLDERS:
        found = (path for kind in TEXTS for path in (ROOT / folder).rglob(kind))
        yield from (path for path in found if path != Path(__file__))


def _named(text: str) -> Iterator[list[str]]:
    yield from ((found[1] or found[2]).split() for found in NAMED.finditer(text))


@cache
def _commands() -> Any:  # noqa: ANN401 - a click command of typer's
    """All commands: to make them takes 20 ms of a core, and the texts name thousands."""
    return typer.main.get_command(quanzu.app)


def _missing(words: list[str]) -> str | None:
    """The first word that is no command of its group, or None when all are."""
    node: Any = _commands()
    for word in words:
        if not isinstance(node, typer.core.TyperGroup):
            return None  # an argument
        if word not in node.commands:
            return word
        node = node.commands[word]
    return None


def _help(*group: str) -> list[str]:
    environment = {"COLUMNS": str(COLUMNS), "PATH": "/usr/bin:/bin"}
    told = subprocess.run(
        [sys.executable, "-m", "quanzu", *group, "--help"], env=environment, cwd=ROOT, capture_output=True, text=True
    )
    return told.stdout.splitlines()


@pytest.mark.parametrize("group", [(), ("admin",)], ids=["quanzu", "quanzu admin"])
def test_all_commands_of_the_first_level_fit_on_one_screen(group: tuple[str, ...]) -> None:
    shown = _help(*group)
    assert 10 < len(shown) <= LINES
    assert max(map(len, shown)) <= COLUMNS


def test_every_command_that_a_text_names_exists() -> None:
    named = [(path, found) for path in _files() for found in _named(path.read_text("utf-8"))]
    assert len(named) > 200
    assert [f"{path.relative_to(ROOT)}: {' '.join(words)}" for path, words in named if _missing(words)] == []


@pytest.mark.parametrize("text", ["`quanzu rebuild`", "`quanzu topics\ncreate`", "run quanzu admin nothing now"])
def test_a_command_that_does_not_exist_is_found_in_a_text(text: str) -> None:
    assert any(_missing(words) for words in _named(text))


def test_every_command_that_an_image_is_started_with_exists() -> None:
    services = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())["services"].values()
    commands = [each["command"] for each in services if each["image"].startswith("${QUANZU_IMAGE")]
    for path in (ROOT / "deploy/kubernetes").glob("*.yaml"):
        pods = [each["spec"]["template"]["spec"] for each in yaml.safe_load_all(path.read_text()) if _has_pod(each)]
        commands += [container["args"] for pod in pods for container in pod["containers"]]
    assert len(commands) > 8
    assert [words for words in commands if _missing(words)] == []


def _has_pod(document: Any) -> bool:  # noqa: ANN401 - whatever the file has
    return "template" in document.get("spec", {})
