"""API tokens, with which programs use the API as their service account. A token is shown once; its hash is stored."""

import hashlib
import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from console.web.auth.who import Who
from schemas.people.staff import Account, ApiToken, Scope, StaffRole

PREFIX = "qz"  # lets scanners for leaked secrets recognise a token
SESSION = "token:"  # begins a program's `Who.session`; the token's id follows


@dataclass(frozen=True, slots=True)
class TokenWish:
    """The data of a token to be made: purpose, scopes, expiry, and the two administrators: who asked for it, who
    confirmed it.
    """

    purpose: str
    scopes: Collection[Scope]
    until: datetime
    by: str
    confirmed_by: str


def make(account: Account, wanted: TokenWish, at: datetime) -> tuple[str, ApiToken]:
    """Return (the new token's text, the ApiToken to store). `at`: when it is made.

    Raises ValueError if the account is a person's, or the purpose or the scopes are invalid.
    """
    if account.role is not StaffRole.SERVICE:
        raise ValueError("a token is for a service account: a program never acts as a person")
    number = secrets.token_hex(6)
    token = f"{PREFIX}_{number}_{secrets.token_urlsafe(32)}"
    return token, ApiToken(
        id=number,
        hash=_hash(token),
        login=account.login,
        purpose=wanted.purpose,
        scopes=sorted(set(wanted.scopes)),
        epoch=account.epoch,
        until=wanted.until,
        made_at=at,
        made_by=wanted.by,
        confirmed_by=wanted.confirmed_by,
    )


def id_of(token: str) -> str | None:
    """Return the id in a token, or None if the text does not have the form of a token."""
    parts = token.split("_", 2)
    return parts[1] if len(parts) == 3 and parts[0] == PREFIX else None


def fits(token: str, kept: ApiToken) -> bool:
    """Return True if the token matches the stored hash."""
    return hmac.compare_digest(_hash(token), kept.hash)


def token_in_force(kept: ApiToken, account: Account | None, now: datetime) -> bool:
    """Return True if a stored token may be used at `now`: it has not expired, and its service account is enabled and
    has the same epoch (a number that ending the account's sessions raises).
    """
    if account is None or account.disabled or account.role is not StaffRole.SERVICE:
        return False
    return account.epoch == kept.epoch and now < kept.until


def is_program(who: Who) -> bool:
    """Return True if a program with an API token sends the request, and not a person in a browser."""
    return who.session.startswith(SESSION)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
