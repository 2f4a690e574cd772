"""agents/ reads as the flow chart: each stage's steps stand in their order, and all that it needs is given it."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from agents import dispatch
from agents.casework import Casework
from agents.failover import Failover
from agents.screening import Screening


def calls(flow: Callable[..., Any], of: str = "self") -> list[str]:
    """Return the names of the methods that a flow calls on its parts, in the order of the text."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(flow)))
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    found.sort(key=lambda node: (node.lineno, node.col_offset))
    return [node.func.attr for node in found if ast.unparse(node.func).startswith(f"{of}.")]  # type: ignore[attr-defined]


ROOT = Path(__file__).parents[2]
WIRED = (*sorted((ROOT / "agents").glob("*.py")), ROOT / "streams/installation.py")
LIBRARIES = {"ending.daemon"}  # a thread of Python's own


def assigned(path: Path) -> Iterator[str]:
    """Yield the attributes that a module assigns on anything but the object that is being made."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        targets = node.targets if isinstance(node, ast.Assign) else []
        for target in targets:
            for each in target.elts if isinstance(target, ast.Tuple) else [target]:
                if isinstance(each, ast.Attribute) and ast.unparse(each.value) != "self":
                    yield ast.unparse(each)


def test_nothing_is_assigned_on_an_object_after_it_was_made() -> None:
    assert {name for path in WIRED for name in assigned(path)} <= LIBRARIES


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
        "is_current",
        "commit",
        "committed",
        "publish",
    ]


def test_screening_reads_as_the_flow_chart() -> None:
    assert calls(Screening.process) == [
        "leads",
        "now",
        "decode",
        "deduplicate",
        "match",
        "load_evidence",
        "evidence_records",
        "fork",
        "newer",
        "require_own_batch",
        "publish_watchlist",
        "publish_dead_letters",
        "publish_alerts",
        "require_own_batch",
        "publish_evidence",
        "publish_newer",
        "record_fan_outs",
        "leads",
        "count",
        "publish_newer_later",
        "measure",
        "record",
    ]


def test_dispatch_reads_as_the_flow_chart() -> None:
    assert calls(dispatch.process, "delivery") == ["claim", "obsolete", "prepare", "send", "record", "report"]


def test_failover_does_the_stages_work_in_their_order() -> None:
    assert calls(Failover.process) == ["cover", "fire", "cover", "cover", "carry_beside", "dispatches"]
