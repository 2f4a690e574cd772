"""The heads of the audit's chains as a signed text, to be kept where those who run Quanzu cannot change it.

The text has lines of JSON: a HeadsStatement, the heads, and last a HeadsSignature of all bytes before it. So
`head -n -1` and `openssl pkeyutl -verify` check it with the public key alone.
"""

import base64
import binascii
from collections.abc import Iterable
from datetime import datetime

from pydantic import ValidationError

from domain.access import signatures
from domain.access.key_rings import KeyRing
from schemas.administration.audit import Head, HeadsSignature, HeadsStatement
from schemas.errors import UserError


class SignedHeadsError(UserError, ValueError):
    """The text is not what an installation signed, or none of the keys made its signature."""


def signed(heads: Iterable[Head], installation: str, ring: KeyRing, now: datetime) -> bytes:
    """Return the text with these heads, in the order of their times, signed with the key in force of the ring for the
    purpose `audit-heads`: by SM2 if that key begins with `sm-`, else by Ed25519. Raises sm2.Sm2Error if SM2 is needed
    and OpenSSL has none.
    """
    ordered = sorted(heads, key=lambda head: (head.at, head.chain))
    first = HeadsStatement(installation=installation, at=now, heads=len(ordered))
    text = b"".join(each.model_dump_json().encode() + b"\n" for each in (first, *ordered))
    public, made = (
        base64.b64encode(each).decode()
        for each in (signatures.public_key(ring.current), signatures.signature_of(ring.current, text))
    )
    return text + HeadsSignature(public=public, signature=made).model_dump_json().encode() + b"\n"


def heads_of(text: bytes, ring: KeyRing) -> list[Head]:
    """Return the heads of a signed text.

    Raises SignedHeadsError if a line is invalid, the signature is missing or does not fit, or its public key belongs to
    no key of the ring; sm2.Sm2Error if SM2 is needed and OpenSSL has none.
    """
    *lines, last = text.splitlines(keepends=True) or [b""]
    try:
        given = HeadsSignature.model_validate_json(last)
        public, made = (base64.b64decode(each, validate=True) for each in (given.public, given.signature))
    except (ValidationError, binascii.Error):
        raise SignedHeadsError("its last line is no signature: it was cut, or signed by nobody") from None
    if public not in map(signatures.public_key, ring.keys):
        raise SignedHeadsError(
            "it was signed with a key that this installation does not have: another's, or one that was removed"
        )
    if not signatures.is_signed(public, b"".join(lines), made):
        raise SignedHeadsError("its signature does not fit: it was changed since it was signed")
    try:
        return [Head.model_validate_json(line) for line in lines[1:]]
    except ValidationError:
        raise SignedHeadsError("a line is no head, although its signature fits: a later version wrote it") from None
