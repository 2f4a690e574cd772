"""Which suspects are shared with other centres, and when they are withdrawn."""

from datetime import timedelta

import pytest

from domain.risk.fan_out import EarlierPayments, entered
from domain.risk.sharing import carried, may_receive, shareable, shared
from schemas.risk.evidence import WatchEntry, WatchStatus
from schemas.risk.sharing import Tlp
from tests.domain.risk.riskworld import NOW, RULES

NUMBER = "6200000000000001"
CONFIRMED, LIFTED, REPORTED = WatchStatus.CONFIRMED, WatchStatus.LIFTED, WatchStatus.REPORTED


def entry(minute: int, standing: WatchStatus = CONFIRMED, tlp: Tlp | None = None, source: str = "police") -> WatchEntry:
    at = NOW + timedelta(minutes=minute)
    return WatchEntry(subject="account:a1", standing=standing, at=at, tlp=tlp, uid=f"{source}:{minute}")


def after(*entries: WatchEntry) -> WatchEntry:
    """The entry in force after these came in, in order, each with what it inherits."""
    stands: WatchEntry | None = None
    for each in entries:
        stands = entered(each, stands, EarlierPayments(0, 0), RULES, NOW)
    assert stands is not None
    return stands


@pytest.mark.parametrize("tlp", [None, Tlp.RED, Tlp.AMBER_STRICT])
def test_an_unmarked_suspect_and_one_marked_for_fewer_stay_here(tlp: Tlp | None) -> None:
    assert shared(after(entry(0, tlp=tlp)), NUMBER) is None
    assert not shareable(tlp)


def test_a_marked_suspect_is_shared_with_its_number_and_mark() -> None:
    found = shared(after(entry(0, tlp=Tlp.GREEN)), NUMBER)
    assert found is not None
    assert (found.suspect, found.tlp, found.since, found.revoked) == (NUMBER, Tlp.GREEN, NOW, False)


def test_a_report_is_never_shared() -> None:
    assert shared(after(entry(0, REPORTED)), NUMBER) is None
    assert shared(after(entry(0, REPORTED), entry(1, LIFTED)), NUMBER) is None


def test_a_second_confirmation_without_a_mark_keeps_the_first_ones() -> None:
    found = shared(after(entry(0, tlp=Tlp.AMBER), entry(5)), NUMBER)
    assert found is not None
    assert (found.tlp, found.since, found.at) == (Tlp.AMBER, NOW, NOW + timedelta(minutes=5))


@pytest.mark.parametrize("end", [entry(5, LIFTED), entry(5, tlp=Tlp.RED), entry(5, tlp=Tlp.AMBER_STRICT)])
def test_a_suspect_that_is_lifted_or_marked_for_fewer_is_withdrawn_from_those_who_may_have_had_it(
    end: WatchEntry,
) -> None:
    found = shared(after(entry(0, tlp=Tlp.GREEN), entry(2, tlp=Tlp.AMBER), end), NUMBER)
    assert found is not None
    assert (found.revoked, found.tlp, found.since) == (True, Tlp.GREEN, NOW)


def test_a_withdrawal_stays_one_when_the_suspect_is_lifted_again_or_confirmed_without_a_mark() -> None:
    for last in (entry(7, LIFTED), entry(7)):
        found = shared(after(entry(0, tlp=Tlp.GREEN), entry(5, LIFTED), last), NUMBER)
        assert found is not None
        assert found.revoked


def test_a_suspect_that_is_marked_again_after_a_withdrawal_is_shared_anew() -> None:
    found = shared(after(entry(0, tlp=Tlp.GREEN), entry(5, LIFTED), entry(9, tlp=Tlp.AMBER)), NUMBER)
    assert found is not None
    assert (found.revoked, found.tlp, found.since) == (False, Tlp.AMBER, NOW + timedelta(minutes=9))


def test_a_second_source_does_not_widen_the_mark_of_the_first() -> None:
    for strict in (Tlp.RED, Tlp.AMBER_STRICT):
        for between in ([], [entry(3, source="bank")]):
            stands = after(entry(0, tlp=strict), *between, entry(5, tlp=Tlp.CLEAR, source="bank"))
            assert stands.tlp is strict
            assert shared(stands, NUMBER) is None


def test_a_source_widens_only_its_own_mark() -> None:
    first, second = entry(0, tlp=Tlp.AMBER), entry(2, tlp=Tlp.GREEN, source="bank")
    assert after(first, second).tlp is Tlp.AMBER
    assert after(first, second, entry(4, tlp=Tlp.CLEAR)).tlp is Tlp.GREEN
    assert after(first, entry(2, LIFTED), entry(4, tlp=Tlp.CLEAR, source="bank")).tlp is Tlp.CLEAR


def test_what_another_centre_marked_is_not_passed_on() -> None:
    assert shared(after(entry(0, WatchStatus.RATED, Tlp.CLEAR)), NUMBER) is None


def test_an_entry_that_was_never_shared_tells_nothing_when_it_is_lifted() -> None:
    assert shared(after(entry(0), entry(5, LIFTED)), NUMBER) is None
    assert carried(entry(0), None).shared_since is None


@pytest.mark.parametrize(
    ("tlp", "highest", "may"),
    [
        (Tlp.CLEAR, Tlp.CLEAR, True),
        (Tlp.GREEN, Tlp.CLEAR, False),
        (Tlp.GREEN, Tlp.AMBER, True),
        (Tlp.AMBER, Tlp.AMBER, True),
        (Tlp.RED, Tlp.AMBER, False),
        (Tlp.CLEAR, Tlp.RED, False),
    ],
)
def test_a_recipient_gets_what_is_marked_up_to_its_level(tlp: Tlp, highest: Tlp, may: bool) -> None:
    assert may_receive(tlp, highest) is may
