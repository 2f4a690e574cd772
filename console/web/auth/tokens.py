"""API tokens: other programs use the console as an account. A token is shown once; its hash is stored."""

import hashlib
import hmac
import secrets
from datetime import datetime

from console.web.auth.who import ForbiddenError, Who
from schemas.people.staff import ApiToken

PREFIX = "qz"  # lets scanners for leaked secrets recognise a token
SESSION = "token:"  # begins a program's `Who.session`; the token's id follows


def make(login: str, purpose: str, until: datetime, at: datetime, by: str) -> tuple[str, ApiToken]:
    """Return a new token and the ApiToken to store. Raises pydantic.ValidationError if the purpose is invalid."""
    number = secrets.token_hex(6)
    token = f"{PREFIX}_{number}_{secrets.token_urlsafe(32)}"
    return token, ApiToken(
        id=number, hash=_hash(token), login=login, purpose=purpose, until=until, made_at=at, made_by=by
    )


def id_of(token: str) -> str | None:
    """Return the id in a token, or None if the text does not have the form of a token."""
    parts = token.split("_", 2)
    return parts[1] if len(parts) == 3 and parts[0] == PREFIX else None


def fits(token: str, kept: ApiToken, now: datetime) -> bool:
    """Return whether the token matches the stored hash and has not expired."""
    return hmac.compare_digest(_hash(token), kept.hash) and now < kept.until


def is_program(who: Who) -> bool:
    """Return whether a program with an API token is acting, not a person in a browser."""
    return who.session.startswith(SESSION)


def refuse_programs(who: Who) -> None:
    """Raise ForbiddenError for programs: only people may manage accounts, passwords and tokens."""
    if is_program(who):
        raise ForbiddenError


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
