"""The list of the public check follows the watchlist, and answers with buckets of one size."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.access.key_rings import KeyRing
from domain.public_check.buckets import ENTRY_BYTES, CheckStatus, bucket_of, status_in
from domain.public_check.listing import asked_text, listing_of, prefix_of
from domain.public_check.oprf import ElementError, evaluated, hash_to_group, random_scalar, unblinded
from schemas.risk.evidence import WatchEntry, WatchStatus
from schemas.risk.signals import NumberVerdict
from streams.repositories.check_list import MADE_ANEW_SECONDS, BitsChangedError, CheckList
from streams.runtime.settings import Settings

NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
FIRST, SECOND = b"1" * 32, b"2" * 32


class Known:
    """A loaded list at a time that the test sets, and an asker."""

    def __init__(self, settings: Settings) -> None:
        self.at, self.key = NOW, FIRST
        self._settings = settings
        self.list = CheckList(settings, lambda: KeyRing((self.key,)), lambda: self.at)
        self.list._divide()

    def enter(self, number: int, standing: WatchStatus, **more: object) -> None:
        phone = f"+86198{number:08}"
        check = listing_of(self._settings.key(), "phone", phone)
        told = {"subject": f"phone:p{number}", "standing": standing, "at": NOW, "check": check, **more}
        self.list.add_entry(WatchEntry.model_validate(told))

    def ask(self, number: int) -> CheckStatus | None:
        text, blind, bits = asked_text("phone", f"+86198{number:08}"), random_scalar(), self.list.bits
        assert bits is not None
        [(element, bucket)] = self.list.answer(
            bits, [bucket_of(prefix_of(text), bits)], [evaluated(blind, hash_to_group(text))]
        )
        assert len(bucket.entries) == self.list.size * ENTRY_BYTES
        return status_in(bucket.entries, bucket.nonce, unblinded(blind, element))


@pytest.fixture
def known(settings: Settings) -> Known:
    return Known(settings)


def test_a_number_is_reported_then_confirmed_then_lifted(known: Known) -> None:
    assert known.ask(1) is None
    for standing, status in (
        (WatchStatus.REPORTED, CheckStatus.REPORTED),
        (WatchStatus.CONFIRMED, CheckStatus.CONFIRMED),
        (WatchStatus.LIFTED, None),
    ):
        known.enter(1, standing)
        assert (known.ask(1), known.ask(2)) == (status, None)
    assert known.list.listed == 0


def test_a_vendors_verdict_is_of_the_number_and_ends(known: Known) -> None:
    until = NOW + timedelta(hours=1)
    verdict = {"subject": "phone:p7@vendor", "verdict": NumberVerdict.SCAM, "until": until}
    known.enter(7, WatchStatus.RATED, **verdict)
    assert known.ask(7) is CheckStatus.REPORTED
    known.at = until + timedelta(seconds=MADE_ANEW_SECONDS)
    assert known.ask(7) is None


def test_all_verdicts_about_a_number_are_named_whoever_gave_them(known: Known) -> None:
    until = NOW + timedelta(hours=1)
    for subject in ("phone:p7@vendor", "phone:p7@elsewhere", "phone:p8@vendor"):
        known.enter(int(subject[7]), WatchStatus.RATED, subject=subject, verdict=NumberVerdict.SCAM, until=until)
    known.enter(7, WatchStatus.REPORTED)
    assert sorted(known.list.verdicts("phone:p7")) == ["phone:p7@elsewhere", "phone:p7@vendor"]
    assert known.list.verdicts("phone:p9") == []


async def test_ended_verdicts_leave_the_list_so_that_consoles_agree_on_the_buckets(known: Known) -> None:
    until = NOW + timedelta(hours=1)
    for number in range(200):
        verdict = {"subject": f"phone:p{number}@vendor", "verdict": NumberVerdict.SCAM, "until": until}
        known.enter(number, WatchStatus.RATED, **verdict)
    known.enter(7, WatchStatus.CONFIRMED)
    assert (known.list.listed, known.list.bits) == (200, 1)
    known.at = until
    await known.list.relist()
    assert (known.list.listed, known.list.bits) == (1, 0)
    assert (known.ask(7), known.ask(8)) == (CheckStatus.CONFIRMED, None)


def test_a_lifted_number_stays_off_the_list_while_the_topic_is_read_again(known: Known) -> None:
    known.enter(1, WatchStatus.CONFIRMED)
    known.enter(1, WatchStatus.LIFTED, at=NOW + timedelta(minutes=1))
    for again in (WatchStatus.REPORTED, WatchStatus.CONFIRMED):
        known.enter(1, again)
        assert known.ask(1) is None


def test_a_number_lifted_before_the_check_knew_it_is_not_listed_by_a_verdict(known: Known) -> None:
    known.enter(1, WatchStatus.LIFTED, check="")
    until = NOW + timedelta(hours=1)
    known.enter(1, WatchStatus.RATED, subject="phone:p1@vendor", verdict=NumberVerdict.SCAM, until=until)
    assert known.ask(1) is None


def test_buckets_are_divided_as_the_list_grows_and_every_number_is_still_found(known: Known) -> None:
    before = known.list.bits
    for number in range(600):
        known.enter(number, WatchStatus.CONFIRMED)
    assert (before, known.list.bits) == (0, 3)
    assert {known.ask(number) for number in range(0, 600, 20)} == {CheckStatus.CONFIRMED}
    assert {known.ask(number) for number in range(600, 640)} == {None}
    with pytest.raises(BitsChangedError) as raised:
        known.list.answer(0, [0], [hash_to_group(b"x")])
    assert raised.value.bits == 3


async def test_the_key_is_rotated_without_any_number(known: Known) -> None:
    known.enter(1, WatchStatus.CONFIRMED)
    element = hash_to_group(b"x")
    [(before, _)] = known.list.answer(0, [0], [element])
    known.key = SECOND
    await known.list.rotate()
    [(after, _)] = known.list.answer(0, [0], [element])
    assert before != after
    assert known.ask(1) is CheckStatus.CONFIRMED
    known.enter(2, WatchStatus.REPORTED)
    assert known.ask(2) is CheckStatus.REPORTED


def test_hostile_questions_are_refused_and_a_strange_listing_is_left_out(known: Known) -> None:
    with pytest.raises(ElementError):
        known.list.answer(0, [0], [bytes(32)])
    with pytest.raises(ValueError, match="no bucket"):
        known.list.answer(0, [1], [hash_to_group(b"x")])
    with pytest.raises(ValueError, match="no listing"):
        known.list.add_entry(WatchEntry(subject="phone:p9", standing=WatchStatus.CONFIRMED, at=NOW, check="strange"))
    known.list.add_entry(WatchEntry(subject="phone:p9", standing=WatchStatus.CONFIRMED, at=NOW))
    assert known.list.listed == 0


def test_before_it_is_loaded_nothing_is_answered(settings: Settings) -> None:
    empty = CheckList(settings, lambda: KeyRing((FIRST,)), lambda: NOW)
    with pytest.raises(BitsChangedError) as raised:
        empty.answer(0, [0], [hash_to_group(b"x")])
    assert raised.value.bits is None
