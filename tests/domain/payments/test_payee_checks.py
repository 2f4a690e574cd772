"""What a bank is answered about a payee, and by which name it tells that the payment was abandoned."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.payments.payee_checks import RANDOM, PayeeCheckResult, answer_named, check_name, known_of
from schemas.risk.evidence import WatchEntry, WatchStatus
from schemas.risk.payee_checks import PayeeAnswer, PayeeReason

NOW = datetime(2026, 3, 1, 4, 30, tzinfo=UTC)
SECRET, RANDOMNESS = b"s" * 32, b"r" * RANDOM
NONE = PayeeCheckResult(PayeeAnswer.NOT_KNOWN, PayeeReason.NO_ENTRY)


def entry(standing: WatchStatus) -> WatchEntry:
    return WatchEntry(subject="link:l1", standing=standing, at=NOW)


CONFIRMED, REPORTED, LIFTED = map(entry, (WatchStatus.CONFIRMED, WatchStatus.REPORTED, WatchStatus.LIFTED))


def test_an_entry_is_answered_with_its_standing_and_since_when() -> None:
    assert known_of([CONFIRMED]) == PayeeCheckResult(PayeeAnswer.CONFIRMED, PayeeReason.LISTED, NOW)
    assert known_of([REPORTED]) == PayeeCheckResult(PayeeAnswer.REPORTED, PayeeReason.REPORT_UNVERIFIED, NOW)


def test_who_was_lifted_is_answered_as_if_never_listed() -> None:
    assert known_of([LIFTED]) == known_of([None]) == NONE


def test_a_confirmed_domain_covers_the_links_below_it() -> None:
    assert known_of([None, None, CONFIRMED]) == PayeeCheckResult(PayeeAnswer.CONFIRMED, PayeeReason.DOMAIN_LISTED, NOW)
    assert known_of([REPORTED, CONFIRMED]).answer is PayeeAnswer.CONFIRMED
    assert known_of([LIFTED, CONFIRMED]).answer is PayeeAnswer.CONFIRMED


def test_a_report_about_a_domain_says_nothing_of_the_links_below_it() -> None:
    assert known_of([None, REPORTED]) == NONE


@pytest.mark.parametrize("answer", PayeeAnswer)
def test_a_check_s_name_says_to_its_own_source_what_was_answered(answer: PayeeAnswer) -> None:
    name = check_name(SECRET, "bank", answer, NOW, RANDOMNESS)
    assert len(name) == 40
    assert answer_named(SECRET, "bank", name, NOW + timedelta(hours=24)) is answer


def test_a_name_of_another_source_another_key_or_a_changed_one_is_refused() -> None:
    name = check_name(SECRET, "bank", PayeeAnswer.REPORTED, NOW, RANDOMNESS)
    changed = ("B" if name[0] == "A" else "A") + name[1:]
    for secret, source, given in ((SECRET, "other", name), (b"t" * 32, "bank", name), (SECRET, "bank", changed)):
        with pytest.raises(ValueError, match="no check of this source"):
            answer_named(secret, source, given, NOW)


def test_after_a_day_a_name_is_refused() -> None:
    name = check_name(SECRET, "bank", PayeeAnswer.REPORTED, NOW, RANDOMNESS)
    with pytest.raises(ValueError, match="more than a day"):
        answer_named(SECRET, "bank", name, NOW + timedelta(hours=24, seconds=1))


def test_a_name_needs_its_randomness() -> None:
    with pytest.raises(ValueError, match="random bytes"):
        check_name(SECRET, "bank", PayeeAnswer.REPORTED, NOW, b"")
