"""The matching of the police's records of frauds to residents."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.identity.reported_victims import Candidates, NameAgreement, VictimMatch, agreement, match_victim
from schemas.people.residents import Occupation, Resident, Sex
from schemas.risk.reported_frauds import MatchedBy, MatchStrength, ReportedFraud, UnmatchedReason

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
PLACE = "220102003"


def hashed(letter: str) -> str:
    return letter * 26


def person(letter: str, name: str = "王某伟", division: str = PLACE, id_hash: str | None = None) -> Resident:
    return Resident(
        id=f"r{letter * 16}",
        name=name,
        id_hash=id_hash,
        birth_year=1970,
        sex=Sex.MALE,
        occupation=Occupation.FARMER,
        division=division,
    )


def record(**fields: object) -> ReportedFraud:
    return ReportedFraud.model_validate({"source": "police", "id": "A1", "reported_at": NOW, **fields})


ONE, OTHER = person("a"), person("b", "李某丽")
PHONE = {"phone": "+8614200000001"}


def unmatched(why: UnmatchedReason, *candidates: Resident) -> VictimMatch:
    return VictimMatch(why=why, candidates=tuple(each.id for each in candidates))


def test_the_id_number_alone_is_enough() -> None:
    match = match_victim(record(id_hash=hashed("a")), Candidates([ONE]))
    assert match == VictimMatch(ONE.id, MatchedBy.ID_NUMBER, MatchStrength.CERTAIN)


def test_a_name_alone_matches_nobody() -> None:
    assert match_victim(record(name=ONE.name), Candidates()) == unmatched(UnmatchedReason.NO_IDENTIFIER)


def test_the_id_number_decides_against_the_telephone_of_somebody_else() -> None:
    match = match_victim(record(id_hash=hashed("a"), name=ONE.name, **PHONE), Candidates([ONE], [OTHER]))
    assert match == VictimMatch(ONE.id, MatchedBy.ID_NUMBER, MatchStrength.STRONG)


def test_a_person_decides_if_the_name_is_that_of_the_telephones_holder_and_not_of_the_id_numbers() -> None:
    match = match_victim(record(id_hash=hashed("a"), name=OTHER.name, **PHONE), Candidates([ONE], [OTHER]))
    assert match == unmatched(UnmatchedReason.CONFLICT, ONE, OTHER)


def test_a_person_decides_on_an_id_number_that_the_name_contradicts_and_nothing_supports() -> None:
    found = Candidates([ONE])
    assert match_victim(record(id_hash=hashed("a"), name="赵某"), found) == unmatched(UnmatchedReason.CONFLICT, ONE)
    supported = Candidates([ONE], [ONE])
    match = match_victim(record(id_hash=hashed("a"), name="赵某", **PHONE), supported)
    assert match == VictimMatch(ONE.id, MatchedBy.ID_NUMBER, MatchStrength.STRONG)


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"name": "王某伟"}, VictimMatch(ONE.id, MatchedBy.PHONE_NAME, MatchStrength.STRONG)),
        ({"name": "王某纬", "division": "220102"}, VictimMatch(ONE.id, MatchedBy.PHONE_NAME, MatchStrength.FAIR)),
        ({"name": "王某纬", "division": "220103"}, unmatched(UnmatchedReason.OTHER_NAME)),
        ({"name": "赵四", "division": PLACE}, unmatched(UnmatchedReason.OTHER_NAME)),
        ({"division": PLACE}, VictimMatch(ONE.id, MatchedBy.PHONE_DIVISION, MatchStrength.FAIR)),
        ({"division": "220102004"}, unmatched(UnmatchedReason.PHONE_ALONE)),
        ({}, unmatched(UnmatchedReason.PHONE_ALONE)),
    ],
)
def test_a_telephone_needs_a_name_or_a_place(fields: dict[str, object], match: VictimMatch) -> None:
    assert match_victim(record(**PHONE, **fields), Candidates((), [ONE])) == match


def test_brothers_with_one_telephone_are_not_mistaken_for_a_misspelt_name() -> None:
    family = [person("a", "王建国"), person("b", "王建军")]
    found = Candidates((), family)
    assert match_victim(record(**PHONE, name="王建军"), found).resident == family[1].id
    assert match_victim(record(**PHONE, name="王建民", division=PLACE), found).resident is None


def test_namesakes_who_share_a_telephone_are_for_a_person() -> None:
    family = [person("a"), person("b")]
    match = match_victim(record(**PHONE, name="王某伟"), Candidates((), family))
    assert match == unmatched(UnmatchedReason.AMBIGUOUS, *family)


def test_telephone_and_account_of_different_people_are_a_conflict_unless_the_name_decides() -> None:
    found = Candidates((), [ONE], [OTHER])
    named = record(**PHONE, accounts=["6200001"], name=OTHER.name)
    assert match_victim(named, found) == VictimMatch(OTHER.id, MatchedBy.ACCOUNT, MatchStrength.STRONG)
    nameless = record(**PHONE, accounts=["6200001"], division=PLACE)
    assert match_victim(nameless, found) == unmatched(UnmatchedReason.CONFLICT, ONE, OTHER)


def test_somebody_with_another_id_number_is_not_meant() -> None:
    known = person("a", id_hash=hashed("b"))
    sent = record(**PHONE, id_hash=hashed("c"), name=known.name)
    assert match_victim(sent, Candidates((), [known])) == unmatched(UnmatchedReason.CONFLICT, known)
    otherwise = record(**PHONE, id_hash=hashed("c"), name="赵四")
    assert match_victim(otherwise, Candidates((), [known])) == unmatched(UnmatchedReason.OTHER_NAME)
    under_a_later_key = record(**PHONE, id_hash=f"{hashed('c')}.1", name=known.name)
    assert match_victim(under_a_later_key, Candidates((), [known])).resident == known.id


@pytest.mark.parametrize(
    ("written", "name", "how"),
    [
        ("王某伟", "王某伟", NameAgreement.SAME),
        (" Wang  Wei", "ＷＡＮＧ·wei", NameAgreement.SAME),
        ("王某纬", "王某伟", NameAgreement.MISSPELT),
        ("王伟某", "王某伟", NameAgreement.MISSPELT),
        ("王伟", "王某伟", NameAgreement.MISSPELT),
        ("王建国", "王某伟", NameAgreement.OTHER),
        ("王", "李", NameAgreement.OTHER),
        (None, "王某伟", NameAgreement.UNKNOWN),
        ("김철수", "金哲洙", NameAgreement.UNKNOWN),
    ],
)
def test_how_names_agree(written: str | None, name: str, how: NameAgreement) -> None:
    assert agreement(written, name) is how


@given(st.text("王李伟芳国", min_size=1, max_size=5), st.text("王李伟芳国", min_size=1, max_size=5))
def test_names_agree_in_both_directions(one: str, other: str) -> None:
    assert agreement(one, other) is agreement(other, one)


PEOPLE = st.lists(st.builds(person, st.sampled_from("abcdef"), st.sampled_from(["王某伟", "王某纬", "李某丽"])))


@given(
    PEOPLE,
    PEOPLE,
    st.sampled_from([None, "王某伟", "李某丽"]),
    st.sampled_from([None, PLACE, "220103"]),
)
def test_only_somebody_with_an_identifier_of_the_record_is_matched(
    phone: list[Resident], account: list[Resident], name: str | None, division: str | None
) -> None:
    sent = record(**PHONE, accounts=["6200001"], name=name, division=division)
    match = match_victim(sent, Candidates((), phone, account))
    assert (match.resident is None) is (match.why is not None)
    assert match.resident is None or match.resident in {each.id for each in (*phone, *account)}
    assert set(match.candidates) <= {each.id for each in (*phone, *account)}


def test_a_record_ends_not_before_it_begins_and_counts_from_its_last_payment() -> None:
    with pytest.raises(ValidationError, match="happened_to must not be earlier"):
        record(happened_from=NOW, happened_to=NOW - timedelta(hours=1))
    assert record(happened_from=NOW - timedelta(days=2)).happened_at == NOW - timedelta(days=2)
    assert record(happened_to=NOW + timedelta(days=2)).happened_at == NOW
