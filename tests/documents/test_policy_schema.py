"""The policy file's schema: what it refuses the province's own reader refuses too, and the policy in force passes."""

import tomllib
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from jsonschema import Draft202012Validator

from console.reference.json_schema import policy_schema
from domain.policy import PolicyError, load

TEXT = (Path(__file__).parents[2] / "deploy/policy/jilin.toml").read_text("utf-8")
CHECK = Draft202012Validator(policy_schema())
WRONG: list[tuple[tuple[str, ...], object]] = [
    (("risk", "keep"), 60),
    (("risk", "keep"), "60 days"),
    (("risk", "prior"), 3.0),
    (("risk", "verdicts", "least"), 0),
    (("risk", "verdicts", "vendors"), {"numbers-x": 1.5}),
    (("risk", "verdicts", "vendors"), {f"numbers-{n}": 0.5 for n in range(9)}),
    (("plan", "quiet"), "22:00"),
    (("plan", "utc"), "8"),
    (("plan", "busy_in_a_row"), 0),
    (("plan", "ask_after"), 7),
    (("plan", "remind_after"), 14),
    (("plan", "misspelt"), 1),
    (("plan", "levels", "red", "steps", "flash", "action"), "telegram"),
    (("messages", "segments", "sms"), 99),
    (("breaker", "sudden"), 0.5),
    (("trace", "hops"), 0),
    (("plan", "stop", "later", "usual", "hops"), 0),
    (("plan", "stop", "later", "most", "hours"), 49),
    (("shield", "threshold_factor"), 0),
    (("shield", "lasts"), 90),
    (("shield", "kinds"), ["call_from_the_moon"]),
    (("handover",), {"provinces": [], "deadline": dict.fromkeys(("red", "orange", "yellow", "blue"), "5m")}),
    (("handover",), {"provinces": ["liaoning"], "deadline": {"red": 60}}),
    (("risk", "shield"), {"lasts": "90d", "threshold_factor": 0.5}),
]


def _with(path: tuple[str, ...], value: object) -> dict[str, Any]:
    found = deepcopy(tomllib.loads(TEXT))
    where = found
    for part in path[:-1]:
        where = where.setdefault(part, {})
    where[path[-1]] = value
    return found


def test_the_policy_of_jilin_fits_the_schema() -> None:
    assert [error.json_path for error in CHECK.iter_errors(tomllib.loads(TEXT))] == []


@pytest.mark.parametrize(("path", "value"), WRONG, ids=lambda each: ".".join(each) if isinstance(each, tuple) else None)
def test_what_the_schema_refuses_is_refused_when_it_is_loaded(path: tuple[str, ...], value: object) -> None:
    wrong = _with(path, value)
    assert not CHECK.is_valid(wrong)
    with pytest.raises(PolicyError):
        load(tomlkit.dumps(wrong))


def test_defaults_are_told_as_a_policy_writes_them() -> None:
    step = policy_schema()["$defs"]["StepRule"]["properties"]
    assert (step["again"]["default"], step["after"]["default"], step["arrive_within"]["default"]) == ("5m", "0s", "1h")
