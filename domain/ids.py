"""Deterministic ids: the same parts give the same id on every machine."""

import hashlib


def resident_of(name: str) -> str:
    """Return the resident's id of a case or dispatch id, which begins with it."""
    return name.partition("-")[0]


def short_hash(*parts: str | int) -> str:
    """Return 20 hexadecimal digits (80 bits) of a hash of the parts, which may contain any characters."""
    text = "\x1f".join(str(part) for part in parts)
    return hashlib.blake2b(text.encode(), digest_size=10).hexdigest()


def fingerprint(secret: bytes) -> str:
    """Return a short hash by which a secret is recognized without revealing it."""
    return short_hash("fingerprint", secret.decode())
