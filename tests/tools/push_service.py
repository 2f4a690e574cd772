"""A push service on this machine (RFC 8030), and a browser's half of the encryption (RFC 8291), written apart from the
product's: it decrypts what it is sent, and checks who sends it.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.providers import serving

CURVE = ec.SECP256R1()
HANGS = 0  # an answer that never comes


def plain(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def text_of(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _derived(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF of RFC 5869, for up to one block."""
    return hmac.digest(hmac.digest(salt, secret, hashlib.sha256), info + b"\x01", hashlib.sha256)[:length]


@dataclass(frozen=True)
class Browser:
    """A browser's subscription: its private key, and the secret that it shares with the sender."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(CURVE))
    auth: bytes = field(default_factory=lambda: secrets.token_bytes(16))

    @property
    def keys(self) -> dict[str, str]:
        return {"p256dh": text_of(self._point), "auth": text_of(self.auth)}

    @property
    def _point(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def opened(self, body: bytes) -> bytes:
        """The message: header, key derivation and padding by RFC 8188 and 8291."""
        salt, size, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        sender, sealed = body[21 : 21 + length], body[21 + length :]
        assert len(sealed) <= size, "one record"
        shared = self.key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(CURVE, sender))
        secret = _derived(shared, self.auth, b"WebPush: info\x00" + self._point + sender, 32)
        key = _derived(secret, salt, b"Content-Encoding: aes128gcm\x00", 16)
        nonce = _derived(secret, salt, b"Content-Encoding: nonce\x00", 12)
        padded = AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\x00")
        assert padded.endswith(b"\x02"), "the last record"
        return padded[:-1]


@dataclass(frozen=True)
class Pushed:
    """A message that arrived, and the headers with which it came."""

    name: str
    headers: dict[str, str]
    body: bytes


@dataclass
class PushService:
    """`answers`: the next answers, a status and a Retry-After; afterwards 201. `got`: what arrived. `location`: with
    each answer.
    """

    address: str = ""
    answers: list[tuple[int, str]] = field(default_factory=list)
    got: list[Pushed] = field(default_factory=list)
    location: str = ""

    def endpoint(self, name: str = "device") -> str:
        return f"{self.address}/push/{name}"

    def then(self, *answers: int | tuple[int, str]) -> None:
        self.answers[:] = [each if isinstance(each, tuple) else (each, "") for each in answers]

    async def take(self, request: Request) -> Response:
        self.got.append(Pushed(request.path_params["name"], dict(request.headers), await request.body()))
        status, later = self.answers.pop(0) if self.answers else (201, "")
        if status == HANGS:
            await asyncio.sleep(3600)
        headers = {"Retry-After": later, "Location": self.location}
        return Response(status_code=status, headers={name: value for name, value in headers.items() if value})


def claims(pushed: Pushed, address: str, public_key: str) -> dict[str, Any]:
    """The claims of the sender's proof, whose signature and audience are right (RFC 8292)."""
    scheme, _, rest = pushed.headers["authorization"].partition(" ")
    parts = dict(each.strip().split("=", 1) for each in rest.split(","))
    assert (scheme, parts["k"]) == ("vapid", public_key)
    signed, _, signature = parts["t"].rpartition(".")
    raw = plain(signature)
    whole = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, plain(public_key))
    key.verify(whole, signed.encode(), ec.ECDSA(SHA256()))
    found: dict[str, Any] = json.loads(plain(signed.partition(".")[2]))
    assert found["aud"] == "{0.scheme}://{0.netloc}".format(urlsplit(address))
    return found


def told(pushed: Sequence[Pushed], browser: Browser) -> list[dict[str, Any]]:
    return [json.loads(browser.opened(each.body)) for each in pushed]


@asynccontextmanager
async def push_service() -> AsyncIterator[PushService]:
    """A service that takes whatever comes, and answers as it is told."""
    service = PushService()
    app = Starlette(routes=[Route("/push/{name}", service.take, methods=["POST"])])
    async with serving(app) as service.address:
        yield service
