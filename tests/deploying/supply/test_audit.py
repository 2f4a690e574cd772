"""The check for known vulnerabilities never takes silence for a good answer. A script with the answers of pip-audit
2.10.1 stands in for it: it is no part of the lock.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.supply.lock import ROOT

GOOD = {"name": "redis", "version": "8.1.0", "vulns": []}
BAD = {"name": "idna", "version": "3.6", "vulns": [{"id": "PYSEC-2024-60", "fix_versions": ["3.7"], "aliases": []}]}
SKIPPED = {"name": "own", "skip_reason": "Dependency not found"}


def audited(tmp_path: Path, script: str | None) -> subprocess.CompletedProcess[str]:
    if script:
        tool = tmp_path / "pip-audit"
        tool.write_text(f"#!/bin/sh\n{script}\n")
        tool.chmod(0o700)
    environment = {**os.environ, "PATH": str(tmp_path)}
    command = [sys.executable, "-m", "deploy.supply.audit"]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)


def answer(*packages: object, code: int = 0) -> str:
    return f"echo '{json.dumps({'dependencies': packages, 'fixes': []})}'; exit {code}"


def test_without_the_tool_it_says_that_nothing_was_checked(tmp_path: Path) -> None:
    told = audited(tmp_path, None)
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.startswith("NOT CHECKED for known vulnerabilities: pip-audit is not installed.")


@pytest.mark.parametrize("code", [0, 1])
def test_without_a_network_it_says_that_nothing_was_checked(tmp_path: Path, code: int) -> None:
    told = audited(
        tmp_path, f"echo 'ERROR:pip_audit._cli:Could not connect to the vulnerability feed' >&2; exit {code}"
    )
    assert (told.returncode, told.stdout) == (2, "")
    assert "needs a network: ERROR:pip_audit._cli:Could not connect" in told.stderr


def test_a_package_that_was_skipped_was_not_checked(tmp_path: Path) -> None:
    told = audited(tmp_path, answer(GOOD, SKIPPED))
    assert (told.returncode, told.stdout) == (2, "")
    assert "skipped own" in told.stderr


def test_a_known_vulnerability_is_named_with_the_version_that_fixes_it(tmp_path: Path) -> None:
    told = audited(tmp_path, answer(GOOD, BAD, code=1))
    assert (told.returncode, told.stdout) == (1, "idna 3.6: PYSEC-2024-60, fixed in 3.7\n")


def test_an_answer_without_one_is_good(tmp_path: Path) -> None:
    told = audited(tmp_path, answer(GOOD))
    assert (told.returncode, told.stdout) == (0, "1 packages: no known vulnerability\n")
