"""A request about one's own data: its clock, who may decide, what bars an erasure, what a correction changes."""

from datetime import UTC, date, datetime, timedelta

import pytest

from domain.calendar import JILIN, Calendar, after_working_days
from domain.desk.attention import Concern, subject_requests_late
from domain.desk.subject_requests import (
    SubjectDecisionBar,
    SubjectRequestError,
    by_clock,
    carried_out_by,
    completion_barred,
    decision_barred,
    fields_before,
    fields_given,
    granted,
    granting_barred,
    refusal_barred,
    refused_for,
    request_late,
    with_correction,
)
from domain.policy.retention import SubjectRequestRules
from schemas.people.residents import Occupation, Resident, Sex
from schemas.people.subject_requests import (
    Correction,
    IdentityProof,
    SubjectRefusal,
    SubjectRequest,
    SubjectRequestState,
    SubjectRight,
)

MONDAY = datetime(2026, 3, 2, 3, 12, tzinfo=UTC)
PERSON = "r" + "a" * 16


def asked(right: SubjectRight = SubjectRight.SEE, *, number: int = 1, due: datetime | None = None) -> SubjectRequest:
    return SubjectRequest(
        id=f"s{number:020x}",
        at=MONDAY,
        by="operator-1",
        right=right,
        proof=IdentityProof.IN_PERSON,
        name="某人",
        area="220104",
        resident=PERSON,
        due=due or MONDAY + timedelta(days=21),
    )


def test_fifteen_working_days_end_three_weeks_later_at_midnight_in_jilin() -> None:
    due = SubjectRequestRules().due_of(MONDAY, Calendar())
    assert due.astimezone(JILIN) == datetime(2026, 3, 24, tzinfo=JILIN)


def test_a_holiday_does_not_count_and_a_worked_saturday_does() -> None:
    free = Calendar(free=frozenset({date(2026, 3, 3)}))
    assert after_working_days(MONDAY, 1, free).astimezone(JILIN) == datetime(2026, 3, 5, tzinfo=JILIN)
    worked = Calendar(worked=frozenset({date(2026, 3, 7)}))
    assert after_working_days(MONDAY, 5, worked).astimezone(JILIN) == datetime(2026, 3, 8, tzinfo=JILIN)


def test_a_request_entered_at_night_in_utc_counts_from_its_day_in_jilin() -> None:
    late_on_sunday_utc = datetime(2026, 3, 1, 17, tzinfo=UTC)  # Monday 01:00 in Jilin
    assert after_working_days(late_on_sunday_utc, 1, Calendar()).astimezone(JILIN) == datetime(2026, 3, 4, tzinfo=JILIN)


def test_whoever_entered_a_request_does_not_decide_on_it() -> None:
    request = asked()
    assert decision_barred(request, request.by) is SubjectDecisionBar.SAME_PERSON
    with pytest.raises(SubjectRequestError, match="same_person"):
        granted(request, request.by, MONDAY)
    with pytest.raises(SubjectRequestError, match="same_person"):
        refused_for(request, request.by, MONDAY, SubjectRefusal.INVESTIGATION)


@pytest.mark.parametrize(
    ("right", "open_case", "held", "bar"),
    [
        (SubjectRight.ERASE, True, False, SubjectDecisionBar.OPEN_CASE),
        (SubjectRight.ERASE, False, True, SubjectDecisionBar.LEGAL_HOLD),
        (SubjectRight.ERASE, False, False, None),
        (SubjectRight.SEE, True, True, None),
        (SubjectRight.CORRECT, True, True, None),
    ],
)
def test_an_open_case_and_an_order_to_keep_data_bar_an_erasure_only(
    right: SubjectRight, open_case: bool, held: bool, bar: SubjectDecisionBar | None
) -> None:
    assert granting_barred(asked(right), "supervisor-1", open_case=open_case, held=held) is bar


def test_nothing_is_granted_about_somebody_whom_the_register_does_not_have() -> None:
    nobody = asked().model_copy(update={"resident": None})
    assert granting_barred(nobody, "supervisor-1", open_case=False, held=False) is SubjectDecisionBar.NOT_IN_REGISTER
    refused = refused_for(nobody, "supervisor-1", MONDAY, SubjectRefusal.NOT_IN_REGISTER)
    assert (refused.state, refused.refusal) == (SubjectRequestState.REFUSED, SubjectRefusal.NOT_IN_REGISTER)


def test_a_granted_request_is_done_once_and_a_refused_one_never() -> None:
    agreed = granted(asked(), "supervisor-1", MONDAY)
    done = carried_out_by(agreed, "operator-2", MONDAY)
    assert (done.state, done.done_by, done.ended) == (SubjectRequestState.DONE, "operator-2", True)
    assert carried_out_by(done, "operator-3", MONDAY) == done
    refused = refused_for(asked(), "supervisor-1", MONDAY, SubjectRefusal.INVESTIGATION)
    assert refused_for(refused, "supervisor-1", MONDAY, SubjectRefusal.INVESTIGATION) == refused
    for ended in (refused, done):
        assert decision_barred(ended, "supervisor-2") is SubjectDecisionBar.CHANGED
    with pytest.raises(SubjectRequestError, match="changed"):
        carried_out_by(refused, "operator-2", MONDAY)


@pytest.mark.parametrize("right", list(SubjectRight))
def test_a_granted_request_that_cannot_be_carried_out_ends_with_a_reason(right: SubjectRight) -> None:
    agreed = granted(asked(right), "supervisor-1", MONDAY)
    assert refusal_barred(agreed, agreed.by) is SubjectDecisionBar.SAME_PERSON
    refused = refused_for(agreed, "supervisor-2", MONDAY, SubjectRefusal.LEGAL_HOLD)
    assert (refused.state, refused.decided_by, refused.ended) == (SubjectRequestState.REFUSED, "supervisor-2", True)
    with pytest.raises(SubjectRequestError, match="changed"):
        refused_for(carried_out_by(agreed, "operator-2", MONDAY), "supervisor-2", MONDAY, SubjectRefusal.LEGAL_HOLD)


@pytest.mark.parametrize(
    ("name", "by", "bar"),
    [
        ("甲", "supervisor-2", None),  # as it was
        ("乙", "supervisor-2", None),  # as it shall be
        ("丙", "supervisor-2", SubjectDecisionBar.CHANGED),
        ("甲", "operator-1", SubjectDecisionBar.SAME_PERSON),
    ],
)
def test_an_interrupted_correction_is_completed_by_another_unless_the_entry_changed(
    name: str, by: str, bar: SubjectDecisionBar | None
) -> None:
    request = asked(SubjectRight.CORRECT).model_copy(update={"correction": Correction(name="乙")})
    agreed = granted(request, "supervisor-1", MONDAY, Correction(name="甲"))
    entry = Resident(
        id=PERSON, name=name, birth_year=1950, sex=Sex.MALE, occupation=Occupation.RETIRED, division="220104"
    )
    assert completion_barred(agreed, by, entry) is bar


def test_a_correction_changes_only_its_own_fields_and_says_how_they_were() -> None:
    person = Resident(
        id=PERSON, name="甲", birth_year=1950, sex=Sex.MALE, occupation=Occupation.RETIRED, division="220104"
    )
    correction = Correction(name="乙", birth_year=1951)
    assert fields_given(correction) == ["name", "birth_year"]
    assert fields_before(person, correction) == Correction(name="甲", birth_year=1950)
    assert with_correction(person, correction) == person.model_copy(update={"name": "乙", "birth_year": 1951})


def test_only_a_request_whose_clock_has_ended_needs_the_supervisor() -> None:
    request = asked()
    assert subject_requests_late([request], request.due - timedelta(seconds=1)) == []
    (found,) = subject_requests_late([request], request.due)
    assert (found.topic, found.at, found.about) == (Concern.SUBJECT_REQUEST, request.due, request)
    agreed = granted(request, "supervisor-1", MONDAY)
    assert request_late(agreed, request.due)  # granted, and still not carried out
    assert not request_late(carried_out_by(agreed, "operator-2", MONDAY), request.due)


def test_the_first_to_be_late_stands_first_and_ended_ones_last() -> None:
    soon, later = asked(number=1, due=MONDAY + timedelta(days=1)), asked(number=2)
    ended = refused_for(asked(number=3), "supervisor-1", MONDAY, SubjectRefusal.NOT_IDENTIFIED)
    assert by_clock([ended, later, soon]) == [soon, later, ended]
