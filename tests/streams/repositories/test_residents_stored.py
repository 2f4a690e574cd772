"""An entry of the register as it lies in Redis: the whole entry, and short."""

from datetime import UTC, date, datetime, timedelta

import orjson
from hypothesis import given
from hypothesis import strategies as st

from domain.identity.identifiers import Owner, new_resident_id
from schemas.people.residents import (
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
from streams.repositories.residents.stored import holder_at, owners_of, packed, read_owners, unpacked

NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
WHO, OTHER = new_resident_id(bytes(10)), new_resident_id(bytes(9) + b"1")
PHONE, ACCOUNT = "+8614200000001", "6222000000000000001"
USUAL = Resident(
    id=WHO,
    name="某某",
    phones=[Holding(value=PHONE)],
    accounts=[Holding(value=ACCOUNT)],
    birth_year=1970,
    sex=Sex.FEMALE,
    occupation=Occupation.EMPLOYEE,
    division="220102",
)
words = st.text("某王 a\"['", min_size=1, max_size=8).filter(str.strip)
moments = st.none() | st.integers(10**9, 2 * 10**9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
holdings = st.builds(
    Holding,
    value=words,
    since=moments,
    until=moments,
    shared=st.booleans(),
    primary=st.booleans(),
    entered=moments,
) | st.builds(Holding, value=words)
anybody = st.builds(
    Resident,
    id=st.binary(min_size=10, max_size=10).map(new_resident_id),
    name=words,
    phones=st.lists(holdings, max_size=3),
    accounts=st.lists(holdings, max_size=3),
    id_hash=st.none() | words,
    birth_year=st.integers(1900, 2100),
    sex=st.sampled_from(Sex),
    occupation=st.sampled_from(Occupation),
    division=st.just("220102"),
    division_at=st.none() | st.dates(date(2000, 1, 1)),
    address=words | st.just(""),
    language=st.sampled_from(Language),
    contacts=st.lists(st.builds(TrustedContact, name=words, phone=words, relation=words), max_size=2),
    balance=st.sampled_from(BalanceBand),
    flags=st.frozensets(st.sampled_from(Flag)),
    guardian=st.none() | st.just(WHO),
    merged_into=st.none() | st.just(OTHER),
    provisional=st.none() | st.sampled_from(ReportSource),
)


def stored(resident: Resident) -> bytes:
    return packed(resident.model_dump_json().encode())


@given(anybody)
def test_the_entry_is_read_back_as_it_was(resident: Resident) -> None:
    assert unpacked(resident.id, stored(resident)) == resident


@given(anybody)
def test_the_topics_json_which_earlier_versions_kept_in_redis_is_read_too(resident: Resident) -> None:
    raw = resident.model_dump_json().encode()
    assert unpacked(resident.id, raw) == resident
    assert owners_of(resident.id, raw) == owners_of(resident.id, stored(resident))


def test_a_usual_entry_is_a_hundred_bytes_and_not_four() -> None:
    assert len(stored(USUAL)) < 100 < 400 < len(USUAL.model_dump_json())


def test_a_usual_owner_is_the_bare_id() -> None:
    owners = owners_of(WHO, stored(USUAL))
    assert owners == {("phones", PHONE): WHO, ("accounts", ACCOUNT): WHO}
    assert holder_at(WHO.encode(), NOW) == WHO
    assert read_owners(WHO.encode()) == [Owner(WHO)]


def test_what_has_a_history_is_owned_from_then_to_then() -> None:
    past = Holding(value=PHONE, since=NOW, until=NOW + timedelta(days=1))
    written = owners_of(WHO, stored(USUAL.model_copy(update={"phones": [past]})))["phones", PHONE].encode()
    assert holder_at(written, NOW) == WHO
    assert holder_at(written, NOW + timedelta(days=2)) is None
    assert read_owners(written) == [Owner(WHO, past.since, past.until)]


def test_an_owner_as_earlier_versions_kept_it_is_meant_too() -> None:
    assert holder_at(orjson.dumps([[WHO]]), NOW) == WHO


@given(anybody)
def test_what_a_newer_version_adds_at_the_end_is_passed_over(resident: Resident) -> None:
    newer = orjson.loads(stored(resident))
    fields = [None] * (len(Resident.model_fields) - 1)
    fields[: len(newer)] = newer
    assert unpacked(resident.id, orjson.dumps([*fields, {"of": "tomorrow"}])) == resident
    assert holder_at(orjson.dumps([[WHO, None, None, False, True, None, "of tomorrow"]]), NOW) == WHO


def test_a_signpost_owns_nothing() -> None:
    assert owners_of(WHO, stored(USUAL.model_copy(update={"merged_into": OTHER}))) == {}


def test_what_a_newer_version_adds_at_the_end_of_an_entry_and_of_its_parts_is_passed_over() -> None:
    friend = TrustedContact(name="某某", phone=PHONE, relation="女儿")
    whole = USUAL.model_copy(update={"phones": [Holding(value=PHONE, since=NOW)], "contacts": [friend]})
    short = packed(whole.model_dump_json().encode())
    values = orjson.loads(short)
    fields = [name for name in Resident.model_fields if name != "id"]
    for name in ("phones", "contacts"):
        values[fields.index(name)][0].append("newer")
    values += [None] * (len(fields) - len(values)) + ["newer"]
    assert unpacked(WHO, orjson.dumps(values)) == whole
    owners = orjson.loads(owners_of(WHO, short)["phones", PHONE])
    assert read_owners(orjson.dumps([[*owner, "newer"] for owner in owners])) == [Owner(WHO, NOW)]
