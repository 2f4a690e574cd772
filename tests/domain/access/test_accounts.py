"""Accounts: what a sign-in asks for next, what a password must be, which changes are refused."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from domain.access.accounts import Refusal, Step, Weakness, changed, lapsed, next_step, refusal, weakness
from schemas.people.staff import Account, StaffRole

NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)


def account(login: str = "wang", /, **fields: object) -> Account:
    plain = {
        "login": login,
        "name": "王芳",
        "role": StaffRole.SYSTEM_ADMINISTRATOR,
        "password": "hash",
        "totp": "sealed",
    }
    return Account.model_validate(plain | {"changed_at": NOW, "changed_by": "test"} | fields)


@pytest.mark.parametrize(
    ("fields", "proved", "step"),
    [
        ({}, False, Step.CODE),
        ({}, True, Step.DONE),
        ({"totp": None}, False, Step.SET_UP),
        ({"totp": None, "must_change": True}, False, Step.PASSWORD),
        ({"must_change": True}, False, Step.CODE),
        ({"must_change": True}, True, Step.PASSWORD),
    ],
)
def test_a_sign_in_asks_for_the_second_factor_before_a_new_password(
    fields: dict[str, object], proved: bool, step: Step
) -> None:
    assert next_step(account(**fields), proved) is step


def test_a_one_time_password_lapses_and_another_does_not() -> None:
    until = account(password_until=NOW)
    assert lapsed(until, NOW)
    assert not lapsed(until, NOW - timedelta(seconds=1))
    assert not lapsed(account(), NOW)


@pytest.mark.parametrize(
    ("password", "wrong"),
    [
        ("一只猫在屋顶上看月亮", None),
        ("correct horse", None),
        ("short", Weakness.SHORT),
        ("x" * 201, Weakness.LONG),
        ("I am Wang here", Weakness.LIKE_LOGIN),
        ("王芳在这里上班已经三年", Weakness.LIKE_LOGIN),
        ("aaaaaaabbbbbb", Weakness.SIMPLE),
        ("1234567890", Weakness.COMMON),
        ("Password123!", Weakness.COMMON),
        ("changchun96110", Weakness.COMMON),
        ("fang.wei.2026", None),
    ],
)
def test_a_password_is_long_and_says_nothing_of_its_owner(password: str, wrong: Weakness | None) -> None:
    assert weakness(password, account()) is wrong


def test_the_parts_of_a_login_with_a_year_are_no_password() -> None:
    assert weakness("Zhang2026!", account("zhang.wei")) is Weakness.COMMON


def test_nobody_changes_his_own_role() -> None:
    before = account()
    after = changed(before, "wang", NOW, role=StaffRole.AUDITOR)
    assert refusal(before, after, "wang", [before, account("li")]) is Refusal.OWN_ROLE
    assert refusal(before, after, "li", [before, account("li")]) is None


@pytest.mark.parametrize("fields", [{"disabled": True}, {"role": StaffRole.AUDITOR}])
def test_the_last_administrator_stays_one(fields: dict[str, object]) -> None:
    before, closed = account(), account("li", disabled=True)
    operator = account("zhao", role=StaffRole.OPERATOR)
    after = changed(before, "li", NOW, **fields)
    assert refusal(before, after, "li", [before, closed, operator]) is Refusal.LAST_ADMINISTRATOR
    assert refusal(before, after, "li", [before, account("li"), operator]) is None


def test_each_role_of_administration_keeps_its_last_person() -> None:
    before, other = account(), account("li", role=StaffRole.SECURITY_ADMINISTRATOR)
    after = changed(before, "li", NOW, disabled=True)
    assert refusal(before, after, "li", [before, other]) is Refusal.LAST_ADMINISTRATOR


def test_a_program_and_a_person_stay_what_they_are() -> None:
    person, program = account(role=StaffRole.OPERATOR), account("map", role=StaffRole.SERVICE, password=None, totp=None)
    for before in (person, program):
        role = StaffRole.SUPERVISOR if before is program else StaffRole.SERVICE
        after = before.model_copy(update={"role": role})
        assert refusal(before, after, "li", [person, program]) is Refusal.OTHER_KIND


@pytest.mark.parametrize("fields", [{"password": "hash"}, {"totp": "sealed"}, {"subject": "s"}, {"officer": "p-1"}])
def test_a_service_account_has_nothing_to_sign_in_with(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="a service account has no password"):
        account("map", role=StaffRole.SERVICE, **({"password": None, "totp": None} | fields))


@pytest.mark.parametrize(
    ("fields", "ends"),
    [
        ({"role": StaffRole.AUDITOR}, True),
        ({"password": "another"}, True),
        ({"totp": None}, True),
        ({"disabled": True}, True),
        ({"name": "王方"}, False),
        ({"area": "2202"}, False),
    ],
)
def test_sessions_end_when_somebody_else_could_be_behind_them(fields: dict[str, object], ends: bool) -> None:
    after = changed(account(epoch=3), "li", NOW, **fields)
    assert after.epoch == (4 if ends else 3)
    assert after.changed_by == "li"


def test_a_change_that_no_account_can_have_is_refused() -> None:
    with pytest.raises(ValidationError):
        changed(account(), "li", NOW, area="22x")
