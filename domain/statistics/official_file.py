"""The official form as data for other programs: JSON, and CSV for a spreadsheet.

Rows and periods are named by the codes of `Row` and `Period`. Money is in fen.
"""

import csv
import io
from collections.abc import Iterator
from typing import Any

from domain.statistics.official import COUNTS, DaySpan, Form, FormRow, Row

COLUMNS = (
    "row",
    "unit",
    "period",
    "from",
    "to",
    "value",
    "low",
    "high",
    "before_from",
    "before_to",
    "before",
    "change",
)
STANDING = "standing"
"""The period of a row's stand at the end of the day."""


def form_as_json(form: Form) -> dict[str, Any]:
    """Return the form as objects for JSON: its day, its periods, and its rows by code. Money is in fen. `change` is in
    per cent, or None if there is nothing to compare with.
    """
    return {
        "day": form.day.isoformat(),
        "periods": {each.name: {"now": _days(each.now), "before": _days(each.before)} for each in form.periods},
        "rows": {row.row.value: _row(form, row) for row in form.rows},
    }


def form_as_csv(form: Form) -> str:
    """Return the form as CSV: a header, then a line for each row and period, and one for the row's total (STANDING).

    `low` and `high` are the interval of an estimate, else empty.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for row in form.rows:
        writer.writerows(_lines(form, row))
    return out.getvalue()


def unit_of(row: Row) -> str:
    """Return the unit of a row's figures: "fen" or "number"."""
    return "number" if row in COUNTS else "fen"


def _row(form: Form, row: FormRow) -> dict[str, Any]:
    told: dict[str, Any] = {"unit": unit_of(row.row), STANDING: row.standing}
    for each, figure in zip(form.periods, row.figures, strict=True):
        told[each.name] = {"value": figure.now, "before": figure.before, "change": figure.change}
    if row.between:
        names = (*(each.name for each in form.periods), STANDING)
        told["interval"] = {name: [each.low, each.high] for name, each in zip(names, row.between, strict=True)}
    return told


def _lines(form: Form, row: FormRow) -> Iterator[tuple[object, ...]]:
    limits_of: list[tuple[object, object]] = [(each.low, each.high) for each in row.between]
    between = limits_of or [("", "")] * (len(form.periods) + 1)
    unit = unit_of(row.row)
    for each, figure, limits in zip(form.periods, row.figures, between[:-1], strict=True):
        change = "" if figure.change is None else figure.change
        now = (*_days(each.now), figure.now, *limits)
        yield row.row, unit, each.name, *now, *_days(each.before), figure.before, change
    yield row.row, unit, STANDING, "", form.day.isoformat(), row.standing, *between[-1], "", "", "", ""


def _days(span: DaySpan) -> list[str]:
    return [span.first.isoformat(), span.last.isoformat()]
