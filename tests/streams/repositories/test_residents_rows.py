"""A resident as a row of a file: what is written is read again, and what is wrong is named by its column."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.identity.entries import changed, united
from domain.identity.identifiers import BEIJING, new_resident_id
from schemas.people.residents import (
    AssumedField,
    BalanceBand,
    Flag,
    Holding,
    Language,
    Occupation,
    ReportSource,
    Resident,
    Sex,
    TrustedContact,
)
from streams.repositories.residents.rows import RowError, read_row, write_row
from tests.streams.repositories.residents_files import KEYS, NUMBER, read

ATOM = timedelta(microseconds=1)
WORDS = st.text(st.characters(categories=("L", "N", "P", "Zs")), min_size=1, max_size=12).filter(
    lambda text: text == text.strip() and text.isprintable()
)
MOMENTS = st.integers(-9999, 9999).map(lambda hours: datetime(2020, 1, 1, tzinfo=BEIJING) + timedelta(hours=hours))
MOMENTS |= st.integers(10**15, 3 * 10**15).map(lambda micros: datetime(1970, 1, 1, tzinfo=UTC) + micros * ATOM)


@st.composite
def holdings(draw: st.DrawFn, values: st.SearchStrategy[str]) -> Holding:
    since, until = draw(st.none() | MOMENTS), draw(st.none() | MOMENTS)
    if since and until:
        assume(since != until)
        since, until = min(since, until), max(since, until)
    shared = draw(st.booleans())
    primary = not shared or draw(st.booleans())
    return Holding(value=draw(values), since=since, until=until, shared=shared, primary=primary)


PHONES = st.integers(0, 10**7).map(lambda number: f"+86142{number:08}")
RESIDENTS = st.builds(
    Resident,
    id=st.binary(min_size=10, max_size=10).map(new_resident_id),
    name=WORDS,
    phones=st.lists(holdings(PHONES), max_size=3),
    accounts=st.lists(holdings(st.from_regex(r"[0-9A-Z]{6,34}", fullmatch=True)), max_size=3),
    id_hash=st.none() | st.just("a" * 26),
    birth_year=st.integers(1900, 2026),
    sex=st.sampled_from(Sex),
    occupation=st.sampled_from(Occupation),
    division=st.sampled_from(["220102", "220381", "220184001", "220171"]),
    division_at=st.none() | st.dates(date(1990, 1, 1)),
    address=st.just("") | WORDS,
    language=st.sampled_from(Language),
    contacts=st.lists(st.builds(TrustedContact, name=WORDS, phone=PHONES, relation=WORDS), max_size=2),
    balance=st.sampled_from(BalanceBand),
    flags=st.frozensets(st.sampled_from(Flag)),
    guardian=st.none() | st.just("r" + "g" * 16),
    merged_into=st.none() | st.just("r" + "m" * 16),
    provisional=st.none() | st.sampled_from(ReportSource),
    assumed=st.frozensets(st.sampled_from(AssumedField)),
)


@given(RESIDENTS)
def test_a_resident_written_as_a_row_reads_as_the_same_resident(resident: Resident) -> None:
    resident = changed(resident, phones=united(resident.phones), accounts=united(resident.accounts))
    assert read_row(write_row(resident), KEYS, lambda: "r" + "z" * 16, date(2026, 3, 1)) == resident


def test_telephones_are_written_with_their_time_and_who_shares_them() -> None:
    phones = read(phones="142 0000 0001@2019-05-01..2023-08-31; 14200000002@2023-08-31..*;0431-81234567*2").phones
    first, second, third = phones
    assert first.since == datetime(2019, 5, 1, tzinfo=BEIJING)
    assert first.until == second.since == datetime(2023, 8, 31, tzinfo=BEIJING)
    assert (second.shared, second.primary) == (True, True)
    assert (third.value, third.shared, third.primary) == ("+8643181234567", True, False)


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("phones", "12"),
        ("phones", "14200000001@2023-08-31..2019-05-01"),
        ("phones", "14200000001@yesterday.."),
        ("phones", "14200000001@2023-08-31T10:00:00.."),
        ("phones", ";".join(f"142000000{n}" for n in range(10, 30))),
        ("accounts", "1"),
        ("id_number", "990101198001010019"),
        ("id_hash", "nonsense"),
        ("birth_year", "70"),
        ("birth_year", "1800"),
        ("sex", "x"),
        ("occupation", "astronaut"),
        ("division", "110105"),
        ("division_at", "soon"),
        ("language", "en"),
        ("contacts", "某某|14200000001"),
        ("balance", "all"),
        ("flags", "deaf and dumb"),
        ("guardian", "mother"),
        ("name", "\x07"),
        ("name", " "),
    ],
)
def test_a_cell_that_is_wrong_is_named_by_its_column_and_not_repeated(column: str, text: str) -> None:
    with pytest.raises(RowError) as refused:
        read(**{column: text})
    assert refused.value.column == column
    assert len(text) < 4 or text not in str(refused.value)


def test_what_the_id_number_says_need_not_be_said_again_but_must_not_be_contradicted() -> None:
    known = read(id_number=NUMBER, birth_year="", sex="")
    assert (known.birth_year, known.sex) == (1980, Sex.MALE)
    for column, text in (("birth_year", "1981"), ("sex", "female")):
        with pytest.raises(RowError, match=column):
            read(**{"id_number": NUMBER, "birth_year": "1980", "sex": "male", column: text})
