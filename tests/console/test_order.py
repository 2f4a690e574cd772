"""The order of the queue: however it came about, it is that of sorting all anew."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from console.web.live.order import Order
from console.web.live.row import Row, row_of
from domain.triage import Turn, Weight
from schemas.cases import CaseState
from schemas.levels import Level
from tests.domain.builders import Line

NOW = datetime(2026, 3, 2, 3, 12, tzinfo=UTC)


def row() -> Row:
    begun = Line(at=NOW)
    begun.alert(Level.YELLOW)
    return row_of(begun.here, None)


PLAIN = row()


@st.composite
def rows(draw: st.DrawFn) -> Row:
    """One of a few cases, as heavy as it may be just then, open or closed."""
    since = NOW - timedelta(minutes=draw(st.integers(-5, 60)))
    weight = Weight(draw(st.sampled_from(Turn)), draw(st.sampled_from([1.0, 2.0, 3.0])), since)
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
