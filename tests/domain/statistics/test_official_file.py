"""The official form as a file: every row and period, in units that are named."""

import csv
import io
import json
from datetime import date

from domain.payments.books import named
from domain.payments.estimate import estimate_of
from domain.statistics.official import COUNTS, Row, form
from domain.statistics.official_file import COLUMNS, form_as_csv, form_as_json
from schemas.casework.books import BookLine

FORM = form(
    date(2026, 3, 5),
    named(
        {
            "2025-03-05": {BookLine.RETURNED: 200},
            "2026-03-05": {
                BookLine.RETURNED: 300,
                BookLine.STOPPED: -40,
                BookLine.ESTIMATED: 1_000,
                BookLine.ORDERS: 2,
            },
        }
    ),
)


def test_a_spreadsheet_gets_each_row_in_each_period_with_its_days() -> None:
    lines = list(csv.DictReader(io.StringIO(form_as_csv(FORM))))
    assert tuple(lines[0]) == COLUMNS
    assert [(each["row"], each["period"]) for each in lines] == [
        (row.value, period) for row in Row for period in ("day", "month", "year", "standing")
    ]
    (returned,) = (each for each in lines if (each["row"], each["period"]) == ("returned", "month"))
    assert list(returned.values()) == [
        *("returned", "fen", "month", "2026-03-01", "2026-03-05", "300", "", ""),
        *("2025-03-01", "2025-03-05", "200", "50"),
    ]
    assert {each["unit"] for each in lines if each["row"] in COUNTS} == {"number"}


def test_only_the_estimate_has_limits_and_it_has_them_everywhere() -> None:
    lines = list(csv.DictReader(io.StringIO(form_as_csv(FORM))))
    worth = estimate_of(1_000)
    for each in lines:
        limits = (each["low"], each["high"])
        assert limits == ((str(worth.low), str(worth.high)) if each["row"] == Row.D else ("", ""))
    assert [each["value"] for each in lines if each["row"] == Row.D] == [str(worth.mean)] * 4


def test_json_has_the_same_figures_and_no_comparison_with_nothing() -> None:
    told = json.loads(json.dumps(form_as_json(FORM)))
    assert told["periods"]["year"] == {"now": ["2026-01-01", "2026-03-05"], "before": ["2025-01-01", "2025-03-05"]}
    assert told["rows"]["returned"]["day"] == {"value": 300, "before": 200, "change": 50}
    assert told["rows"]["stopped"]["day"] == {"value": -40, "before": 0, "change": None}
    assert told["rows"]["estimated_d"]["interval"]["standing"] == [estimate_of(1_000).low, estimate_of(1_000).high]
    assert told["rows"]["orders"]["unit"] == "number"
