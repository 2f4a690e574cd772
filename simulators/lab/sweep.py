"""Varies one value of a policy, or the number of operators or officers, and measures the effect."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import tomlkit
from tomlkit.container import Container
from tomlkit.items import Item

from domain.policy.units import duration
from schemas.errors import UserError
from simulators.lab.compare import AVOIDED, BySeed, Contender, values
from simulators.lab.intervals import Interval, interval, paired
from simulators.lab.setup import Setup

PEOPLE = ("operators", "officers")
_DURATION = re.compile(r"[0-9]{1,6}[smhd]")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Point:
    """The result for one value: `value` as written in the policy, and means over the seeds with 95 % intervals of the
    loss avoided (fen), the number of contacts, and the hours of operators and officers.

    `more`: the loss avoided (fen) beyond that of the previous point; None for the first. `front`: True if the point is
    on the Pareto front: no other point avoids as much with as few contacts and hours.
    """

    value: str
    loss_avoided_fen: Interval
    contacts: Interval
    operator_hours: Interval
    officer_hours: Interval
    more: Interval | None
    front: bool = False


def steps(parameter: str, since: str, until: str, count: int, policy: str) -> list[str]:
    """Return `count` evenly spaced values from `since` to `until`, both included, in this order and as texts in the
    policy's notation. Equal texts occur once, so the list may be shorter.

    `parameter`: "operators", "officers", or a dotted path in the policy (TOML text). Durations are rounded to seconds
    ("90s"); if the policy's value is an integer, so are all values. Raises tomlkit's ParseError if the policy is not
    TOML, and UserError if `count` is below 2, the policy does not have the parameter, or the parameter's value, `since`
    or `until` is not a number or duration as needed.
    """
    if count < 2:
        raise UserError("a sweep has two steps or more")
    usual = "0" if parameter in PEOPLE else str(_value(tomlkit.parse(policy), parameter))
    if _DURATION.fullmatch(usual):
        first, last = _seconds(since), _seconds(until)
        return list(dict.fromkeys(f"{round(value)}s" for value in _between(first, last, count)))
    if not _NUMBER.fullmatch(usual):
        raise UserError(f"{parameter} is {usual}: what is swept is a number or a duration")
    first, last = _number(since), _number(until)
    whole = parameter in PEOPLE or re.fullmatch(r"-?[0-9]+", usual)
    found = [str(round(value)) if whole else f"{value:.6g}" for value in _between(first, last, count)]
    return list(dict.fromkeys(found))


def among(parameter: str, found: Sequence[str], policy: str, setup: Setup) -> list[Contender]:
    """Return a contender for each text in `found`, named after it: with that number of operators or officers, or with
    that value of the policy's `parameter`.

    Raises tomlkit's ParseError if the policy is not TOML, UserError if the policy does not have the parameter or its
    value is neither a number nor a text, and ValueError if a value should be a number and is not. The changed policies
    are not validated.
    """
    if parameter in PEOPLE:
        return [Contender(value, policy, setup=_staffed(setup, parameter, int(value))) for value in found]
    return [Contender(value, changed(policy, parameter, value)) for value in found]


def _staffed(setup: Setup, parameter: str, count: int) -> Setup:
    return replace(setup, operators=count) if parameter == "operators" else replace(setup, officers=count)


def changed(policy: str, parameter: str, value: str) -> str:
    """Return the policy's text (TOML) with the value at the dotted path `parameter` replaced by `value`; comments stay.
    The result is not validated.

    Raises tomlkit's ParseError if the policy is not TOML, UserError if the policy does not have the parameter, or its
    value is neither a number nor a text, and ValueError if `value` should be a number and is not.
    """
    document = tomlkit.parse(policy)
    before = _value(document, parameter)
    table, key = _table(document, parameter)
    table[key] = value if isinstance(before, str) else type(before)(float(value))
    return tomlkit.dumps(document)


def report(parameter: str, curve: Sequence[Point], setup: Setup, seeds: Sequence[int]) -> dict[str, Any]:
    """Return the report of a sweep, ready for JSON: the parameter, the setup, the seeds, and the points with means and
    intervals in the units of Point.
    """
    told = [asdict(point) for point in curve]
    return {"parameter": parameter, "setup": setup.as_dict(), "seeds": list(seeds), "points": told}


def points(found: BySeed, names: Sequence[str]) -> list[Point]:
    """Return a point for each value (`names`), in their order. `found`: the figures by seed, then by value. Raises
    KeyError if a value has no figures, and ValueError if `found` is empty.
    """
    made = [_point(found, name, before) for name, before in zip(names, [None, *names], strict=False)]
    return [replace(point, front=_on_front(point, made)) for point in made]


def _point(found: BySeed, name: str, before: str | None) -> Point:
    def of(measure: str) -> Interval:
        return interval(values(found, name, measure))

    more = paired(values(found, name, AVOIDED), values(found, before, AVOIDED)) if before is not None else None
    return Point(name, of(AVOIDED), of("contacts"), of("operator_hours"), of("officer_hours"), more)


def _on_front(point: Point, others: Sequence[Point]) -> bool:
    return not any(_better(other, point) for other in others)


def _better(one: Point, other: Point) -> bool:
    """Return True if `one` is at least as good as `other` in every measure, and better in at least one."""
    mine, theirs = _costs(one), _costs(other)
    return all(a <= b for a, b in zip(mine, theirs, strict=True)) and mine != theirs


def _costs(point: Point) -> tuple[float, float, float]:
    """Return three measures of a point of which less is better: minus the loss avoided (fen), contacts, and hours."""
    hours = point.operator_hours.mean + point.officer_hours.mean
    return -point.loss_avoided_fen.mean, point.contacts.mean, hours


def _between(first: float, last: float, count: int) -> list[float]:
    return [first + (last - first) * number / (count - 1) for number in range(count)]


def _seconds(text: str) -> float:
    try:
        return duration(text).total_seconds()
    except ValueError:
        raise UserError(f"{text!r} is no duration: write 30s, 5m, 2h or 1d") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UserError(f"{text!r} is no number") from None


def _value(document: Mapping[str, Any], parameter: str) -> Any:  # noqa: ANN401 - whatever stands in the file
    table, key = _table(document, parameter)
    found = table[key]
    plain = found.unwrap() if isinstance(found, Item | Container) else found
    if isinstance(plain, bool) or not isinstance(plain, int | float | str):
        raise UserError(f"{parameter} is not a number or a duration: name one value, such as risk.levels.orange")
    return plain


def _table(document: Mapping[str, Any], parameter: str) -> tuple[Any, str]:
    """Return the table that a dotted path leads to, and the last key of the path. Raises UserError if the policy lacks
    it.
    """
    *path, key = parameter.split(".")
    table: Any = document
    for name in path:
        table = table[name] if isinstance(table, Mapping) and name in table else {}
    if key not in table:
        raise UserError(f"the policy has no {parameter}: write it as in the file, such as risk.levels.orange")
    return table, key
