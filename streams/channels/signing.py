"""Signs orders to providers and their receipts with HMAC-SHA256 over method, path, channel, time, nonce and body. A key
that begins with `sm-` signs with HMAC-SM3 and SM3.

So they can be neither forged nor replayed, and a signature for one channel is invalid for every other.
"""

import hmac
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from domain.access.ciphers import message_code, plain_hash

TIMESTAMP = "X-Quanzu-Timestamp"  # seconds since 1970, wall-clock: the sender knows no other
NONCE = "X-Quanzu-Nonce"  # random, new for each attempt
SIGNATURE = "X-Quanzu-Signature"  # hexadecimal; while keys change over two, with a comma between
TOLERANCE_SECONDS = 300
MOST_KEYS = 2  # of a signer: the current and the former one
_NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")


class SignatureError(ValueError):
    """A request's signature does not fit, its time or nonce is missing, or its time is too far off."""


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """The data that a signature covers: the HTTP `method`, the `path`, the `body`, and the `channel` (sms, voice, bank
    or station).

    `path`: of a receipt as intake sees it, `/receipts/sms`; of an order without the path in the gateway's address,
    `/stop-payments`.
    """

    channel: str
    path: str
    body: bytes
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class FittingSignature:
    """A signature that fits.

    `key`: the index (from 0) of the key that made it; `nonce`: the message's nonce, which may be used once.
    """

    key: int
    nonce: str


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs the requests to a provider.

    `keys`: by signer, the current key first; `wall`: returns the seconds since 1970.
    """

    channel: str
    keys: Mapping[str, Sequence[bytes]]
    wall: Callable[[], float]

    def headers(self, signer: str, method: str, path: str, body: bytes) -> dict[str, str]:
        """Return the three signature headers, by name, of a request that is sent now: time, nonce and
        signatures.

        The last has a signature with each key of `signer`, separated by commas, because the receiver may still use the
        former key. Raises KeyError for an unknown signer.
        """
        message, nonce = SignedMessage(self.channel, path, body, method), secrets.token_hex(12)
        made = [sign(key, message, self.wall(), nonce) for key in self.keys[signer]]
        return made[0] | {SIGNATURE: ",".join(each[SIGNATURE] for each in made)}


def sign(key: bytes, message: SignedMessage, wall: float, nonce: str) -> dict[str, str]:
    """Return the three signature headers, by name, of a message that is sent at `wall` (seconds since 1970): time
    (whole seconds), nonce, and the signature in hexadecimal.
    """
    stamp = str(int(wall))
    return {TIMESTAMP: stamp, NONCE: nonce, SIGNATURE: _signature(key, message, stamp, nonce)}


def verify(keys: Sequence[bytes], headers: Mapping[str, str], message: SignedMessage, wall: float) -> FittingSignature:
    """Verify a message's signature against `keys`. Returns its nonce, and the index (from 0) in `keys` of the first key
    that fits. Whether the nonce was used before is not checked.

    Raises SignatureError if no key fits, the time or nonce is missing or malformed, or the time is over 300 s off
    `wall` (seconds since 1970).
    """
    stamp, nonce, signature = (headers.get(name, "") for name in (TIMESTAMP, NONCE, SIGNATURE))
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        raise SignatureError(f"{TIMESTAMP} is missing or no number: write the seconds since 1970")
    if not _NONCE.fullmatch(nonce):
        raise SignatureError(
            f"{NONCE} is missing or not 16 to 64 letters, digits, '-' or '_': make one for each attempt"
        )
    given = [each.strip().encode() for each in signature.split(",", MOST_KEYS)]
    fitting = [_fits(_signature(key, message, stamp, nonce).encode(), given[:MOST_KEYS]) for key in keys]
    if not any(fitting):
        raise SignatureError(
            f"{SIGNATURE} does not fit: HMAC-SHA256 with the channel's key, in hexadecimal, over the lines method, "
            f"path, channel, {TIMESTAMP}, {NONCE} and the body's SHA-256 in hexadecimal; with a key that begins with "
            "sm-, HMAC-SM3 and SM3"
        )
    if abs(wall - int(stamp)) > TOLERANCE_SECONDS:
        raise SignatureError(f"{TIMESTAMP} is {abs(wall - int(stamp)):.0f} s off: at most {TOLERANCE_SECONDS} s")
    return FittingSignature(fitting.index(True), nonce)


def _signature(key: bytes, message: SignedMessage, stamp: str, nonce: str) -> str:
    lines = (message.method, message.path, message.channel, stamp, nonce, plain_hash(key, message.body))
    return message_code(key, "\n".join(lines).encode()).hex()


def _fits(made: bytes, given: Sequence[bytes]) -> bool:
    compared = [hmac.compare_digest(made, each) for each in given]  # all of them: it takes the same time
    return any(compared)
