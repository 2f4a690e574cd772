"""A complaint's way and its two clocks."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.desk.complaints import (
    DECISION,
    FIRST_ANSWER,
    ChangedError,
    EndedError,
    new_complaint,
    next_due,
    open_consequences,
    overdue,
    sorted_complaints,
    with_entry,
)
from schemas.people.complaints import Complaint, ComplaintKind, ComplaintState, Deed, Entry
from tests.domain.builders import NOON, RESIDENT

HOUR = timedelta(hours=1)


def entry(did: Deed, name: str = "", at: datetime = NOON) -> Entry:
    return Entry(id=name or did.value, at=at, by="li", did=did, note="as told")


def complaint(
    kind: ComplaintKind = ComplaintKind.WARNED_WRONGLY,
    at: datetime = NOON,
    resident: str | None = RESIDENT,
    case: str | None = f"{RESIDENT}-1",
    number: int = 1,
) -> Complaint:
    name = f"k{number:020x}"
    return new_complaint(name, entry(Deed.TAKEN, at=at), kind, "no danger", "220104", resident=resident, case=case)


def test_a_first_answer_is_owed_within_a_day_and_then_the_decision_within_a_week() -> None:
    made = complaint()
    assert next_due(made) == NOON + FIRST_ANSWER
    answered = with_entry(made, entry(Deed.ANSWERED), made.version)
    assert (answered.state, next_due(answered)) == (ComplaintState.ANSWERED, NOON + DECISION)
    decided = with_entry(answered, entry(Deed.UPHELD), answered.version)
    assert (decided.state, next_due(decided)) == (ComplaintState.UPHELD, None)


def test_a_complaint_is_overdue_from_its_time_on_until_what_is_owed_was_done() -> None:
    made = complaint()
    assert not overdue(made, NOON + FIRST_ANSWER - timedelta(seconds=1))
    assert overdue(made, NOON + FIRST_ANSWER)
    assert not overdue(with_entry(made, entry(Deed.ANSWERED), made.version), NOON + FIRST_ANSWER)


def test_a_form_sent_twice_counts_once() -> None:
    made = complaint()
    once = with_entry(made, entry(Deed.ANSWERED), made.version)
    assert with_entry(once, entry(Deed.ANSWERED), made.version) is once


def test_what_was_seen_on_an_old_screen_is_refused() -> None:
    made = complaint()
    newer = with_entry(made, entry(Deed.ASSIGNED), made.version, assigned="han")
    assert newer.assigned == "han"
    with pytest.raises(ChangedError, match="version 2, seen was 1"):
        with_entry(newer, entry(Deed.UPHELD), made.version)


def test_a_decided_complaint_is_not_decided_again_but_what_follows_is_noted() -> None:
    made = complaint()
    decided = with_entry(made, entry(Deed.UPHELD), made.version)
    with pytest.raises(EndedError):
        with_entry(decided, entry(Deed.NOT_UPHELD), decided.version)
    assert with_entry(decided, entry(Deed.FALSE_ALARM), decided.version).state is ComplaintState.UPHELD


@pytest.mark.parametrize(
    ("kind", "possible"),
    [
        (ComplaintKind.WARNED_WRONGLY, [Deed.FALSE_ALARM, Deed.NO_CALLS]),
        (ComplaintKind.TOO_OFTEN, [Deed.NO_CALLS]),
        (ComplaintKind.DATA_WRONG, [Deed.DATA_REFERRED]),
        (ComplaintKind.STOP_WRONG, [Deed.RELEASE_ASKED, Deed.FALSE_ALARM]),
    ],
)
def test_what_may_follow_depends_on_what_is_complained_of(kind: ComplaintKind, possible: list[Deed]) -> None:
    made = complaint(kind)
    assert open_consequences(made) == possible
    assert possible[0] not in open_consequences(with_entry(made, entry(possible[0]), made.version))


def test_without_a_case_no_case_is_cleared_and_without_a_resident_nobody_is_flagged() -> None:
    assert open_consequences(complaint(case=None)) == [Deed.NO_CALLS]
    assert open_consequences(complaint(resident=None, case=None)) == []


@given(st.lists(st.integers(0, 500), min_size=1, max_size=20))
def test_what_is_owed_soonest_comes_first_and_what_is_decided_last(hours: list[int]) -> None:
    made = [complaint(at=NOON + n * HOUR, number=place + 1) for place, n in enumerate(hours)]
    decided = with_entry(made[0], entry(Deed.UPHELD), made[0].version)
    found = sorted_complaints([decided, *made[1:]])
    dues = [owed for each in found if (owed := next_due(each)) is not None]
    assert dues == sorted(dues)
    assert found[-1] is decided
