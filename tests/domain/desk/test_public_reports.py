"""Reports of the public page: their clock, the first decision that stays, and the days after which they go."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.desk import public_reports as rules
from domain.desk.attention import Concern, attention, unchecked
from domain.desk.paid_at import paid_at
from domain.identity.personal import WITHHELD, parted, without
from schemas.people.public_reports import PublicReport, PublicReportState, RejectedAs
from tests.domain.builders import NOON

MINUTE = timedelta(minutes=1)
TOLD = {
    "name": "某新",
    "phone": "+8619800099021",
    "from_bank": "某银行",
    "from_account": "6200000000000001",
    "payee": "6200000000000002",
    "holder": "某某",
    "to_bank": "工行",
    "scammer_phone": "+8619800099022",
    "wechat": "wx-invented",
    "scam_link": "https://scam.invalid/a",
    "text": "自称公安",
}


def report(number: int = 1, /, **fields: object) -> PublicReport:
    told = {"id": f"w{number:020x}", "at": NOON, "place": "220102", "amount_fen": 2_000_000, **TOLD, **fields}
    return PublicReport.model_validate(told)


def test_a_report_waits_with_a_clock_of_ten_minutes_for_the_supervisor_too() -> None:
    assert rules.check_due(report()) == NOON + 10 * MINUTE
    (matter,) = attention(unchecked([report()])).shown
    assert (matter.topic, matter.at) == (Concern.PUBLIC_REPORT, NOON + 10 * MINUTE)


def test_the_oldest_report_waits_first_and_the_latest_decision_is_shown_first() -> None:
    old, new = report(1), report(2, at=NOON + MINUTE)
    assert rules.waiting_reports([new, old]) == [old, new]
    done = [rules.rejected(each, "li", each.at + MINUTE, RejectedAs.NOT_FRAUD) for each in (old, new)]
    assert rules.decided_reports(done, 1) == [done[1]]
    assert rules.waiting_reports(done) == []


def test_the_first_decision_stays() -> None:
    checked = rules.checked(report(), "li", NOON, "c-1")
    assert (checked.state, checked.decided_by, checked.case) == (PublicReportState.CHECKED, "li", "c-1")
    assert rules.rejected(checked, "bo", NOON, RejectedAs.DENIED) == checked
    refused = rules.rejected(report(), "bo", NOON, RejectedAs.DENIED)
    assert (refused.state, refused.rejected_as, refused.case) == (PublicReportState.REJECTED, RejectedAs.DENIED, None)
    assert rules.checked(refused, "li", NOON, "c-1") == refused
    assert rules.being_checked(refused, "li", NOON) == refused


def test_a_report_goes_when_its_days_are_over_whatever_became_of_it() -> None:
    days = timedelta(days=120)
    for each in (report(), rules.checked(report(), "li", NOON, None)):
        assert not rules.expired(each, days, NOON + days - MINUTE)
        assert rules.expired(each, days, NOON + days)


def test_nothing_that_identifies_a_person_is_left_outside_the_encrypted_part() -> None:
    left = report().model_dump(mode="json")
    assert parted(left) is not None
    assert not any(value in str(left) for value in TOLD.values())
    assert without(report()).name == WITHHELD


def test_a_reference_number_is_said_in_groups_and_is_the_same_each_time() -> None:
    number = rules.reference_number(report().id)
    assert number == rules.reference_number(report().id) != rules.reference_number(report(2).id)
    assert [len(part) for part in number.split("-")] == [4, 4, 4]


def test_a_correction_counts_until_the_check_begins_and_keeps_the_time() -> None:
    mended = report(at=NOON + MINUTE, text="二")
    assert rules.corrected_report(report(), mended) == report(text="二")
    taken = rules.being_checked(report(), "li", NOON)
    assert rules.corrected_report(taken, mended) == taken
    assert not rules.same_statement(taken, mended)
    assert rules.same_statement(taken, report(at=NOON + MINUTE))


@pytest.mark.parametrize("written", ["{}", " {} ", "{}。"])
def test_a_reference_number_is_found_however_it_is_typed(written: str) -> None:
    number = rules.reference_number(report().id)
    assert rules.typed_reference(written.format(number)) == number
    assert rules.typed_reference(written.format(number.replace("-", ""))) == number


@pytest.mark.parametrize("text", ["", "4817-3305", "4817-3305-11921", "４８１７-3305-1192", "abcd-efgh-ijkl"])
def test_what_is_no_reference_number_finds_nothing(text: str) -> None:
    assert rules.typed_reference(text) == ""


@given(st.integers(0, 364 * 24 * 60))
def test_the_time_of_payment_is_the_same_once_an_operator_sends_the_form(minutes: int) -> None:
    at = NOON - minutes * MINUTE
    assert paid_at(rules.paid_text(at), NOON) == at


@pytest.mark.parametrize(("field", "value"), [("text", "x" * 1001), ("scam_link", "x" * 301), ("place", "2201")])
def test_what_is_too_long_or_no_county_is_refused(field: str, value: str) -> None:
    with pytest.raises(ValidationError):
        report(**{field: value})
