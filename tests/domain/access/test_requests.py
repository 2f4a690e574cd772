"""Acts of administration by two persons, and the acts that are left to programs."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.access import requests
from domain.access.accounts import permits
from domain.access.requests import WITHIN, RequestRefusal
from schemas.administration.requests import AdminAct, AdminRequest, RequestState
from schemas.people.staff import Scope

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


def asked(act: AdminAct = AdminAct.ONE_TIME, **fields: str) -> AdminRequest:
    return requests.new_request(act, "zhang", fields, name="a1", by="wang", now=NOW)


@pytest.mark.parametrize(
    ("by", "after", "why"),
    [
        ("li", timedelta(0), None),
        ("wang", timedelta(0), RequestRefusal.SAME_PERSON),
        ("zhang", timedelta(0), RequestRefusal.OWN_ACCOUNT),
        ("li", WITHIN, RequestRefusal.LAPSED),
    ],
)
def test_another_person_decides_in_time_and_not_about_the_own_account(
    by: str, after: timedelta, why: RequestRefusal | None
) -> None:
    assert requests.decision_refused(asked(), by, NOW + after) is why


def test_a_webhook_of_a_host_that_is_called_like_a_person_is_nobodys_account() -> None:
    assert requests.decision_refused(asked(AdminAct.WEBHOOK_NEW), "zhang", NOW) is None


def test_a_decision_is_made_once() -> None:
    after = requests.with_decision(asked(), RequestState.CONFIRMED, "li", NOW)
    assert requests.decision_refused(after, "zhao", NOW) is RequestRefusal.DECIDED
    with pytest.raises(ValueError, match="decided"):
        requests.with_decision(after, RequestState.REFUSED, "zhao", NOW, "no")


def test_the_asker_alone_carries_out_what_was_confirmed_once_and_in_time() -> None:
    assert requests.carrying_out_refused(asked(), "wang", NOW) is RequestRefusal.NOT_CONFIRMED
    after = requests.with_decision(asked(), RequestState.CONFIRMED, "li", NOW + WITHIN / 2)
    assert requests.carrying_out_refused(after, "wang", NOW + WITHIN) is None
    assert requests.carrying_out_refused(after, "li", NOW + WITHIN) is RequestRefusal.NOT_ASKER
    assert requests.carrying_out_refused(after, "wang", NOW + 2 * WITHIN) is RequestRefusal.LAPSED
    assert requests.carrying_out_refused(requests.carried_out(after), "wang", NOW) is RequestRefusal.NOT_CONFIRMED


@pytest.mark.parametrize(
    ("request_", "shows"),
    [
        (asked(), True),
        (asked(AdminAct.TOKEN_NEW), True),
        (asked(AdminAct.WEBHOOK_NEW), True),
        (asked(AdminAct.ACCOUNT_NEW, role="operator"), True),
        (asked(AdminAct.ACCOUNT_NEW, role="operator", without="1"), False),
        (asked(AdminAct.ACCOUNT_NEW, role="service"), False),
        (asked(AdminAct.ACCOUNT_CHANGE), False),
        (asked(AdminAct.RESET_FACTOR), False),
    ],
)
def test_what_makes_a_secret_waits_for_its_asker(request_: AdminRequest, shows: bool) -> None:
    assert requests.shows_secret(request_) is shows


def test_open_requests_come_first_and_the_first_to_lapse_before_all() -> None:
    early, late = asked(), asked().model_copy(update={"id": "a2", "until": NOW + 2 * WITHIN})
    old = asked().model_copy(update={"id": "a0", "until": NOW - WITHIN})
    done = asked().model_copy(update={"id": "a3", "state": RequestState.DONE})
    assert [each.id for each in requests.by_urgency([old, done, late, early], NOW)] == ["a1", "a2", "a3", "a0"]


@pytest.mark.parametrize(
    "act", ["release_stop", "approve_stop", "decline_stop", "confirm", "lower", "close", "a_new_one"]
)
def test_no_scope_permits_what_needs_a_person(act: str) -> None:
    assert not permits(set(Scope), act)


def test_a_scope_permits_its_acts() -> None:
    assert permits({Scope.NOTE}, "note")
    assert permits({Scope.ACT}, "claim")
    assert not permits({Scope.NOTE}, "claim")
    assert not permits({Scope.READ_CASES, Scope.FOLLOW_CASES}, "note")
