"""Writes the reports of the laboratory's commands."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from console.commands.common import out


def write(report: Path | None, found: Mapping[str, Any]) -> None:
    """Write `found` as JSON to the file `report`, and print the path. Does nothing if `report` is None. Raises OSError
    if the file cannot be written, and TypeError if `found` is not JSON.
    """
    if report is not None:
        report.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        out.print(f"report: {report}", markup=False, highlight=False, soft_wrap=True)
