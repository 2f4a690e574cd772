"""Step-up: how a person proves again who they are before a grave act, and when a security key may have been copied."""

from datetime import timedelta
from enum import StrEnum

from schemas.people.staff import Account

FRESH = timedelta(minutes=5)  # how long the OpenID provider's word counts for a person who has no second factor here


class SignedInBy(StrEnum):
    """The way in which a session began. PROVIDER: the OpenID provider vouched for the person; DEMO: a guest of a demo,
    who has no second factor.
    """

    PASSWORD = "password"  # noqa: S105 - a way's name
    KEY = "key"
    PROVIDER = "oidc"
    DEMO = "demo"


class Proof(StrEnum):
    """The way in which a person proves who they are. SIGN_IN: by signing in again at the OpenID provider."""

    KEY = "key"
    CODE = "code"
    SIGN_IN = "sign_in"


def proofs_wanted(account: Account, keys_work: bool, by: SignedInBy, age: timedelta) -> list[Proof]:
    """Return the proofs of which a grave act needs one, the first choice first; an empty list if it needs none.

    `keys_work`: the console's address allows security keys. `by`, `age`: the session's. Whoever has a factor here
    always shows it. Whoever has none was vouched for by the OpenID provider, whose word counts for FRESH. The provider
    must have asked that person at most FRESH before the sign-in; console/web/auth/oidc.py checks this.
    """
    found = [Proof.KEY] if account.security_keys and keys_work else []
    if account.totp:
        found.append(Proof.CODE)
    if found or by is SignedInBy.DEMO:
        return found
    vouched = by is SignedInBy.PROVIDER and timedelta(0) <= age < FRESH
    return [] if vouched else [Proof.SIGN_IN]


def copied(before: int, shown: int) -> bool:
    """Return whether a security key's counter betrays a copy: it did not rise since its last use (`before`).

    A key that has no counter always shows 0 (WebAuthn level 2, 6.1.1).
    """
    return (before > 0 or shown > 0) and shown <= before
