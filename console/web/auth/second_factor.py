"""The second factor: codes of an authenticator (TOTP, RFC 6238), each used once, and recovery codes for a lost one."""

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
PURPOSE = "totp"  # of the seal on a secret
DIGITS = 6  # of a code, as authenticators show it unless told otherwise
DRIFT = 1  # steps of 30 s that an authenticator's clock may be off (RFC 6238, 5.2)
USED_FOR = timedelta(minutes=3)  # longer than a code is taken
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another
_GROUPS, _GROUP = 2, 6  # 59 bits, under a keyed hash


def new_secret() -> str:
    """An authenticator's secret, 160 bits in base 32."""
    return pyotp.random_base32()


def sealed(key: bytes, secret: str) -> str:
    """The secret as it is kept: who reads the topic or a backup without the installation's key makes no codes."""
    return encryption.sealed(key, PURPOSE, secret)


def opened(key: bytes, kept: str) -> str:
    """A sealed secret. Raises joserfc.errors.JoseError when it was sealed under another key."""
    return encryption.opened(key, PURPOSE, kept)


def address(secret: str, login: str) -> str:
    """By which an authenticator on the same device takes the secret over."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=ISSUER)


def picture(secret: str, login: str) -> str:
    """What an authenticator reads with its camera, as a data: address of an SVG."""
    return segno.make_qr(address(secret, login), error="m").svg_data_uri(scale=4, dark="#000", light="#fff")


async def shown(redis: Any, login: str, secret: str, code: str, seconds: float) -> bool:  # noqa: ANN401 - see streams/repositories/residents
    """Whether the code is right at this moment (seconds since 1970) and was not used before; it is used now."""
    step = _step(secret, code, seconds)
    if step is None:
        return False
    return await locks.take(redis, f"{TOTP_USED}{login}:{step}", USED_FOR // timedelta(milliseconds=1))


def new_recovery() -> list[str]:
    """New recovery codes, shown once."""
    return [_recovery_code() for _ in range(MOST_RECOVERY)]


def kept_recovery(key: bytes, login: str, code: str) -> str:
    """What is kept of a recovery code, however it was typed."""
    letters = "".join(each for each in code.lower() if each.isalnum())
    return hmac.digest(key, f"recovery:{login}:{letters}".encode(), hashlib.sha256).hex()


def like_recovery(code: str) -> bool:
    """Whether it was meant as a recovery code: it is longer than an authenticator's six digits."""
    return len("".join(code.split())) > DIGITS


def without(account: Account, kept: str) -> Account:
    """The account without this recovery code, which it has. Raises ValueError when it was used meanwhile."""
    left = list(account.recovery)
    left.remove(kept)
    return account.model_copy(update={"recovery": left})


def _step(secret: str, code: str, seconds: float) -> int | None:
    """The time step that a code is of."""
    digits = "".join(code.split())
    totp = pyotp.TOTP(secret)
    now = totp.timecode(int(seconds))
    steps = range(now - DRIFT, now + DRIFT + 1)
    fitting = [step for step in steps if hmac.compare_digest(totp.generate_otp(step).encode(), digits.encode())]
    return fitting[0] if fitting else None


def _recovery_code() -> str:
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
