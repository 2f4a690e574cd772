"""Asks whether a package of the image is known to be vulnerable: `python -m deploy.supply.audit`, or `make audit`.

pip-audit asks the advisory database of the Python packages, so this needs it (it is not in the lock) and a network. It
exits with 0 if no vulnerability is known, with 1 if one is, and with 2 if it got no answer.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from deploy.supply.lock import IMAGE

SECONDS = 600


def main() -> int:
    """Ask pip-audit whether a package of the image is known to be vulnerable, and print the result. Return 0 if no
    vulnerability is known, 1 if one is, and 2 if there was no answer: pip-audit is not installed, took over SECONDS
    (600), could not ask its database, or skipped a package.
    """
    tool = shutil.which("pip-audit")
    if tool is None:
        return _unanswered("pip-audit is not installed. Install it beside the project: uv tool install pip-audit")
    options = ["--format", "json", "--progress-spinner", "off", "--disable-pip", "--require-hashes", "--requirement"]
    command = [tool, *options, str(IMAGE)]
    try:
        told = subprocess.run(command, check=False, capture_output=True, text=True, timeout=SECONDS)  # noqa: S603 - no shell, no input of others
    except subprocess.TimeoutExpired:
        return _unanswered(f"pip-audit did not end within {SECONDS} s")
    try:
        report = json.loads(told.stdout)
    except ValueError:
        last = told.stderr.strip().rpartition("\n")[2]
        return _unanswered(f"pip-audit could not ask its database, which needs a network: {last}")
    return _answered(report)


def _answered(report: Mapping[str, Any]) -> int:
    if skipped := [each["name"] for each in report["dependencies"] if "skip_reason" in each]:
        return _unanswered(f"pip-audit skipped {', '.join(skipped)}")
    found = list(_known(report))
    lines = found or [f"{len(report['dependencies'])} packages: no known vulnerability"]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if found else 0


def _known(report: Mapping[str, Any]) -> Iterator[str]:
    for package in report["dependencies"]:
        for each in package["vulns"]:
            fixed = ", ".join(each["fix_versions"]) or "no version"
            yield f"{package['name']} {package['version']}: {each['id']}, fixed in {fixed}"


def _unanswered(why: str) -> int:
    sys.stderr.write(f"NOT CHECKED for known vulnerabilities: {why}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
