"""Accounts of the console: what a sign-in asks for next, what a password must be, and which changes are refused."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from domain.access.passwords import worth
from schemas.people.staff import Account, StaffRole

# NIST SP 800-63B-4 asks for 15 characters where a password stands alone, and for 8 beside a second factor, as here.
LEAST, MOST = 10, 200
LEAST_KINDS = 5  # different characters
LEAST_WORTH = 8  # signs that a guesser has to guess: a common word or a run counts as one (domain/access/passwords.py)
_ENDING = ("role", "disabled", "password", "totp", "subject")  # who had a session by them shall sign in anew


class Step(StrEnum):
    """What a sign-in asks for once the password was right."""

    CODE = "code"
    PASSWORD = "password"  # noqa: S105 - a step's name
    SET_UP = "set_up"
    DONE = "done"


def next_step(account: Account, proved: bool) -> Step:
    """What comes next; `proved`: the second factor was shown, or has just been set up.

    The code comes before a new password: who has found a one-time password must not change it without the other factor.
    """
    if account.totp and not proved:
        return Step.CODE
    if account.must_change:
        return Step.PASSWORD
    return Step.DONE if account.totp else Step.SET_UP


def lapsed(account: Account, now: datetime) -> bool:
    """Whether the account's one-time password has come to its end."""
    return account.password_until is not None and account.password_until <= now


class Weakness(StrEnum):
    """Why a password is none."""

    SHORT = "short"
    LONG = "long"
    LIKE_LOGIN = "like_login"
    SIMPLE = "simple"
    COMMON = "common"


def plain(password: str) -> str:
    """The password however it was typed: one character may be written in several ways (NIST SP 800-63B-4, 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def weakness(password: str, account: Account) -> Weakness | None:
    """What is wrong with a new password; none: it is good enough beside a second factor."""
    given = plain(password)
    if len(given) < LEAST:
        return Weakness.SHORT
    if len(given) > MOST:
        return Weakness.LONG
    if account.login in given.lower() or account.name in given:
        return Weakness.LIKE_LOGIN
    if len(set(given)) < LEAST_KINDS:
        return Weakness.SIMPLE
    near = re.split("[._-]", account.login)
    return Weakness.COMMON if worth(given, near) < LEAST_WORTH else None


class Refusal(StrEnum):
    """Why a change of an account is refused."""

    OWN_ROLE = "own_role"
    LAST_ADMINISTRATOR = "last_administrator"


def refusal(before: Account, after: Account, by: str, everybody: Sequence[Account]) -> Refusal | None:
    """Why `by` may not make this change; none: it may be made. `everybody`: all accounts, this one among them."""
    if before.login == by and after.role is not before.role:
        return Refusal.OWN_ROLE
    others = [each for each in everybody if each.login != before.login]
    if administers(before) and not administers(after) and not any(map(administers, others)):
        return Refusal.LAST_ADMINISTRATOR
    return None


def administers(account: Account) -> bool:
    """Whether the account is an administrator's who can sign in."""
    return account.role is StaffRole.ADMINISTRATOR and not account.disabled


def changed(account: Account, by: str, at: datetime, **fields: object) -> Account:
    """The account with these fields changed. Its sessions end when another person could be behind them.

    Raises pydantic.ValidationError when a field cannot be so.
    """
    after = Account.model_validate(account.model_dump() | fields | {"changed_by": by, "changed_at": at})
    if any(getattr(after, name) != getattr(account, name) for name in _ENDING):
        return signed_out(after)
    return after


def signed_out(account: Account) -> Account:
    """The account with all its sessions ended."""
    return account.model_copy(update={"epoch": account.epoch + 1})
