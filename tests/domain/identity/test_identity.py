"""Whose number it is: spellings, hashes, and holdings that keep their history."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from stdnum.cn import ric

from domain.identity.entries import Part, changed, merge, renewed, split
from domain.identity.identifiers import (
    Owner,
    account_token,
    born_in_known_division,
    held,
    holders,
    keyed_hash,
    mask_name,
    mask_phone,
    new_resident_id,
    normal_account,
    normal_phone,
    owned,
    parse_id_number,
    phone_tail,
    reach,
    resolve,
)
from schemas.people.residents import Holding, Language, Occupation, Resident, Sex

NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
SECRET = b"0123456789abcdef"
ANNA, BORIS, CHUN = "r" + "a" * 16, "r" + "b" * 16, "r" + "c" * 16
PHONE, OTHER = "+8614200000001", "+8614200000002"


def days(count: int) -> datetime:
    return NOW + timedelta(days=count)


def resident(entry: str = ANNA, *phones: Holding, **fields: object) -> Resident:
    """Somebody of 56 who speaks Chinese."""
    known = {"name": "某某", "birth_year": 1970, "sex": Sex.FEMALE, "occupation": Occupation.RETIRED}
    return Resident.model_validate({"id": entry, "division": "220102", "phones": phones, **known, **fields})


def owners(*entries: Resident) -> list[Owner]:
    return [
        Owner(entry.id, each.since, each.until, each.shared, each.primary, each.entered)
        for entry in entries
        for each in owned(entry)[0]
    ]


# Numbers


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("142 0000 0001", "+8614200000001"),
        ("+86-142-0000-0001", "+8614200000001"),
        ("008614200000001", "+8614200000001"),
        ("１３８０００００００１", "+8613800000001"),
        ("0431-81234567", "+8643181234567"),
        ("(0431) 8123 4567", "+8643181234567"),
        ("010-69012345", "+861069012345"),
        ("+861069012345", "+861069012345"),
        ("96110", "96110"),
        ("+8696110", "96110"),
        ("110", "110"),
        ("95588", "95588"),
        ("106901234567890", "106901234567890"),
        ("+1 202 555 0123", "+12025550123"),
    ],
)
def test_a_telephone_number_has_one_spelling_however_it_is_written(written: str, normal: str) -> None:
    assert normal_phone(written) == normal
    assert normal_phone(normal) == normal


@pytest.mark.parametrize(
    "written", ["", "+", "0", "12", "81234567", "1380000000", "138000000011", "138CALLNOW1", "000100000000"]
)
def test_what_cannot_be_dialled_is_refused_without_being_repeated(written: str) -> None:
    with pytest.raises(ValueError, match=r"digits|dialled") as refused:
        normal_phone(written)
    assert len(written) < 3 or written not in str(refused.value)


@given(
    st.from_regex(r"(\+86|0086)?[- ]?1[3-9][0-9][- ]?[0-9]{4}[- ]?[0-9]{4}|0[1-9][0-9]{2}[- ]?[0-9]{7}", fullmatch=True)
)
def test_a_normal_number_is_its_own_normal_form(written: str) -> None:
    try:
        normal = normal_phone(written)
    except ValueError:
        assume(False)
    assert normal_phone(normal) == normal


@given(st.from_regex(r"\+86([2-9][0-9]{8,10}|1[2-9][0-9]{9})", fullmatch=True))
def test_a_number_that_is_spelt_as_it_should_be_is_taken_for_what_it_is_with_a_dash_in_it(spelt: str) -> None:
    try:
        normal = normal_phone(f"{spelt[:3]}-{spelt[3:]}")
    except ValueError:
        with pytest.raises(ValueError, match="digits"):
            normal_phone(spelt)
    else:
        assert normal == normal_phone(spelt) == spelt


def test_an_account_has_no_blanks_or_dashes_and_capital_letters() -> None:
    assert normal_account("6222 0000-0000 0001") == "6222000000000001"
    assert normal_account("ab12cd") == "AB12CD"
    for wrong in ("12345", "1" * 35, "6222_0001", ""):
        with pytest.raises(ValueError, match="6 to 34"):
            normal_account(wrong)


@pytest.mark.parametrize("written", ["11010519491231002X", "11010519491231002x", " 110105 19491231 002X "])
def test_the_example_of_the_standard_is_read_with_a_large_or_small_x(written: str) -> None:
    number = parse_id_number(written)
    assert number.number == "11010519491231002X"
    assert (number.birth, number.sex, number.division) == (date(1949, 12, 31), Sex.FEMALE, "110105")


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("110105194912310021", "check digit"),
        ("99010119000230001", "18 digits"),
        ("1101051949123100", "18 digits"),
        ("990101180001010016", "cannot be"),
        ("990101202613010018", "not a date"),
        ("990101209901010013", "cannot be"),
    ],
)
def test_an_id_number_that_cannot_be_is_refused_with_the_reason_and_without_the_number(
    written: str, reason: str
) -> None:
    if reason in ("not a date", "cannot be"):
        written = written[:17] + str(ric.calc_check_digit(written))
    with pytest.raises(ValueError, match=reason) as refused:
        parse_id_number(written, on=NOW.date())
    assert written not in str(refused.value)


@given(
    birth=st.dates(date(1900, 1, 1), date(1999, 12, 31)),
    order=st.integers(0, 995),
    region=st.integers(990000, 999999),
)
def test_fifteen_digits_say_the_same_as_the_eighteen_they_became(birth: date, order: int, region: int) -> None:
    long = f"{region}{birth:%Y%m%d}{order:03}"
    upgraded = parse_id_number(long[:6] + long[8:])
    assert upgraded == parse_id_number(long + str(ric.calc_check_digit(long + "0")))
    assert upgraded.number[:17] == long


@given(
    birth=st.dates(date(1900, 1, 1), date(2025, 12, 31)),
    order=st.integers(0, 999),
    at=st.integers(0, 17),
    other=st.integers(1, 9),
)
def test_one_wrong_digit_is_always_found(birth: date, order: int, at: int, other: int) -> None:
    body = f"990101{birth:%Y%m%d}{order:03}"
    number = body + str(ric.calc_check_digit(body + "0"))
    wrong = "0" if number[at] == "X" else str((int(number[at]) + other) % 10)
    with pytest.raises(ValueError, match=r"check digit|date of birth"):
        parse_id_number(number[:at] + wrong + number[at + 1 :])


def test_the_division_of_an_id_number_is_looked_up_at_the_birth_of_its_holder() -> None:
    def born(division: str, year: int) -> bool:
        body = f"{division}{year}0101001"
        return born_in_known_division(parse_id_number(body + str(ric.calc_check_digit(body + "0"))))

    assert born("220381", 2010)
    assert not born("220381", 2021)
    assert born("220184", 2021)
    assert born("110105", 1949)
    assert not born("990101", 1980)


def test_an_id_number_does_not_show_itself() -> None:
    assert "1949" not in repr(parse_id_number("11010519491231002X"))


# Hashes and ids


@given(st.text(max_size=20), st.text(max_size=20))
def test_hashes_of_different_values_or_kinds_never_meet(one: str, other: str) -> None:
    hashes = {keyed_hash(SECRET, kind, value) for kind in ("id", "account", "phone") for value in {one, other}}
    assert len(hashes) == 3 * len({one, other})


@given(st.text(st.characters(codec="utf-8")))
def test_a_hash_is_the_standard_librarys_hmac_in_its_base_32(value: str) -> None:
    digest = hmac.new(SECRET, f"id\0{value}".encode(), hashlib.sha256).digest()[:16]
    assert keyed_hash(SECRET, "id", value) == base64.b32encode(digest).decode().rstrip("=").lower()


@given(st.binary(min_size=10, max_size=10))
def test_a_residents_id_is_its_randomness_in_base_32(randomness: bytes) -> None:
    assert new_resident_id(randomness) == "r" + base64.b32encode(randomness).decode().lower()


def test_a_hash_is_the_secret_s_own_and_a_short_secret_is_refused() -> None:
    assert keyed_hash(SECRET, "id", "x") == keyed_hash(SECRET, "id", "x") != keyed_hash(SECRET[::-1], "id", "x")
    with pytest.raises(ValueError, match="16 bytes"):
        keyed_hash(b"short", "id", "x")


def test_an_account_s_token_does_not_depend_on_how_the_account_is_written() -> None:
    assert account_token(SECRET, "6222 0001") == account_token(SECRET, "62220001")
    assert account_token(SECRET, "62220001").startswith("a")


@given(st.binary(min_size=10, max_size=10))
def test_any_ten_bytes_make_a_resident_s_id(randomness: bytes) -> None:
    assert resident(new_resident_id(randomness)).id == new_resident_id(randomness)


# Who holds it


def test_a_number_that_changed_hands_belongs_to_each_owner_in_their_time() -> None:
    first, second = Owner(ANNA, until=days(-10)), Owner(BORIS, since=days(-10))
    assert holders([second, first], days(-11)) == (ANNA,)
    assert holders([first, second], days(-10)) == (BORIS,)


def test_a_number_given_to_somebody_new_is_theirs_even_if_nobody_ended_it_for_the_one_before() -> None:
    assert holders([Owner(ANNA), Owner(BORIS, since=days(-5))], NOW) == (BORIS, ANNA)


def test_a_family_s_telephone_means_the_one_who_is_primary() -> None:
    father, child = Owner(CHUN, shared=True), Owner(ANNA, shared=True, primary=False, since=days(-1))
    assert holders([child, father], NOW) == (CHUN, ANNA)


def test_of_two_newcomers_with_one_telephone_the_last_is_meant_and_a_registered_holder_before_both() -> None:
    first, last = (Owner(who, primary=False, entered=days(at)) for who, at in ((ANNA, -2), (BORIS, -1)))
    assert holders([first, last], NOW) == (BORIS, ANNA)
    assert holders([first, last, Owner(CHUN, primary=False, shared=True)], NOW) == (CHUN, BORIS, ANNA)


def test_nobody_holds_what_is_held_no_more() -> None:
    assert holders([Owner(ANNA, until=NOW)], NOW) == ()


MOMENTS = st.none() | st.integers(-50, 50).map(days)
SPANS = st.tuples(MOMENTS, MOMENTS, st.booleans(), st.booleans())


def holding(span: tuple[datetime | None, datetime | None, bool, bool], value: str = PHONE) -> Holding:
    since, until, shared, primary = span
    return Holding(value=value, since=since, until=until, shared=shared, primary=primary)


HOLDINGS = st.lists(st.builds(holding, SPANS, st.sampled_from([PHONE, OTHER])), max_size=4)


def holds(entry: Resident, value: str, at: datetime) -> bool:
    return any(each.value == value and held(each, at) for each in owned(entry)[0])


@given(st.permutations([Owner(who, since) for who in (ANNA, BORIS, CHUN) for since in (None, days(-1))]))
def test_the_holders_do_not_depend_on_the_order_they_are_listed_in(listed: Sequence[Owner]) -> None:
    assert holders(listed, NOW) == (ANNA, BORIS, CHUN)


# Merged, split, told anew


@given(HOLDINGS, HOLDINGS, st.integers(-60, 60).map(days), st.sampled_from([PHONE, OTHER]))
def test_merging_keeps_all_history_and_the_merged_entry_is_found_no_more(
    kept: list[Holding], gone: list[Holding], at: datetime, value: str
) -> None:
    one, other = resident(ANNA, *kept), resident(BORIS, *gone)
    keep, signpost = merge(one, other, NOW)
    assert holds(keep, value, at) == (holds(one, value, at) or holds(other, value, at))
    assert BORIS not in holders(owners(keep, signpost), at)
    assert resolve(BORIS, {BORIS: signpost.merged_into}) == ANNA


def test_entries_with_different_id_numbers_or_merged_before_are_not_merged() -> None:
    with pytest.raises(ValueError, match="different ID numbers"):
        merge(resident(ANNA, id_hash="x"), resident(BORIS, id_hash="y"), NOW)
    for keep, gone in ((resident(), resident()), (resident(), resident(BORIS, merged_into=CHUN))):
        with pytest.raises(ValueError, match="two different entries"):
            merge(keep, gone, NOW)


def test_more_telephones_than_an_entry_can_hold_are_refused_by_name_and_not_cut_off() -> None:
    many = [Holding(value=f"+86142000001{n:02}") for n in range(16)]
    with pytest.raises(ValueError, match="phones") as refused:
        merge(resident(ANNA, *many), resident(BORIS, Holding(value=PHONE)), NOW)
    assert "14200" not in str(refused.value)


@given(HOLDINGS, MOMENTS, st.integers(-60, 60).map(days))
def test_after_a_split_each_number_belongs_to_exactly_one_of_the_two_at_any_time(
    holdings: list[Holding], at: datetime | None, asked: datetime
) -> None:
    before = resident(ANNA, *holdings, Holding(value=PHONE))
    old, new = split(before, Part(phones=frozenset({PHONE}), changes={"name": "另一"}), BORIS, at)
    for value in (PHONE, OTHER):
        assert holds(old, value, asked) + holds(new, value, asked) == holds(before, value, asked)
    assert holds(new, PHONE, asked) == (at is None or asked >= at)
    assert (new.name, new.id_hash) == ("另一", None)


def test_an_entry_is_split_only_along_what_it_holds() -> None:
    with pytest.raises(ValueError, match="along what it holds"):
        split(resident(), Part(phones=frozenset({PHONE})), BORIS, NOW)


def test_a_number_left_out_of_a_newer_row_ends_then_and_its_past_stays() -> None:
    now = renewed(resident(ANNA, Holding(value=PHONE)), resident(BORIS, Holding(value=OTHER)), NOW)
    assert now.id == ANNA
    assert holds(now, PHONE, days(-1))
    assert not holds(now, PHONE, NOW)
    assert holds(now, OTHER, NOW)


def test_a_number_named_again_without_dates_keeps_the_dates_known() -> None:
    known = Holding(value=PHONE, since=days(-9))
    assert renewed(resident(ANNA, known), resident(ANNA, Holding(value=PHONE)), NOW).phones == [known]


def test_a_number_given_up_and_named_again_is_held_anew_from_then_on() -> None:
    past = Holding(value=PHONE, until=days(-9))
    now = renewed(resident(ANNA, past), resident(ANNA, Holding(value=PHONE)), NOW)
    assert [holds(now, PHONE, at) for at in (days(-10), days(-5), NOW)] == [True, False, True]


@given(HOLDINGS, HOLDINGS)
def test_telling_the_same_row_twice_changes_nothing(old: list[Holding], new: list[Holding]) -> None:
    once = renewed(resident(ANNA, *old), resident(ANNA, *new), NOW)
    assert renewed(once, resident(ANNA, *new), NOW) == once


def test_the_chain_of_merges_is_followed_to_its_end_and_a_circle_is_refused() -> None:
    assert resolve(ANNA, {ANNA: BORIS, BORIS: CHUN, CHUN: None}) == CHUN
    with pytest.raises(ValueError, match="circle"):
        resolve(ANNA, {ANNA: BORIS, BORIS: ANNA})


# Whom to contact


def test_a_minor_s_warning_goes_to_the_guardian_in_the_guardian_s_language() -> None:
    child = resident(ANNA, Holding(value=PHONE), birth_year=2009, guardian=BORIS)
    guardian = resident(BORIS, Holding(value=OTHER), language=Language.KOREAN)
    there = reach(child, guardian, NOW)
    assert (there.phone, there.language, there.of) == (OTHER, Language.KOREAN, BORIS)


def test_who_turned_eighteen_this_year_is_warned_in_person() -> None:
    grown = resident(ANNA, Holding(value=PHONE), birth_year=2008, guardian=BORIS)
    assert reach(grown, resident(BORIS, Holding(value=OTHER)), NOW).of == ANNA


def test_a_minor_is_warned_in_person_when_the_guardian_has_no_telephone() -> None:
    child = resident(ANNA, Holding(value=PHONE), birth_year=2012, guardian=BORIS)
    assert reach(child, resident(BORIS), NOW).phone == PHONE


def test_a_resident_s_own_telephone_goes_before_the_family_s() -> None:
    family, own = Holding(value=OTHER, shared=True, since=days(-1)), Holding(value=PHONE)
    assert reach(resident(ANNA, family, own), None, NOW).phone == PHONE
    assert reach(resident(ANNA, family), None, NOW).phone == OTHER


def test_the_telephone_is_the_one_held_at_the_time_and_none_when_there_was_none() -> None:
    moved = resident(ANNA, Holding(value=PHONE, until=days(-1)), Holding(value=OTHER, since=days(-1)))
    assert reach(moved, None, days(-2)).phone == PHONE
    assert reach(moved, None, NOW).phone == OTHER
    assert reach(resident(), None, NOW).phone is None


def test_what_others_see_of_a_name_and_a_number() -> None:
    assert mask_name("欧阳某") == "欧**"
    assert mask_phone("+8614200000001") == "**********0001"
    assert mask_phone("96110") == "96110"
    assert phone_tail("+8614200000001") == "0001"


def test_a_change_that_does_not_fit_names_the_field_and_not_the_value() -> None:
    with pytest.raises(ValueError, match="birth_year") as refused:
        changed(resident(), birth_year=31337)
    assert "31337" not in str(refused.value)
