"""A security key in software: it makes credentials and signs as a real one does (WebAuthn level 2, ES256)."""

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import bytes_to_base64url

from schemas.people.staff import SecurityKey

PRESENT, VERIFIED, NEW = 0x01, 0x04, 0x40  # flags


@dataclass
class SoftKey:
    """One credential. Each field may be changed to what it should not be."""

    origin: str  # of the page that asks, as the browser tells it
    host: str = "localhost"
    flags: int = PRESENT | VERIFIED
    counter: int = 1
    step: int = 1
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def public(self) -> bytes:
        """The public key in COSE."""
        point = self.private.public_key().public_numbers()
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")})

    def kept(self, name: str) -> SecurityKey:
        """The key as an account has it."""
        now = datetime.now(UTC)
        fields = {"id": bytes_to_base64url(self.id), "public_key": bytes_to_base64url(self.public)}
        return SecurityKey(counter=self.counter, name=name, added_at=now, **fields)

    def create(self, options: str) -> str:
        """The answer to the options of a registration."""
        client = self._client("webauthn.create", options)
        credential = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + self.public
        data = self._data(self.flags | NEW) + credential
        attested = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer({"clientDataJSON": client, "attestationObject": attested})

    def get(self, options: str) -> str:
        """The answer to the options of an authentication: its counter rises by `step`."""
        client = self._client("webauthn.get", options)
        self.counter += self.step
        data = self._data(self.flags)
        signature = self.private.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer({"clientDataJSON": client, "authenticatorData": data, "signature": signature})

    def _client(self, kind: str, options: str) -> bytes:
        challenge = json.loads(options)["challenge"]
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}).encode()

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.host.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4, "big")

    def _answer(self, parts: dict[str, bytes]) -> str:
        name = bytes_to_base64url(self.id)
        response: dict[str, Any] = {part: bytes_to_base64url(value) for part, value in parts.items()}
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})
