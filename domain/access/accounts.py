"""Console accounts: the steps of a sign-in, the rules for passwords, refused changes, and the acts that programs may
do.
"""

import re
import unicodedata
from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum

from domain.access.passwords import guessable
from schemas.people.staff import Account, Scope, StaffRole

# NIST SP 800-63B-4 asks for 15 characters where a password stands alone, and for 8 beside a second factor, as here.
LEAST, MOST = 10, 200
LEAST_KINDS = 5  # different characters
_ENDING = (
    "role",
    "disabled",
    "password",
    "totp",
    "security_keys",
    "subject",
)  # a change of these ends all sessions of the account


ADMINISTRATORS = frozenset({StaffRole.SYSTEM_ADMINISTRATOR, StaffRole.SECURITY_ADMINISTRATOR})
"""The roles of which an installation must not lose its last person: one asks, the other confirms."""

OF_PROGRAMS = frozenset(
    {"outcome", "call_again", "send_officer", "ask_stop", "tell_contact", "claim", "unclaim", "note", "answers"}
)
"""The acts on a case that a program may carry out. All others, and each new one, need a person's judgement and name:
approving or lifting a stop, confirming, lowering or ending a case."""


class Step(StrEnum):
    """The next step of a sign-in after the password was right.

    CODE: show the second factor. PASSWORD: choose a new password. SET_UP: set up the second factor. DONE: signed in.
    """

    CODE = "code"
    PASSWORD = "password"  # noqa: S105 - a step's name
    SET_UP = "set_up"
    DONE = "done"


def next_step(account: Account, proved: bool) -> Step:
    """Return the next step of a sign-in after the password was right. `proved`: True if the second factor was shown or
    set up.

    CODE if the account has an authenticator or a security key and `proved` is False; else PASSWORD if the password must
    be changed; else SET_UP if the account has no authenticator; else DONE. The code comes before a new password, so
    that a thief of a one-time password cannot change it without the second factor.
    """
    if (account.totp or account.security_keys) and not proved:
        return Step.CODE
    if account.must_change:
        return Step.PASSWORD
    return Step.DONE if account.totp else Step.SET_UP


def lapsed(account: Account, now: datetime) -> bool:
    """Return True if the account has a one-time password and it has expired at `now`; False if it has not expired, or
    the account has none.
    """
    return account.password_until is not None and account.password_until <= now


class Weakness(StrEnum):
    """The reason why a password is refused.

    SHORT, LONG: it does not have 10 to 200 characters. LIKE_LOGIN: it contains the login or the person's name. SIMPLE:
    it has fewer than 5 different characters. COMMON: it is easy to guess.
    """

    SHORT = "short"
    LONG = "long"
    LIKE_LOGIN = "like_login"
    SIMPLE = "simple"
    COMMON = "common"


def plain(password: str) -> str:
    """Return the password in the Unicode form NFKC, because one character may be typed in several ways (NIST SP
    800-63B-4, 3.1.1.2).
    """
    return unicodedata.normalize("NFKC", password)


def weakness(password: str, account: Account) -> Weakness | None:
    """Return the first reason why a new password is refused, or None if it is strong enough: SHORT or LONG (not 10 to
    200 characters), LIKE_LOGIN (it contains the login or the person's name), SIMPLE (fewer than 5 different
    characters), COMMON (easy to guess).

    The limits are those for a password that is used beside a second factor.
    """
    given = plain(password)
    if len(given) < LEAST:
        return Weakness.SHORT
    if len(given) > MOST:
        return Weakness.LONG
    if account.login in given.lower() or account.name in given:
        return Weakness.LIKE_LOGIN
    if len(set(given)) < LEAST_KINDS:
        return Weakness.SIMPLE
    near = [*re.split("[._-]", account.login), account.name]
    return Weakness.COMMON if guessable(given, near) else None


class Refusal(StrEnum):
    """The reason why a change of an account is refused.

    OWN_ROLE: a person may not change their own role. LAST_ADMINISTRATOR: no other administrator of this role could sign
    in. OTHER_KIND: a person's account cannot become a program's, or the reverse.
    """

    OWN_ROLE = "own_role"
    LAST_ADMINISTRATOR = "last_administrator"
    OTHER_KIND = "other_kind"


def refusal(before: Account, after: Account, by: str, everybody: Sequence[Account]) -> Refusal | None:
    """Return the reason why the person with the login `by` may not change an account from `before` to `after`, or None
    if they may.

    The first that applies of OWN_ROLE, OTHER_KIND and LAST_ADMINISTRATOR. `everybody`: all accounts, including this
    one.
    """
    if before.login == by and after.role is not before.role:
        return Refusal.OWN_ROLE
    if StaffRole.SERVICE in (before.role, after.role) and before.role is not after.role:
        return Refusal.OTHER_KIND
    others = [each for each in everybody if each.login != before.login]
    lost = administers(before, before.role) and not administers(after, before.role)
    if lost and not any(administers(each, before.role) for each in others):
        return Refusal.LAST_ADMINISTRATOR
    return None


def administers(account: Account, role: StaffRole) -> bool:
    """Return True if the account is not disabled, has this role, and the role is that of an administrator."""
    return account.role is role and role in ADMINISTRATORS and not account.disabled


def changed(account: Account, by: str, at: datetime, **fields: object) -> Account:
    """Return a copy of the account with `fields` changed, and with `by` and `at` as its last change. Nothing is stored.

    If its role, `disabled`, password, second factor, security keys or OIDC subject differs, the copy has the next
    epoch, which ends all the account's sessions once it is stored. Raises ValidationError if a field is invalid.
    """
    after = Account.model_validate(account.model_dump() | fields | {"changed_by": by, "changed_at": at})
    if any(getattr(after, name) != getattr(account, name) for name in _ENDING):
        return signed_out(after)
    return after


def signed_out(account: Account) -> Account:
    """Return a copy of the account with the next epoch. Once it is stored, all the account's sessions end."""
    return account.model_copy(update={"epoch": account.epoch + 1})


def permits(scopes: Collection[Scope], act: str) -> bool:
    """Return True if a token with these scopes may carry out an act on a case. `act`: its name, as in the act's field
    `do`.

    False for acts that need a person, whatever the scopes.
    """
    if act not in OF_PROGRAMS:
        return False
    return Scope.ACT in scopes or (act == "note" and Scope.NOTE in scopes)
