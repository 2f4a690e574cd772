"""agents/ reads as the flow chart: each stage's steps stand in their order, in one function."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

from agents.casework import Casework
from agents.screening import Screening


def calls(flow: Callable[..., Any]) -> list[str]:
    """Return the names of the methods that a flow calls on its own parts, in the order of the text."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(flow)))
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    found.sort(key=lambda node: (node.lineno, node.col_offset))
    return [node.func.attr for node in found if ast.unparse(node.func).startswith("self.")]  # type: ignore[attr-defined]


def test_casework_reads_as_the_flow_chart() -> None:
    assert calls(Casework.process) == [
        "decode",
        "load",
        "restore",
        "lacks_inputs",
        "catch_up",
        "publish_outbox",
        "check_log_end",
        "decide",
        "commit",
        "committed",
        "publish",
    ]


def test_screening_reads_as_the_flow_chart() -> None:
    assert calls(Screening.process) == [
        "now",
        "decode",
        "deduplicate",
        "match",
        "load_evidence",
        "evidence_records",
        "fork",
        "publish_watchlist",
        "publish_dead_letters",
        "publish_alerts",
        "record_fan_outs",
        "count",
        "measure",
        "record",
    ]
