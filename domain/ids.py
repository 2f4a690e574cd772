"""Deterministic ids: the same parts give the same id, on any machine, in any order of events."""

import hashlib


def resident_of(name: str) -> str:
    """The resident of a case or a dispatch: its id begins with the resident's, which has no dash."""
    return name.partition("-")[0]


def short_hash(*parts: str | int) -> str:
    """20 hexadecimal digits (80 bits) of the parts, which may hold any character."""
    text = "\x1f".join(str(part) for part in parts)
    return hashlib.blake2b(text.encode(), digest_size=10).hexdigest()


def fingerprint(secret: bytes) -> str:
    """By which a secret is known again, without telling it."""
    return short_hash("fingerprint", secret.decode())
