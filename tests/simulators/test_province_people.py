from collections import Counter
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identity.divisions import division
from domain.identity.identifiers import BEIJING, is_minor, normal_account, normal_phone, parse_id_number
from schemas.people.residents import Language, Resident, Sex
from schemas.risk.signals import NumberClass
from simulators.assumptions.chance import stream
from simulators.population.numbers import account, id_number, other_phone, resident_phone, scam_phone
from simulators.population.people import age_of, people
from simulators.world.province import START

ON = date(2026, 3, 2)
SECRET = b"sixteen bytes and more"


@pytest.fixture(scope="module")
def residents() -> list[Resident]:
    return people(7, 2000, ON, SECRET)


@given(st.integers(0, 10**6), st.integers(1920, 2020), st.sampled_from(Sex))
def test_an_id_number_has_a_valid_check_character_and_an_impossible_region(seed: int, year: int, sex: Sex) -> None:
    number = parse_id_number(id_number(stream(seed), year, sex), ON)
    assert number.division.startswith("99")
    assert (number.birth.year, number.sex) == (year, sex)


@given(st.integers(0, 10**8 - 1), st.integers(0, 10**6))
def test_a_telephone_can_be_written_but_belongs_to_no_mobile_range(serial: int, seed: int) -> None:
    for phone in (resident_phone(serial), other_phone(stream(seed)), scam_phone(stream(seed), NumberClass.GOIP)):
        assert normal_phone(phone) == phone
        assert phone.startswith("+8612")


@given(st.sampled_from(NumberClass), st.integers(0, 10**6))
def test_every_number_of_a_scammer_is_spelt_as_the_system_spells_it(shown: NumberClass, seed: int) -> None:
    phone = scam_phone(stream(seed), shown)
    assert normal_phone(phone) == phone


def test_an_account_is_of_no_real_bank() -> None:
    number = account("bank-b", 17)
    assert normal_account(number) == number
    assert number.startswith("999")


def test_nobody_shares_an_id_a_telephone_of_his_own_or_an_account(residents: list[Resident]) -> None:
    own = [each.value for one in residents for each in one.phones if not each.shared]
    accounts = [each.value for one in residents for each in one.accounts]
    for values in ([one.id for one in residents], own, accounts):
        assert len(values) == len(set(values))


def test_everybody_lives_in_a_division_in_force(residents: list[Resident]) -> None:
    assert all(division(one.division, ON) for one in residents)


def test_the_id_number_is_kept_as_a_keyed_hash_only(residents: list[Resident]) -> None:
    other = people(7, 1, ON, b"another secret of 16")
    assert residents[0].id_hash != other[0].id_hash
    assert residents[0].model_dump(exclude={"id_hash"}) == other[0].model_dump(exclude={"id_hash"})


def test_the_first_residents_stay_the_same_as_the_province_grows(residents: list[Resident]) -> None:
    assert people(7, 50, ON, SECRET) == residents[:50]


def test_a_minor_has_a_grown_guardian(residents: list[Resident]) -> None:
    by_id = {one.id: one for one in residents}
    guarded = [one for one in residents if one.guardian]
    assert len(guarded) > 50
    for one in guarded:
        assert is_minor(one, START.astimezone(BEIJING))
        assert age_of(by_id[str(one.guardian)], ON) >= age_of(one, ON) + 18


def test_korean_is_spoken_above_all_in_yanbian(residents: list[Resident]) -> None:
    korean = Counter(one.division[:4] for one in residents if one.language is Language.KOREAN)
    assert korean["2224"] > sum(korean.values()) / 2
