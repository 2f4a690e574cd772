"""Step-up: how a person proves their identity again before a grave act, and when a security key may have
been copied.
"""

from datetime import timedelta
from enum import StrEnum

from schemas.people.staff import Account

FRESH = timedelta(minutes=5)  # how long the OpenID provider's word counts for a person who has no second factor here


class SignedInBy(StrEnum):
    """The way in which a session began. PROVIDER: the OpenID provider confirmed who the person is.

    DEMO: a guest of a demo, who has no second factor.
    """

    PASSWORD = "password"  # noqa: S105 - a way's name
    KEY = "key"
    PROVIDER = "oidc"
    DEMO = "demo"


class Proof(StrEnum):
    """The way in which a person proves their identity. SIGN_IN: by signing in again at the OpenID provider."""

    KEY = "key"
    CODE = "code"
    SIGN_IN = "sign_in"


def proofs_wanted(account: Account, keys_work: bool, by: SignedInBy, age: timedelta) -> list[Proof]:
    """Return the kinds of proof of which a grave act needs one, the preferred one first; empty if it needs none.

    `keys_work`: True if the console's address allows security keys. `by`, `age`: how the session began, and how long
    ago. A person with a second factor here always shows it. A guest of a demo without one needs none. Anyone else
    without one needs none for 5 minutes (FRESH) after the OpenID provider confirmed them, and then must sign in there
    again; the provider must have asked them at most FRESH before the sign-in, which console/web/auth/oidc.py checks.
    """
    found = [Proof.KEY] if account.security_keys and keys_work else []
    if account.totp:
        found.append(Proof.CODE)
    if found or by is SignedInBy.DEMO:
        return found
    vouched = by is SignedInBy.PROVIDER and timedelta(0) <= age < FRESH
    return [] if vouched else [Proof.SIGN_IN]


def copied(before: int, shown: int) -> bool:
    """Return True if a security key may be a copy: the counter that it shows is not higher than at its last use
    (`before`).

    A key without a counter always shows 0 (WebAuthn level 2, 6.1.1), which is accepted.
    """
    return (before > 0 or shown > 0) and shown <= before
