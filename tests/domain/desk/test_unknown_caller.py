"""A caller whom nobody knows gets one entry, however often the form is sent; a place is found by part of its name."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from domain.desk.unknown_caller import ASSUMED_AGE, Newcomer, caller_entry, named_place
from domain.identity.entries import changed, merge
from domain.identity.identifiers import held, stated_age
from schemas.people.residents import AssumedField, ReportSource, Sex
from streams.screening.evaluation import profile_of

AT = datetime(2026, 3, 2, 3, 12, tzinfo=UTC)
PLACES = {"220102": "长春市 南关区", "220103": "长春市 宽城区", "222401": "延边州 延吉市"}


SAID = Newcomer("某某", "220102")


def test_the_same_call_gives_the_same_entry_and_another_call_another() -> None:
    one = caller_entry("c1", AT, "+8619800000001", SAID)
    assert caller_entry("c1", AT, "+8619800000001", SAID) == one
    assert caller_entry("c2", AT, "+8619800000001", SAID).id != one.id
    assert (one.phones[0].since, one.birth_year) == (AT, 2026 - ASSUMED_AGE)


def test_the_entry_is_marked_with_who_made_it_until_the_register_confirms_it() -> None:
    assert caller_entry("c1", AT, "+8619800000001", SAID).provisional is ReportSource.HOTLINE
    of_police = replace(SAID, source=ReportSource.EMERGENCY)
    assert caller_entry("c1", AT, "+8619800000001", of_police).provisional is ReportSource.EMERGENCY


def test_what_was_asked_is_kept() -> None:
    said = replace(SAID, birth_year=1955, sex=Sex.FEMALE, id_hash="h", account="9900000001")
    entry = caller_entry("c1", AT, "+8619800000001", said)
    assert (entry.birth_year, entry.sex, entry.id_hash) == (1955, Sex.FEMALE, "h")
    assert [held(each, AT - timedelta(hours=3)) for each in entry.accounts] == [True]


def test_what_was_not_asked_is_marked_as_assumed_until_somebody_says_it() -> None:
    entry = caller_entry("c1", AT, "+8619800000001", SAID)
    assert set(entry.assumed) == {AssumedField.BIRTH_YEAR, AssumedField.SEX, AssumedField.OCCUPATION}
    assert stated_age(profile_of(entry, AT), AT) is None
    asked = caller_entry("c1", AT, "+8619800000001", replace(SAID, birth_year=1955))
    assert (set(asked.assumed), stated_age(profile_of(asked, AT), AT)) == (
        {AssumedField.SEX, AssumedField.OCCUPATION},
        71,
    )
    assert changed(entry, sex=Sex.FEMALE, occupation=entry.occupation).assumed == {AssumedField.BIRTH_YEAR}


def test_two_entries_of_one_person_keep_what_either_knows() -> None:
    one = caller_entry("c1", AT, "+8619800000001", replace(SAID, sex=Sex.FEMALE))
    two = caller_entry("c2", AT, "+8619800000002", replace(SAID, birth_year=1955))
    kept, _ = merge(one, two, AT)
    assert (set(kept.assumed), kept.birth_year, kept.sex) == ({AssumedField.OCCUPATION}, 1955, Sex.FEMALE)


def test_a_place_is_found_by_its_name_its_code_or_a_part_that_no_other_has() -> None:
    assert [named_place(text, PLACES) for text in ("长春市 南关区", "220102", "南关", " 延吉 ")] == [
        "220102",
        "220102",
        "220102",
        "222401",
    ]
    assert [named_place(text, PLACES) for text in ("长春市", "", "沈阳")] == [None, None, None]


def test_a_place_is_known_by_its_name_in_another_language() -> None:
    english = {"220102": "Changchun Nanguan District", "222401": "Yanbian Yanji"}
    assert [named_place(text, english, PLACES) for text in ("yanji", "延吉", "沈阳")] == ["222401", "222401", None]
