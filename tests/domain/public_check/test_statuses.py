"""Which numbers the list has: a decision counts before a vendor's verdict, and a lifted number is never listed."""

from datetime import UTC, datetime, timedelta

from domain.public_check.buckets import CheckStatus
from domain.public_check.statuses import A_DAY, AN_HOUR, LINK_FORMS, MOBILE_NUMBERS, check_status, years_to_copy
from schemas.people.public_check import MOST_ELEMENTS
from schemas.risk.evidence import WatchEntry, WatchStatus
from schemas.risk.sharing import Tlp
from schemas.risk.signals import NumberVerdict

NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)


def own(standing: WatchStatus) -> WatchEntry:
    return WatchEntry(subject="phone:p1", standing=standing, at=NOW)


def rated(verdict: NumberVerdict, days: int = 1, tlp: Tlp | None = None, confidence: int | None = None) -> WatchEntry:
    at, until = NOW - timedelta(days=9), NOW + timedelta(days=days)
    told = {"at": at, "verdict": verdict, "until": until, "tlp": tlp, "confidence": confidence}
    return WatchEntry.model_validate({"subject": "phone:p1@v", "standing": WatchStatus.RATED, **told})


def test_a_number_is_confirmed_reported_or_not_listed() -> None:
    assert check_status([own(WatchStatus.CONFIRMED)], NOW) is CheckStatus.CONFIRMED
    assert check_status([own(WatchStatus.REPORTED)], NOW) is CheckStatus.REPORTED
    assert check_status([], NOW) is None


def test_a_lifted_number_is_not_listed_whatever_vendors_say() -> None:
    for entries in (
        [own(WatchStatus.LIFTED), rated(NumberVerdict.SCAM)],
        [rated(NumberVerdict.SCAM), own(WatchStatus.LIFTED)],
    ):
        assert check_status(entries, NOW) is None


def test_a_vendors_verdict_lists_a_number_as_long_as_it_is_in_force() -> None:
    assert check_status([rated(NumberVerdict.SCAM)], NOW) is CheckStatus.REPORTED
    assert check_status([rated(NumberVerdict.SCAM, days=0)], NOW) is None
    assert check_status([rated(NumberVerdict.NUISANCE), rated(NumberVerdict.CLEAN)], NOW) is None
    assert check_status([own(WatchStatus.CONFIRMED), rated(NumberVerdict.CLEAN)], NOW) is CheckStatus.CONFIRMED


def test_what_another_centre_did_not_mark_for_the_public_is_not_told_to_it() -> None:
    told = [tlp for tlp in Tlp if check_status([rated(NumberVerdict.SCAM, tlp=tlp)], NOW) is not None]
    assert told == [Tlp.CLEAR]


def test_a_verdict_whose_source_is_hardly_sure_lists_nobody() -> None:
    listed = {
        confidence: check_status([rated(NumberVerdict.SCAM, tlp=Tlp.CLEAR, confidence=confidence)], NOW) is not None
        for confidence in (None, 1, 29, 30, 100)
    }
    assert listed == {None: True, 1: False, 29: False, 30: True, 100: True}


def test_nobody_copies_the_list_in_a_lifetime() -> None:
    assert years_to_copy(AN_HOUR) > 50
    assert years_to_copy(A_DAY / 24) > 100_000
    assert round(years_to_copy(1, MOBILE_NUMBERS)) == 11_415_525


def test_a_question_about_a_link_fits_into_one_question() -> None:
    assert LINK_FORMS == MOST_ELEMENTS
