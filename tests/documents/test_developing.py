"""The worked examples of docs/developing.md follow the code: files, names, commands, and no file is left out."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs.hooks import section

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/developing.md").read_text("utf-8")
EXAMPLES = ("add-a-signal-kind", "add-a-channel", "add-a-metric", "add-a-page", "add-a-policy-key", "add-a-code")
PRODUCT = ("agents", "console", "deploy", "domain", "schemas", "simulators", "streams", ":!*.json", ":!*.po")
ROW = re.compile(r"^\| `(?P<path>[\w./-]+)` \| `(?P<name>[^`]+)` \|", re.MULTILINE)
TRACE = re.compile(r"^git grep -lE '(?P<pattern>.+)'$", re.MULTILINE)
PATH = re.compile(r"`((?:agents|console|deploy|docs|domain|schemas|simulators|streams|tests)/[\w./-]*)`")
MODULE = re.compile(r"python -m ([\w.]+)")
TARGET = re.compile(r"`make ([\w-]+)")
SNIPPETS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def _example(anchor: str) -> str:
    text = section(PAGE, anchor)
    assert text, f"docs/developing.md has no section #{anchor}"
    return text


@pytest.mark.parametrize("anchor", EXAMPLES)
def test_each_file_of_an_example_has_the_name_that_the_example_gives(anchor: str) -> None:
    rows = ROW.findall(_example(anchor))
    assert len(rows) >= 4
    missing = [f"{path}: {name}" for path, name in rows if name not in (ROOT / path).read_text("utf-8")]
    assert missing == []


@pytest.mark.parametrize("anchor", EXAMPLES)
def test_an_example_leaves_no_file_out_that_knows_its_subject(anchor: str) -> None:
    text = _example(anchor)
    (pattern,) = TRACE.findall(text)
    command = ["git", "grep", "-lE", pattern, "--", *PRODUCT]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert sorted(set(found) - {path for path, _ in ROW.findall(text)}) == []


def test_every_path_of_the_page_exists() -> None:
    assert sorted({path for path in PATH.findall(PAGE) if not (ROOT / path).exists()}) == []


def test_every_module_and_make_target_of_the_page_exists() -> None:
    files = [ROOT / module.replace(".", "/") for module in MODULE.findall(PAGE)]
    assert [str(file) for file in files if not (file.with_suffix(".py").exists() or file.is_dir())] == []
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert [target for target in TARGET.findall(PAGE) if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda text: text.splitlines()[-1])
def test_a_stage_runs_alone_as_the_page_shows(snippet: str) -> None:
    ran = subprocess.run([sys.executable, "-c", snippet], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    (expected,) = re.findall(r"\)  # (.+)$", snippet, re.MULTILINE)
    assert ran.stdout.strip() == expected
