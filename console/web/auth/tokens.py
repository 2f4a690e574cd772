"""Tokens by which other programs use the console as an account: shown once, kept as hashes."""

import hashlib
import hmac
import secrets
from datetime import datetime

from console.web.auth.who import ForbiddenError, Who
from schemas.people.staff import ApiToken

PREFIX = "qz"  # by which a scanner for leaked secrets knows one
SESSION = "token:"  # of a program's `Who.session`, and the token's id


def make(login: str, purpose: str, until: datetime, at: datetime, by: str) -> tuple[str, ApiToken]:
    """A new token, and what is kept of it. Raises pydantic.ValidationError when the purpose cannot be kept."""
    number = secrets.token_hex(6)
    token = f"{PREFIX}_{number}_{secrets.token_urlsafe(32)}"
    return token, ApiToken(
        id=number, hash=_hash(token), login=login, purpose=purpose, until=until, made_at=at, made_by=by
    )


def id_of(token: str) -> str | None:
    """By which id a token is to be looked up; none when it is no token of ours."""
    parts = token.split("_", 2)
    return parts[1] if len(parts) == 3 and parts[0] == PREFIX else None


def fits(token: str, kept: ApiToken, now: datetime) -> bool:
    """Whether it is this token, and has not come to its end."""
    return hmac.compare_digest(_hash(token), kept.hash) and now < kept.until


def is_program(who: Who) -> bool:
    """Whether it is a program that uses a token, and not a person at a browser."""
    return who.session.startswith(SESSION)


def refuse_programs(who: Who) -> None:
    """Accounts, passwords and tokens are people's affair. Raises ForbiddenError."""
    if is_program(who):
        raise ForbiddenError


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
