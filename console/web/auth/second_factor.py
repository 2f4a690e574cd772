"""The second factor: TOTP codes (RFC 6238), each valid once, and recovery codes for a lost authenticator."""

import hmac
import secrets
from datetime import timedelta
from typing import Any

import pyotp
import segno

from domain.access.key_rings import KeyRing, key_id
from schemas.people.staff import MOST_RECOVERY, Account
from streams.security import encryption
from streams.state import locks
from streams.state.keys import TOTP_USED

ISSUER = "Quanzu"
DIGITS = 6  # the default length of a code
DRIFT = 1  # 30-second steps by which an authenticator's clock may differ (RFC 6238, 5.2)
USED_FOR = timedelta(minutes=3)  # longer than a code stays valid
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without letters that look alike
_GROUPS, _GROUP = 2, 6  # 59 bits, under a keyed hash


def new_secret() -> str:
    """Return a new authenticator secret: 160 bits in base 32."""
    return pyotp.random_base32()


def sealed(ring: KeyRing, secret: str) -> str:
    """Return the secret encrypted with the key in force, so that a topic or backup alone reveals no codes."""
    return encryption.sealed(ring, encryption.AUTHENTICATORS, secret)


def opened(ring: KeyRing, kept: str) -> str:
    """Return the decrypted secret. `kept`: the result of `sealed`. Raises UnreadableSecretError if its key is not in
    the ring or it was changed.
    """
    return encryption.opened(ring, encryption.AUTHENTICATORS, kept)


def address(secret: str, login: str) -> str:
    """Return the otpauth: address of the secret and the login, which an authenticator on the same device can import."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=ISSUER)


def picture(secret: str, login: str) -> str:
    """Return a QR code for an authenticator as an SVG image, in the form of a data: address: it has the otpauth:
    address of the secret and the login.
    """
    return segno.make_qr(address(secret, login), error="m").svg_data_uri(scale=4, dark="#000", light="#fff")


async def shown(redis: Any, login: str, secret: str, code: str, seconds: float) -> bool:  # noqa: ANN401 - see streams/repositories/residents
    """Check a code of a person's authenticator. Return True if it is valid at `seconds` (since 1970), give or take 30
    s, and was not used before; it is then stored as used. Returns False otherwise. `secret`: the authenticator's
    decrypted secret. Errors of Redis pass through.
    """
    step = _step(secret, code, seconds)
    if step is None:
        return False
    return await locks.take(redis, f"{TOTP_USED}{login}:{step}", USED_FOR // timedelta(milliseconds=1))


def new_recovery() -> list[str]:
    """Return 10 (MOST_RECOVERY) new recovery codes in plain text, to be shown once."""
    return [_recovery_code() for _ in range(MOST_RECOVERY)]


def hashed_recovery_code(ring: KeyRing, login: str, code: str) -> str:
    """Return the hash of a recovery code of the account `login`, under the key in force, for storage: the key's id, a
    colon, 64 hexadecimal digits. Case, blanks and hyphens of the code are ignored.
    """
    return f"{key_id(ring.current)}:{ring.digest(_to_hash(login, code))}"


def stored_recovery_code(ring: KeyRing, account: Account, code: str) -> str | None:
    """Return the account's stored hash that matches the recovery code, for `without`; None if no hash matches: the code
    is wrong or was used.
    """
    text = _to_hash(account.login, code)
    return next((kept for kept in account.recovery if ring.matches_digest(text, kept.partition(":")[2])), None)


def like_recovery(code: str) -> bool:
    """Return True if the text is longer than an authenticator's six digits, so that it must be a recovery code."""
    return len("".join(code.split())) > DIGITS


def without(account: Account, kept: str) -> Account:
    """Return a copy of the account without a recovery code, which was used. `kept`: the code's stored hash. Raises
    ValueError if the account does not have it.
    """
    left = list(account.recovery)
    left.remove(kept)
    return account.model_copy(update={"recovery": left})


def _step(secret: str, code: str, seconds: float) -> int | None:
    """Return the 30-second time step for which the code is valid, or None if it is not valid."""
    digits = "".join(code.split())
    totp = pyotp.TOTP(secret)
    now = totp.timecode(int(seconds))
    steps = range(now - DRIFT, now + DRIFT + 1)
    fitting = [step for step in steps if hmac.compare_digest(totp.generate_otp(step).encode(), digits.encode())]
    return fitting[0] if fitting else None


def _to_hash(login: str, code: str) -> str:
    letters = "".join(each for each in code.lower() if each.isalnum())
    return f"recovery:{login}:{letters}"


def _recovery_code() -> str:
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
