"""Dates are Jilin's: a person's age and a place's name do not wait for eight o'clock on New Year's Day."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from domain.calendar import day_of, local_date

ROOT = Path(__file__).parents[2]
OF_UTC = re.compile(r"\bnow(\(\))?\.(date\(\)|year\b)|_at\.(date\(\)|year\b)")


@pytest.mark.parametrize(
    ("at", "on"),
    [
        (datetime(2025, 12, 31, 15, 59, tzinfo=UTC), date(2025, 12, 31)),
        (datetime(2025, 12, 31, 16, 0, tzinfo=UTC), date(2026, 1, 1)),
        (datetime(2026, 1, 1, 15, 59, tzinfo=UTC), date(2026, 1, 1)),
    ],
)
def test_a_day_begins_at_midnight_in_jilin(at: datetime, on: date) -> None:
    assert (local_date(at), day_of(at)) == (on, on.isoformat())


def test_no_date_is_taken_from_a_moment_in_utc() -> None:
    files = [file for package in ("console", "domain", "streams") for file in (ROOT / package).rglob("*.py")]
    found = [
        f"{file.relative_to(ROOT)}: {line.strip()}"
        for file in files
        for line in file.read_text("utf-8").splitlines()
        if OF_UTC.search(line)
    ]
    assert found == [], "take domain.calendar.local_date"
