"""The order of the queue: however it came about, it is that of sorting all anew, on the server as on the page. What a
search and a filter mean.
"""

import json
import random
import re
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright._impl._driver import compute_driver_executable

from console.web.kit.pages import environment, epoch
from console.web.kit.static_files import STATIC
from console.web.live.filters import Filters
from console.web.live.order import Order
from console.web.live.row import Row, row_of
from console.web.live.search import Sought, sought
from domain.casework.triage import QueueBand, Weight
from schemas.casework.cases import CaseState
from schemas.levels import Level
from tests.domain.builders import Line, policy

NOW = datetime(2026, 3, 2, 3, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def row() -> Row:
    begun = Line(at=NOW)
    begun.alert(Level.YELLOW)
    return row_of(begun.here, None, None, policy(), NOW)


PLAIN = row()


@st.composite
def rows(draw: st.DrawFn) -> Row:
    """One of a few cases, as heavy as it may be just then, open or closed."""
    since = NOW - timedelta(minutes=draw(st.integers(-5, 60)))
    worth, limit = draw(st.sampled_from([1.0, 2.0, 3.0])), draw(st.sampled_from([None, 30 * MINUTE, 50 * MINUTE]))
    weight = Weight(draw(st.sampled_from(QueueBand)), worth, since, 30 * MINUTE, limit)
    state = draw(st.sampled_from([CaseState.RAISED, CaseState.CONTACTING, CaseState.CLOSED]))
    case = PLAIN.case.model_copy(update={"id": f"case-{draw(st.integers(0, 9))}", "state": state})
    return replace(PLAIN, case=case, weight=weight)


@given(st.lists(rows(), max_size=8), st.lists(rows(), max_size=30))
def test_an_order_that_was_kept_is_that_of_sorting_all_anew(first: list[Row], changes: list[Row]) -> None:
    now = {each.id: each for each in first if each.case.open}
    order = Order(now.values(), NOW)
    for each in changes:
        order.put(each)
        now.pop(each.id, None)
        now |= {each.id: each} if each.case.open else {}
    assert order.rows == sorted(now.values(), key=lambda each: (*each.weight.place(NOW), each.id))


SORTED = """
import { readFileSync } from "node:fs";
const { rows, now } = JSON.parse(readFileSync(0, "utf-8"));
const entries = rows.map((told) => ({ id: told.id, ...weightOf(told) }));
entries.sort((one, other) => (before(one, other, now) ? -1 : 1));
console.log(JSON.stringify(entries.map(({ id }) => id)));
"""


def some_rows(chance: random.Random, number: int) -> list[Row]:
    """Rows of which some weigh the same, some have waited too long, and some may wait for ever."""
    found = []
    for each in range(number):
        since = NOW - timedelta(milliseconds=chance.randrange(-60_000, 7_200_000))
        worth = chance.choice([0.0, 1.0, 208_220.33898305087, chance.random() * 10 ** chance.randrange(9)])
        limit = chance.choice([None, 30 * MINUTE, 45 * MINUTE, 120 * MINUTE])
        weight = Weight(chance.choice(list(QueueBand)), worth, since, chance.choice([20, 30]) * MINUTE, limit)
        found.append(replace(PLAIN, case=PLAIN.case.model_copy(update={"id": f"r-{each:04}"}), weight=weight))
    return found


def told(row: Row) -> dict[str, str]:
    """What the page's script reads of a row."""
    html = (
        environment("zh")
        .get_template("queue_row.html")
        .render(row=row, case=row.case, step=None, due=None, scam="", place="")
    )
    return dict(re.findall(r'data-(id|turn|fen|since|patience|limit)="([^"]*)"', html.partition("<td")[0]))


def test_the_page_puts_rows_in_the_order_in_which_the_server_has_them() -> None:
    rows = some_rows(random.Random(7), 200)
    expected = [row.id for row in Order(rows, NOW).rows]
    program, _ = compute_driver_executable()
    script = (STATIC / "order.js").read_text("utf-8") + SORTED
    given_rows = json.dumps({"rows": [told(row) for row in rows], "now": epoch(NOW)})
    answer = subprocess.run(
        [program, "--input-type=module", "-e", script], input=given_rows, capture_output=True, text=True, check=True
    )
    assert json.loads(answer.stdout) == expected


EXPLAINED = """
import { readFileSync } from "node:fs";
const { rows, now } = JSON.parse(readFileSync(0, "utf-8"));
console.log(JSON.stringify(rows.map((told) => {
  const weight = weightOf(told), found = explained(weight, now);
  return { ...found, fen: weight.fen, shown: ["zh", "en", "ko"].map((language) => yuanOf(found.worth, language)) };
})));
"""
UNITS = {"万": 1e4, "亿": 1e8, "만": 1e4, "억": 1e8, "K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12, "조": 1e12, "경": 1e16}


def read(figure: str) -> float:
    """The number that a figure such as ¥123.4万 says."""
    found = re.fullmatch(r"¥([0-9,.]+)(\D*)", figure)
    assert found, figure
    value = float(found[1].replace(",", ""))
    for unit in found[2]:
        value *= UNITS[unit]
    return value


def test_the_figure_that_explains_a_row_s_place_sorts_as_the_list_does_and_is_the_product_of_its_factors() -> None:
    rows = Order(some_rows(random.Random(11), 300), NOW).rows
    program, _ = compute_driver_executable()
    script = (STATIC / "order.js").read_text("utf-8") + EXPLAINED
    given_rows = json.dumps({"rows": [told(row) for row in rows], "now": epoch(NOW)})
    answer = subprocess.run(
        [program, "--input-type=module", "-e", script], input=given_rows, capture_output=True, text=True, check=True
    )
    found = json.loads(answer.stdout)
    assert {each["doubled"] > 0 for each in found} == {True, False}
    for row, each in zip(rows, found, strict=True):
        waited, doubled = row.weight.raised(NOW)
        assert (each["waited"], each["doubled"]) == (pytest.approx(waited), doubled)
        assert each["worth"] == pytest.approx(row.weight.at(NOW))
        plain = each["fen"] * each["waited"]
        assert each["worth"] == pytest.approx((max(plain, 100) if doubled else plain) * 2**doubled)
    for (one, first), (other, second) in pairwise(zip(rows, found, strict=True)):
        if one.weight.turn is not other.weight.turn:
            assert one.weight.turn < other.weight.turn
            continue
        assert first["worth"] >= second["worth"]
        if first["worth"] == second["worth"]:
            assert one.id < other.id, "of equal ones the number decides"
        for mine, its in zip(first["shown"], second["shown"], strict=True):
            assert read(mine) >= read(its), (mine, its)


def test_what_is_searched_for_is_told_by_its_shape() -> None:
    assert sought("rabcdefgh") is Sought.CASE
    assert sought("138 0000 0001") is Sought.PHONE
    assert sought("0001") is Sought.PHONE
    assert sought("001") is None
    assert sought("") is None
    assert sought("王小") is Sought.NAME
    assert sought("ruth") is Sought.NAME


def test_a_filter_that_means_nothing_is_left_out() -> None:
    assert Filters.of({"area": "22x", "level": "purple", "state": "closed", "channel": "fax"}) == Filters()
    assert Filters.of({"area": "2201", "level": "red"}).query == "area=2201&level=red"
