"""The police's records by month, source and area: what is counted, what is listed, and what is forgotten."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from domain.statistics.fraud_records import FraudBook, RecordTotals, months_before, record_totals
from schemas.risk.reported_frauds import FraudMatch, MatchedBy, MatchStrength, UnmatchedReason

MARCH = datetime(2026, 3, 10, 4, tzinfo=UTC)
CHANGCHUN, SIPING = "220102001", "220302001"


def record(number: int, at: datetime = MARCH, source: str = "police", **fields: object) -> FraudMatch:
    """A record that was matched by the ID number, unless a reason says why not."""
    known = {"id": f"{source}:A{number}", "version": 1, "change": 1, "digest": "0" * 32, "dated": True}
    times = dict.fromkeys(("happened_at", "reported_at", "received_at"), at)
    found = {"resident": "r" + "a" * 16, "by": MatchedBy.ID_NUMBER, "strength": MatchStrength.CERTAIN}
    matched = {} if "why" in fields else found
    return FraudMatch.model_validate({**known, **times, "division": CHANGCHUN, **matched, **fields})


def everywhere(_: str) -> bool:
    return True


def in_siping(division: str) -> bool:
    return division.startswith("2203")


def book_of(*records: FraudMatch) -> FraudBook:
    book = FraudBook()
    for each in records:
        book.take(each)
    return book


def test_records_are_counted_by_month_and_source_with_those_on_which_a_person_decides() -> None:
    book = book_of(
        record(1),
        record(2, by=MatchedBy.ACCOUNT, strength=MatchStrength.FAIR),
        record(3, why=UnmatchedReason.AMBIGUOUS),
        record(4, why=UnmatchedReason.NOT_IN_REGISTER),
        record(5, source="railway"),
        record(6, MARCH - timedelta(days=20)),
    )
    found = book.by_month(everywhere)
    assert {month: list(of) for month, of in found.items()} == {"2026-03": ["police", "railway"], "2026-02": ["police"]}
    totals = found["2026-03"]["police"]
    assert (totals.received, totals.matched, totals.missed, totals.doubtful) == (4, 2, 2, 1)
    assert (totals.matched_by, totals.strength) == ({"account": 1, "id_number": 1}, {"certain": 1, "fair": 1})
    assert book.sources(everywhere) == ["police", "railway"]


def test_a_record_belongs_to_the_month_in_china() -> None:
    evening = datetime(2026, 2, 28, 17, tzinfo=UTC)  # 1 March in China
    assert list(book_of(record(1, evening)).by_month(everywhere)) == ["2026-03"]


def test_somebody_sees_the_records_of_their_area_and_one_without_a_place_is_the_whole_provinces() -> None:
    book = book_of(record(1), record(2, division=SIPING), record(3, division=None, why=UnmatchedReason.NO_IDENTIFIER))
    assert [each.id for each in book.of_month("2026-03", in_siping)] == ["police:A2"]
    assert book.by_month(in_siping)["2026-03"]["police"].received == 1
    assert book.by_month(everywhere)["2026-03"]["police"].received == 3
    assert book.sources(lambda division: division.startswith("2205")) == []


def test_the_list_is_of_one_month_and_source_and_the_latest_report_comes_first() -> None:
    later, other = record(2, MARCH + timedelta(hours=1)), record(3, source="railway")
    book = book_of(record(1), later, other, record(4, MARCH - timedelta(days=40)))
    assert [each.id for each in book.of_month("2026-03", everywhere, "police")] == ["police:A2", "police:A1"]
    assert book.of_month("2025-12", everywhere) == []


def test_a_later_state_of_a_record_replaces_it_also_in_another_month() -> None:
    moved = record(1, MARCH - timedelta(days=20), why=UnmatchedReason.CONFLICT, version=2)
    book = book_of(record(1), moved)
    assert list(book.by_month(everywhere)) == ["2026-02"]
    assert book.by_month(everywhere)["2026-02"]["police"].doubtful == 1


def test_an_erased_record_leaves_list_and_figures() -> None:
    book = book_of(record(1), record(2))
    book.drop("police:A1")
    book.drop("police:unknown")
    assert book.get("police:A1") is None
    assert [each.id for each in book.of_month("2026-03", everywhere)] == ["police:A2"]
    book.drop("police:A2")
    assert (book.by_month(everywhere), book.sources(everywhere)) == ({}, [])


def test_thirteen_months_are_kept_and_an_older_record_does_not_come_back() -> None:
    old = record(1, MARCH - timedelta(days=365 + 31))
    book = book_of(old, record(2), old, record(3, MARCH - timedelta(days=365)))
    assert list(book.by_month(everywhere)) == ["2026-03", "2025-03"]
    assert book.get(old.id) is None


def test_of_too_many_records_the_oldest_month_goes() -> None:
    book = FraudBook(most=2)
    for number, days in enumerate((40, 0, 0, 0)):
        book.take(record(number, MARCH - timedelta(days=days)))
    assert [*book.by_month(everywhere)] == ["2026-03"], "the only month stays, however many it has"
    assert book.by_month(everywhere)["2026-03"]["police"].received == 3


def test_a_month_is_counted_back_over_the_turn_of_years() -> None:
    assert (months_before("2026-03"), months_before("2026-03", 3), months_before("2026-12", 0)) == (
        "2025-03",
        "2025-12",
        "2026-12",
    )


Deed = tuple[bool, tuple[int, int, str, UnmatchedReason | None]]  # True: it is dropped
REASONS = [*UnmatchedReason, None]
ONE = st.tuples(st.integers(1, 8), st.integers(0, 500), st.sampled_from([CHANGCHUN, SIPING]), st.sampled_from(REASONS))


@given(st.lists(st.tuples(st.booleans(), ONE), max_size=40))
def test_the_figures_are_always_those_of_the_listed_records(
    acts: list[Deed],
) -> None:
    book = FraudBook()
    for drops, (number, days, division, why) in acts:
        given_why = {} if why is None else {"why": why}
        one = record(number, MARCH - timedelta(days=days), division=division, **given_why)
        if drops:
            book.drop(one.id)
        else:
            book.take(one)
    for sees in (everywhere, in_siping):
        found = book.by_month(sees)
        for month, of in found.items():
            listed = book.of_month(month, sees)
            assert of["police"] == record_totals(listed)
            assert all(one.reported_at >= other.reported_at for one, other in pairwise(listed))
        assert sum(of["police"].received for of in found.values()) == sum(
            len(book.of_month(month, sees)) for month in found
        )


def test_totals_without_records_name_every_reason() -> None:
    empty = RecordTotals.of({})
    assert (empty.received, empty.matched, empty.missed, empty.doubtful) == (0, 0, 0, 0)
    assert set(empty.unmatched) == {why.value for why in UnmatchedReason}
