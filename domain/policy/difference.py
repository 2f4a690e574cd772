"""Compares two policies: changed lines, and changed values grouped by the part of the policy that they belong to."""

import difflib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Any

Path = tuple[str, ...]
CONTEXT = 3  # of context around a change
LONGEST_VALUE = 300  # characters of a displayed value
_DURATION = re.compile(r"[0-9]{1,6}[smhd]")


class About(StrEnum):
    """The part of a policy that a change affects.

    THRESHOLD: levels of risk; WEIGHT: other risk rules; AT_RISK: groups; CLOCK: times of the plan; PLAN: the rest of
    the plan; BUDGET: contact limits; DUTY: rosters; BREAKER; MESSAGE: texts to residents; OTHER: any other table.
    """

    THRESHOLD = "threshold"
    WEIGHT = "weight"
    AT_RISK = "at_risk"
    CLOCK = "clock"
    PLAN = "plan"
    BUDGET = "budget"
    DUTY = "duty"
    BREAKER = "breaker"
    MESSAGE = "message"
    OTHER = "other"


_PLACES = {
    **{About.THRESHOLD: 0, About.WEIGHT: 1, About.AT_RISK: 2, About.CLOCK: 3, About.PLAN: 4},
    **{About.BUDGET: 5, About.DUTY: 6, About.BREAKER: 7, About.MESSAGE: 8, About.OTHER: 9},
}
"""The order in which changes are shown."""


@dataclass(frozen=True, slots=True)
class PolicyEdit:
    """A value that differs between two policies, at the TOML path `path`.

    `before`, `after`: the value as in each file, cut to 300 characters; None if that policy lacks it.
    """

    about: About
    path: Path
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the comparison. `mark`: + (added), - (removed), @ (a position in the file) or a blank (context)."""

    mark: str
    text: str


def lines(before: str, after: str) -> list[Line]:
    """Return the lines in which two policy texts differ, in the order of the texts, as in a unified diff with three
    lines of context.

    Empty if the texts are equal.
    """
    found = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=CONTEXT)
    return [Line(line[0], line if line[0] == "@" else line[1:]) for line in islice(found, 2, None)]  # after its head


def changes(before: str, after: str) -> list[PolicyEdit]:
    """Return each value that differs between two policy texts (TOML), in the order of About, then of the texts. A table
    in a list is one value; changed, it is one removed and one added.

    Raises tomllib.TOMLDecodeError if a text is not valid TOML.
    """
    old, new = dict(_flat(tomllib.loads(before))), dict(_flat(tomllib.loads(after)))
    differing = [path for path in {**old, **new} if old.get(path) != new.get(path)]
    found = [
        PolicyEdit(_about(path, old.get(path), new.get(path)), path, _shown(old.get(path)), _shown(new.get(path)))
        for path in differing
    ]
    return sorted(found, key=lambda change: _PLACES[change.about])


def _flat(table: Mapping[str, Any], at: Path = ()) -> Iterator[tuple[Path, object]]:
    """Yield every value with its path. Each table in a list counts as one value, identified by its content: its index
    would change when another is inserted before it.
    """
    for key, value in table.items():
        path = (*at, key)
        if isinstance(value, Mapping):
            yield from _flat(value, path)
        elif isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
            for each in value:
                yield (*path, json.dumps(each, ensure_ascii=False, sort_keys=True, default=str)), each
        else:
            yield path, value


def _about(path: Path, before: object, after: object) -> About:
    top, second = path[0], path[1] if len(path) > 1 else ""
    if top == "risk":
        return {"levels": About.THRESHOLD, "at_risk": About.AT_RISK}.get(second, About.WEIGHT)
    if top == "plan":
        return About.CLOCK if _clock(before) or _clock(after) else About.PLAN
    known = {"fatigue": About.BUDGET, "duty": About.DUTY, "breaker": About.BREAKER, "messages": About.MESSAGE}
    return known.get(top, About.OTHER)


def _clock(value: object) -> bool:
    values = value if isinstance(value, list) else [value]
    return bool(values) and all(isinstance(each, str) and _DURATION.fullmatch(each) for each in values)


def _shown(value: object) -> str | None:
    if value is None:
        return None
    plain = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return plain if len(plain) <= LONGEST_VALUE else plain[:LONGEST_VALUE] + "…"
