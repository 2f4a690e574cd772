"""Lifting a stop: asked by one, decided by another, within a day."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.payments import releases
from domain.payments.releases import Why
from schemas.casework.inputs import BankState
from schemas.channels.releases import ReleaseRequest, ReleaseState
from tests.domain.builders import NOON, Line
from tests.domain.casework.journal import Journal, red_with_money

LOGINS = st.from_regex(r"[a-z0-9][a-z0-9._-]{1,63}", fullmatch=True)


def stopped() -> Journal:
    """A case whose payment is stopped."""
    line = red_with_money()
    line.pass_to(timedelta(minutes=2))
    line.bank(BankState.IN_FORCE, amount=400_000)
    return line


def ask(
    line: Line, *known: ReleaseRequest, name: str = "q1", by: str = "anna", number: int = 0
) -> ReleaseRequest | Why:
    return releases.asked(
        line.here, number, known, name=name, by=by, reason="the rent is due", evidence="a bill", now=NOON
    )


def request(name: str = "q1", by: str = "anna", **fields: object) -> ReleaseRequest:
    found = ask(stopped(), name=name, by=by)
    assert isinstance(found, ReleaseRequest)
    return found.model_copy(update=fields)


def test_a_request_has_to_be_decided_within_a_day() -> None:
    found = request()
    assert (found.due, found.state) == (NOON + timedelta(hours=24), ReleaseState.ASKED)
    assert not releases.overdue(found, NOON + timedelta(hours=23))
    assert releases.overdue(found, NOON + timedelta(hours=24))


def test_nothing_is_asked_for_where_no_stop_stands() -> None:
    assert ask(red_with_money()) is Why.NO_STOP
    assert ask(stopped(), number=7) is Why.NO_STOP
    lifted = stopped()
    lifted.bank(BankState.RELEASED)
    assert ask(lifted) is Why.NO_STOP


def test_of_one_stop_only_one_request_waits() -> None:
    line = stopped()
    first = ask(line)
    assert isinstance(first, ReleaseRequest)
    assert ask(line, first, name="q2") is Why.ASKED_ALREADY
    refused = releases.decided(first, ReleaseState.REFUSED, "bert", "no proof", NOON)
    assert isinstance(ask(line, refused, name="q2"), ReleaseRequest), "a refused one may be asked for anew"


def test_who_asked_does_not_decide() -> None:
    found = request(by="anna")
    assert releases.may_not_decide(found, "anna") is Why.SAME_PERSON
    with pytest.raises(ValueError, match="same_person"):
        releases.decided(found, ReleaseState.APPROVED, "anna", "", NOON)


def test_what_was_decided_stays_decided() -> None:
    found = releases.decided(request(), ReleaseState.REFUSED, "bert", "no proof", NOON)
    assert releases.may_not_decide(found, "carl") is Why.DECIDED
    assert not releases.overdue(found, NOON + timedelta(days=9))


def test_the_overdue_stand_on_top_and_the_decided_below() -> None:
    late, soon = request("q1", due=NOON), request("q2", due=NOON + timedelta(hours=1))
    done = releases.decided(request("q3", due=NOON - timedelta(hours=1)), ReleaseState.APPROVED, "bert", "", NOON)
    assert [each.id for each in releases.in_order([done, soon, late])] == ["q1", "q2", "q3"]


@given(LOGINS, LOGINS)
def test_only_another_than_who_asked_may_decide(asker: str, decider: str) -> None:
    found = request().model_copy(update={"asked_by": asker})
    assert (releases.may_not_decide(found, decider) is Why.SAME_PERSON) == (asker == decider)


def test_the_case_is_told_the_reason_as_it_was_written_the_request_and_who_asked() -> None:
    found = request().model_copy(update={"asked_by": "a" * 64, "reason": "r" * 300})
    act = releases.act_of(found)
    assert (act.reason, act.asked_by, act.request) == ("r" * 300, "a" * 64, found.id)


def test_the_case_tells_who_has_approved_a_request_though_nobody_has_noted_it() -> None:
    line = stopped()
    found = ask(line)
    assert isinstance(found, ReleaseRequest)
    assert releases.approver(found, line.here) is None
    line.act(releases.act_of(found), by="bert")
    assert releases.approver(found, line.here) == "bert"
    assert releases.approver(found.model_copy(update={"id": "q2"}), line.here) is None
    line.bank(BankState.RELEASED)
    assert releases.approver(found, line.here) == "bert", "also once the stop is lifted"


def test_an_approval_that_the_case_refused_is_none() -> None:
    line = stopped()
    found = ask(line)
    assert isinstance(found, ReleaseRequest)
    line.act(releases.act_of(found), by="bert", seen=1)
    assert releases.approver(found, line.here) is None


@given(LOGINS, st.text(min_size=2, max_size=300))
def test_whatever_the_reason_says_the_approver_is_who_approved(by: str, reason: str) -> None:
    line = stopped()
    found = ask(line)
    assert isinstance(found, ReleaseRequest)
    found = ReleaseRequest.model_validate({**found.model_dump(), "reason": f"-- {reason}"[:300]})
    line.act(releases.act_of(found), by=by)
    assert releases.approver(found, line.here) == by
