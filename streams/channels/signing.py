"""Signs requests with HMAC-SHA256 over time and body, so that they can be neither forged nor replayed later."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence

TIMESTAMP = "X-Quanzu-Timestamp"  # seconds since 1970, wall-clock: the sender knows no other
SIGNATURE = "X-Quanzu-Signature"  # hexadecimal
TOLERANCE_SECONDS = 300


class SignatureError(ValueError):
    """Raised if a request's signature does not fit, or its time is missing or too far off."""


def sign(key: bytes, body: bytes, wall: float) -> dict[str, str]:
    """Return the signature headers of a request with this body, sent at `wall` (seconds since 1970)."""
    stamp = str(int(wall))
    return {TIMESTAMP: stamp, SIGNATURE: _digest(key, stamp, body)}


def verify(keys: Sequence[bytes], headers: Mapping[str, str], body: bytes, wall: float) -> int:
    """Return the index of the key in `keys` that the body was signed with.

    Raises SignatureError if no key fits, or the time is not within 300 s of `wall` (seconds since 1970).
    """
    stamp, signature = headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        raise SignatureError(f"{TIMESTAMP} is missing or no number: write the seconds since 1970")
    fitting = [hmac.compare_digest(_digest(key, stamp, body).encode(), signature.encode()) for key in keys]
    if not any(fitting):
        raise SignatureError(f"{SIGNATURE} does not fit: HMAC-SHA256 over '{TIMESTAMP}.body', in hexadecimal")
    if abs(wall - int(stamp)) > TOLERANCE_SECONDS:
        raise SignatureError(f"{TIMESTAMP} is {abs(wall - int(stamp)):.0f} s off: at most {TOLERANCE_SECONDS} s")
    return fitting.index(True)


def _digest(key: bytes, stamp: str, body: bytes) -> str:
    return hmac.digest(key, f"{stamp}.".encode() + body, hashlib.sha256).hex()
