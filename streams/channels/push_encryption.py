"""The encryption of push messages (RFC 8291 and 8188), and the proof of their sender (VAPID, RFC 8292)."""

import base64
import hashlib
import hmac
import secrets
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey

CURVE = ec.SECP256R1()
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256 (FIPS 186-5)
KEY_BYTES, POINT_BYTES, AUTH_BYTES = 32, 65, 16
SALT_BYTES, CIPHER_BYTES, NONCE_BYTES = 16, 16, 12
RECORD_BYTES, LAST_RECORD = 4096, b"\x02"
MOST_BYTES = 3993  # what remains of 4096 bytes after the header of 86, the delimiter and the tag of 16
PROOF_SECONDS = 12 * 3600  # RFC 8292: at most 24 hours


def encrypted(message: bytes, p256dh: str, auth: str) -> bytes:
    """Return a message encrypted for the subscription's browser: one record of aes128gcm.

    `p256dh`, `auth`: the subscription's keys, base64url.

    Raises ValueError if a key is invalid, or the message is longer than 3,993 bytes, which push services must accept
    (RFC 8030, 7.2).
    """
    if len(message) > MOST_BYTES:
        raise ValueError("the message is too long")
    browser = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, point := from_base64(p256dh))
    key, salt = ec.generate_private_key(CURVE), secrets.token_bytes(SALT_BYTES)
    own = _point(key)
    shared = key.exchange(ec.ECDH(), browser)
    secret = _derived(shared, from_base64(auth), b"WebPush: info\x00" + point + own, KEY_BYTES)
    cipher = AESGCM(_derived(secret, salt, b"Content-Encoding: aes128gcm\x00", CIPHER_BYTES))
    nonce = _derived(secret, salt, b"Content-Encoding: nonce\x00", NONCE_BYTES)
    header = salt + RECORD_BYTES.to_bytes(4, "big") + len(own).to_bytes(1, "big") + own
    return header + cipher.encrypt(nonce, message + LAST_RECORD, None)


def check_subscription(p256dh: str, auth: str) -> None:
    """Raise ValueError unless the arguments are the keys of a subscription, in base64url: a point of P-256 and 16
    bytes.
    """
    point, secret = from_base64(p256dh), from_base64(auth)
    if len(point) != POINT_BYTES or len(secret) != AUTH_BYTES:
        raise ValueError("a subscription's keys have 65 and 16 bytes")
    ec.EllipticCurvePublicKey.from_encoded_point(CURVE, point)


def proof(key: ec.EllipticCurvePrivateKey, endpoint: str, contact: str, now: float) -> str:
    """Return the value of the header Authorization for a request to an endpoint (a URL): a token signed with `key`,
    valid for 12 hours for the endpoint's host.

    `contact`: a mailto: or https: address that the push service may write to. `now`: wall-clock seconds since 1970.
    """
    place = urlsplit(endpoint)
    claims = {"aud": f"{place.scheme}://{place.netloc}", "exp": int(now) + PROOF_SECONDS, "sub": contact}
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    token = jwt.encode({"typ": "JWT", "alg": "ES256"}, claims, ECKey.import_key(pem), algorithms=["ES256"])
    return f"vapid t={token}, k={public(key)}"


def public(key: ec.EllipticCurvePrivateKey) -> str:
    """Return the public key of `key` in the form that browsers need: the uncompressed point in base64url."""
    return to_base64(_point(key))


def new_vapid_key() -> str:
    """Return a new random private key for push messages: 32 bytes in base64url, without padding. Nothing is stored."""
    value = ec.generate_private_key(CURVE).private_numbers().private_value
    return to_base64(value.to_bytes(KEY_BYTES, "big"))


def vapid_key(text: str) -> ec.EllipticCurvePrivateKey:
    """Return the private key in a text that `new_vapid_key` returned; white space around it is ignored. Raises
    ValueError if the text is not such a key.
    """
    raw = from_base64(text.strip())
    if len(raw) != KEY_BYTES:
        raise ValueError("a private key has 32 bytes")
    return ec.derive_private_key(int.from_bytes(raw, "big"), CURVE)


def derived_vapid_key(secret: bytes) -> ec.EllipticCurvePrivateKey:
    """Return the private key for push messages of an embedded installation, derived from its `secret`: the same secret
    gives the same key.
    """
    wide = hmac.digest(secret, b"push messages", hashlib.sha512)  # 512 bits, so that no key is likelier than another
    return ec.derive_private_key(int.from_bytes(wide, "big") % (ORDER - 1) + 1, CURVE)


def to_base64(raw: bytes) -> str:
    """Return the bytes as base64url text without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def from_base64(text: str) -> bytes:
    """Return the bytes in base64url text, with or without padding. Raises ValueError if the text is not base64url."""
    return base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _derived(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(secret)
