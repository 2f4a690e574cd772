"""The oblivious function of the public check: OPRF(ristretto255, SHA-512) of RFC 9497, base mode.

The server raises a blinded element to its key, so it learns nothing about the input; whoever asked removes the blind
and has `key · H(input)`, which nobody can compute without the key. The arithmetic is libsodium's (rbcl).

Input and output are bytes: elements and scalars of 32 bytes each.
"""

import hashlib

import rbcl  # type: ignore[import-untyped]  # it has no types

ELEMENT_BYTES = 32
SCALAR_BYTES = 32
_CONTEXT = b"OPRFV1-\x00-ristretto255-SHA512"  # mode 0: base
_TO_GROUP = b"HashToGroup-" + _CONTEXT
_TO_SCALAR = b"DeriveKeyPair" + _CONTEXT
_SHA512_BLOCK = 128
_MOST_TRIES = 256


class ElementError(ValueError):
    """The bytes are no element of the group, or its identity."""


def hash_to_group(text: bytes) -> bytes:
    """Return the element (32 bytes) of the group to which a text is mapped (RFC 9497, HashToGroup)."""
    return bytes(rbcl.crypto_core_ristretto255_from_hash(_expanded(text, _TO_GROUP)))


def derived_scalar(seed: bytes, info: bytes) -> bytes:
    """Return the secret key (a scalar of 32 bytes) that RFC 9497's DeriveKeyPair derives from a seed. `info`: public
    bytes that distinguish keys of one seed.

    Raises ValueError if the seed is not 32 bytes long or gives no key (practically impossible).
    """
    if len(seed) != SCALAR_BYTES:
        raise ValueError(f"a seed has {SCALAR_BYTES} bytes")
    whole = seed + len(info).to_bytes(2, "big") + info
    for counter in range(_MOST_TRIES):
        scalar = bytes(rbcl.crypto_core_ristretto255_scalar_reduce(_expanded(whole + bytes([counter]), _TO_SCALAR)))
        if any(scalar):
            return scalar
    raise ValueError("no key can be derived from this seed")


def evaluated(scalar: bytes, element: bytes) -> bytes:
    """Return `scalar · element`, 32 bytes: the server's answer to a blinded element.

    Raises ElementError if `element` is not 32 bytes long or encodes no element of the group, or if it is the identity.
    """
    if len(element) != ELEMENT_BYTES:
        raise ElementError(f"an element has {ELEMENT_BYTES} bytes")
    try:
        return bytes(rbcl.crypto_scalarmult_ristretto255(scalar, element))
    except RuntimeError:  # also for bytes that encode no element
        raise ElementError("not an element of ristretto255") from None


def scalar_ratio(new: bytes, old: bytes) -> bytes:
    """Return `new / old` as a scalar of 32 bytes: multiplied by it (`evaluated`), an element under the key `old`
    becomes the one under the key `new`.
    """
    return bytes(rbcl.crypto_core_ristretto255_scalar_mul(new, _inverse(old)))


def unblinded(blind: bytes, element: bytes) -> bytes:
    """Return an evaluated element (32 bytes) with the blind removed.

    Raises ElementError if `element` is not an element of the group, or is the identity.
    """
    return evaluated(_inverse(blind), element)


def random_scalar() -> bytes:
    """Return a random scalar (32 bytes) that nobody can guess, with which to blind an element."""
    return bytes(rbcl.crypto_core_ristretto255_scalar_random())


def _inverse(scalar: bytes) -> bytes:
    return bytes(rbcl.crypto_core_ristretto255_scalar_invert(scalar))


def _expanded(text: bytes, tag: bytes) -> bytes:
    """Return 64 bytes: expand_message_xmd of RFC 9380 with SHA-512. One block of the hash is enough."""
    named = tag + bytes([len(tag)])
    first = hashlib.sha512(bytes(_SHA512_BLOCK) + text + (64).to_bytes(2, "big") + b"\0" + named).digest()
    return hashlib.sha512(first + b"\1" + named).digest()
