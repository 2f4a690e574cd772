"""Formats a backtest's result as a report (JSON) and as tables. Neither has account or telephone numbers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from domain.identity.identifiers import BEIJING
from domain.policy import Policy
from domain.risk.backtest import CaseDifference, Course, Difference
from domain.risk.replay import Tally
from domain.statistics.report import percentiles
from domain.wording.catalogue import CHINESE
from domain.wording.codes import in_language
from schemas.levels import GRAVEST_FIRST
from simulators.backtest.run import Answer

WORDS = in_language(CHINESE)
SHOWN = 20  # differences in the table; the report has all
_LEVELS = GRAVEST_FIRST


def report(answer: Answer) -> dict[str, Any]:
    """Return the result as a dict for JSON: for both policies the numbers of cases by level and place, the number of
    signals and of invalid ones (`refused`), the period compared, the numbers of cases by how they differ (in total and
    by place), the median and maximum number of seconds by which alerts come sooner or later (None if none do), and each
    difference.
    """
    found = answer.comparison
    return {
        "candidate": _policy(answer.policies.candidate, found.candidate),
        "against": _policy(answer.policies.other, found.other),
        "signals": answer.signals,
        "refused": answer.refused,
        "residents": "anybody" if answer.anonymous else "register",
        "from": answer.since.isoformat(),
        "until": answer.until.isoformat(),
        "changes": {**{change.value: found.changes[change] for change in CaseDifference}, "alike": found.alike},
        "sooner_seconds": _spans([each.ahead for each in found.differences]),
        "later_seconds": _spans([each.behind for each in found.differences]),
        "places": _places(found.places),
        "differences": [
            _difference(who, each)
            for who, each in zip(names(found.differences, answer.anonymous), found.differences, strict=True)
        ],
    }


def names(differences: Sequence[Difference], anonymous: bool) -> list[str]:
    """Return a name for each difference's resident, in the order of `differences`: the register's random id, or, if
    `anonymous`, "person 1", "person 2", … Differences of the same resident have the same name.
    """
    if not anonymous:
        return [each.name[0] for each in differences]
    numbers: dict[str, int] = {}
    return [f"person {numbers.setdefault(each.name[0], len(numbers) + 1)}" for each in differences]


def table(answer: Answer) -> RenderableType:
    """Return the result for a terminal: a line on the signals, the cases by level, the changes by place, and the 20
    gravest differences, if any. Times are in Beijing time.
    """
    found = answer.comparison
    span = f"{_time(answer.since)} to {_time(answer.until)}"
    head = f"{answer.signals:,} signals, {answer.refused:,} refused, {span}"
    parts: list[RenderableType] = [Text(head), _counts(answer), _changes(answer)]
    if found.differences:
        parts += [_differences(answer), Text(_rest(len(found.differences)))]
    return Group(*parts)


def _policy(policy: Policy, tally: Tally) -> dict[str, Any]:
    return {
        "policy": policy.name,
        "hash": policy.hash,
        "cases": tally.levels.total(),
        "levels": {level.value: tally.levels[level] for level in _LEVELS},
        "places": {
            place: {level.value: tally.stations[place, level] for level in _LEVELS}
            for place in sorted({place for place, _ in tally.stations})
        },
    }


def _places(counted: Counter[tuple[str, CaseDifference]]) -> dict[str, dict[str, int]]:
    places = sorted({place for place, _ in counted})
    return {place: {change.value: counted[place, change] for change in CaseDifference} for place in places}


def _spans(spans: Sequence[timedelta]) -> dict[str, float | None]:
    """Return the median and the maximum of the positive spans, in seconds."""
    seconds = [span.total_seconds() for span in spans if span > timedelta(0)]
    return {**percentiles(seconds, 50), "most": max(seconds, default=None)}


def _difference(who: str, one: Difference) -> dict[str, Any]:
    return {
        "who": who,
        "place": one.place,
        "changes": list(one.changes),
        "sooner_seconds": one.ahead.total_seconds(),
        "later_seconds": one.behind.total_seconds(),
        "candidate": _course(one.candidate),
        "against": _course(one.other),
    }


def _course(course: Course | None) -> list[Mapping[str, Any]] | None:
    if course is None:
        return None
    return [
        {
            "at": rise.at.isoformat(),
            "level": rise.level.value,
            "reasons": msgspec.to_builtins(rise.reasons),
            "words": [WORDS.sentence(reason) for reason in rise.reasons],
        }
        for rise in course.rises
    ]


def _counts(answer: Answer) -> Table:
    drawn = Table(box=None, title="cases by their gravest level", title_justify="left")
    for name in ("policy", *(level.value for level in _LEVELS), "all"):
        drawn.add_column(name, justify="left" if name == "policy" else "right")
    found, policies = answer.comparison, answer.policies
    for name, policy, tally in (
        ("candidate", policies.candidate, found.candidate),
        ("against", policies.other, found.other),
    ):
        counts = [f"{tally.levels[level]:,}" for level in _LEVELS]
        drawn.add_row(f"{name} {policy.name} {policy.hash[:8]}", *counts, f"{tally.levels.total():,}")
    return drawn


def _changes(answer: Answer) -> Table:
    """Return a table of the cases in which the candidate differs, in total and by place."""
    found = answer.comparison
    drawn = Table(box=None, title="what the candidate does otherwise, in cases", title_justify="left")
    for name in ("place", *CaseDifference, "alike"):
        drawn.add_column(name, justify="left" if name == "place" else "right")
    drawn.add_row("all", *(f"{found.changes[change]:,}" for change in CaseDifference), f"{found.alike:,}")
    for place in sorted({place for place, _ in found.places}):
        drawn.add_row(place, *(f"{found.places[place, change]:,}" for change in CaseDifference), "")
    return drawn


def _differences(answer: Answer) -> Table:
    drawn = Table(border_style="dim", title="one by one, the gravest first", title_justify="left")
    for name in ("who", "place", "change", "candidate", "against"):
        drawn.add_column(name, vertical="top")
    shown = answer.comparison.differences[:SHOWN]
    for who, one in zip(names(shown, answer.anonymous), shown, strict=True):
        drawn.add_row(who, one.place, Text(_words(one)), Text(_told(one.candidate)), Text(_told(one.other)))
    return drawn


def _words(one: Difference) -> str:
    spans = {CaseDifference.SOONER: f" by {_long(one.ahead)}", CaseDifference.LATER: f" by {_long(one.behind)}"}
    return "\n".join(f"{change}{spans.get(change, '')}" for change in one.changes)


def _told(course: Course | None) -> str:
    """Return as text each level with its time, and the reasons of the last level; "–" for None."""
    if course is None:
        return "–"
    lines = [f"{_time(rise.at)} {rise.level}" for rise in course.rises]
    return "\n".join([*lines, *map(WORDS.sentence, course.rises[-1].reasons)])


def _rest(count: int) -> str:
    return f"{count - SHOWN:,} more differences are in the report (--report)" if count > SHOWN else ""


def _time(at: datetime) -> str:
    return f"{at.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}"


def _long(span: timedelta) -> str:
    seconds = span.total_seconds()
    if seconds < 3600:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 86_400 else f"{seconds / 86_400:.1f} d"
