"""Challenges of WebAuthn: random, valid for two minutes, answered once, and only for one purpose.

A challenge is bound to the session (or the sign-in in progress), the account, and the act with all fields of its form.
So an answer given for one act cannot be used for another.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from webauthn import base64url_to_bytes

from console.web.auth.sessions import hashed
from streams.state.keys import KEY_CHALLENGE

SECONDS = 120
LONGEST = 16_384  # characters of an authenticator's answer


class KeyRefusedError(Exception):
    """The answer of a security key is refused. `why`: a code for the security events.

    `copied`: True if the key's counter did not rise, so that somebody may have a copy of the key.
    """

    def __init__(self, why: str, copied: bool = False) -> None:
        super().__init__(why)
        self.why, self.copied = why, copied


@dataclass(frozen=True, slots=True)
class Purpose:
    """The purpose that a challenge is bound to. `session`: the hash of the session's token, or of the
    sign-in's cookie.
    """

    session: str
    login: str
    act: str

    def bound(self) -> bytes:
        """Return the SHA-256 of the purpose (64 hex digits, as bytes), which is stored with the challenge."""
        return hashlib.sha256(json.dumps([self.session, self.login, self.act]).encode()).hexdigest().encode()


def act_of_form(method: str, path: str, fields: Sequence[tuple[str, str]]) -> str:
    """Return the name of an act: "METHOD path hash", with the SHA-256 (hex) of its form's fields.

    Line ends do not change the hash, because a browser may change them when it sends a text again from a hidden field.
    The order of fields does not either, except among fields of one name, of which routes take the last.
    """
    plain = [(name, value.replace("\r\n", "\n").replace("\r", "\n")) for name, value in fields]
    said = sorted(plain, key=itemgetter(0))
    digest = hashlib.sha256(json.dumps(said).encode()).hexdigest()
    return f"{method} {path} {digest}"


async def new_challenge(redis: Any, purpose: Purpose) -> bytes:  # noqa: ANN401 - see streams/repositories/residents
    """Return a new random challenge (32 bytes) for a purpose. Stores it in Redis for SECONDS (120). Errors of Redis
    pass through.
    """
    challenge = secrets.token_bytes(32)
    await redis.set(_key(challenge), purpose.bound(), ex=SECONDS)
    return challenge


async def take_challenge(redis: Any, answer: str, purpose: Purpose) -> bytes:  # noqa: ANN401 - see streams/repositories/residents
    """Return the challenge that a security key answered. The challenge is used up, even if the answer is wrong.

    Raises KeyRefusedError if the answer contains no challenge, or one that is unknown, expired, used or for another
    purpose. Errors of Redis pass through.
    """
    challenge = _challenge_of(answer)
    bound = await redis.getdel(_key(challenge))
    if bound is None:
        raise KeyRefusedError("challenge")
    if not hmac.compare_digest(bound, purpose.bound()):
        raise KeyRefusedError("act")
    return challenge


def _challenge_of(answer: str) -> bytes:
    """Return the challenge in the answer's client data, which is not verified here. Raises KeyRefusedError if the
    answer cannot be parsed.
    """
    if len(answer) > LONGEST:
        raise KeyRefusedError("size")
    try:
        data = json.loads(base64url_to_bytes(json.loads(answer)["response"]["clientDataJSON"]))
        return base64url_to_bytes(data["challenge"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise KeyRefusedError("unreadable") from None


def _key(challenge: bytes) -> str:
    return KEY_CHALLENGE + hashed(challenge.hex())
