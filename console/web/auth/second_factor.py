"""The second factor: TOTP codes (RFC 6238), each valid once, and recovery codes for a lost authenticator."""

import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import Any

import pyotp
import segno

from schemas.people.staff import MOST_RECOVERY, Account
from streams.security import encryption
from streams.state import locks
from streams.state.keys import TOTP_USED

ISSUER = "Quanzu"
PURPOSE = "totp"  # names the use of the key when a secret is encrypted
DIGITS = 6  # the default length of a code
DRIFT = 1  # 30-second steps by which an authenticator's clock may differ (RFC 6238, 5.2)
USED_FOR = timedelta(minutes=3)  # longer than a code stays valid
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without letters that look alike
_GROUPS, _GROUP = 2, 6  # 59 bits, under a keyed hash


def new_secret() -> str:
    """Return a new authenticator secret: 160 bits in base 32."""
    return pyotp.random_base32()


def sealed(key: bytes, secret: str) -> str:
    """Return the secret encrypted with the installation's key, so that a topic or backup alone reveals no codes."""
    return encryption.sealed(key, PURPOSE, secret)


def opened(key: bytes, kept: str) -> str:
    """Return the decrypted secret. Raises joserfc.errors.JoseError if it was encrypted with another key."""
    return encryption.opened(key, PURPOSE, kept)


def address(secret: str, login: str) -> str:
    """Return the otpauth: address that an authenticator on the same device can import."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=ISSUER)


def picture(secret: str, login: str) -> str:
    """Return a QR code of the `address` as a data: address of an SVG."""
    return segno.make_qr(address(secret, login), error="m").svg_data_uri(scale=4, dark="#000", light="#fff")


async def shown(redis: Any, login: str, secret: str, code: str, seconds: float) -> bool:  # noqa: ANN401 - see streams/repositories/residents
    """Return whether the code is valid at `seconds` (since 1970), give or take 30 s, and unused. If so, it becomes
    used.
    """
    step = _step(secret, code, seconds)
    if step is None:
        return False
    return await locks.take(redis, f"{TOTP_USED}{login}:{step}", USED_FOR // timedelta(milliseconds=1))


def new_recovery() -> list[str]:
    """Return MOST_RECOVERY new recovery codes in plain text, to be shown once."""
    return [_recovery_code() for _ in range(MOST_RECOVERY)]


def hashed_recovery_code(key: bytes, login: str, code: str) -> str:
    """Return the keyed hash of a recovery code, for storage. Case, blanks and hyphens are ignored."""
    letters = "".join(each for each in code.lower() if each.isalnum())
    return hmac.digest(key, f"recovery:{login}:{letters}".encode(), hashlib.sha256).hex()


def like_recovery(code: str) -> bool:
    """Return whether the text is longer than an authenticator's six digits, so that it must be a recovery code."""
    return len("".join(code.split())) > DIGITS


def without(account: Account, kept: str) -> Account:
    """Return a copy of the account without this recovery code's hash. Raises ValueError if the account does not have
    it.
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


def _recovery_code() -> str:
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
