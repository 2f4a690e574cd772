"""As whom a generated request is sent, and with whose signature: mostly as it should be, sometimes as it must not."""

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from streams.channels.signing import SignedMessage, sign

ROLES = (3, 3, 2, 2)  # of ten requests, in the order of a plan's roles: the last one has not the right
SIGNED = (7, 1, 1, 1)  # in the order of Signing
STRANGE = 0.1  # of a person's requests, the share that keeps the token that schemathesis invents


class Signing(StrEnum):
    """RIGHT: by a key that may sign it; NONE: as it was generated; ANOTHERS: by the key of another channel; ALTERED:
    the body was changed after it was signed.
    """

    RIGHT = "right"
    NONE = "none"
    ANOTHERS = "anothers"
    ALTERED = "altered"


@dataclass(frozen=True)
class Signers:
    """Who signs the requests of an operation. `channel`: what their signature is for; `keys`: those that may sign, in
    hexadecimal; `another`: that of another channel.
    """

    channel: str
    keys: list[str]
    another: str


@dataclass(frozen=True)
class Manner:
    """`role`: as whom, "" without a sign-in; `signing`: None if the operation needs no signature; `strange`: with the
    token that the request has; `allowed`: False if it must be refused.
    """

    role: str = ""
    signing: Signing | None = None
    strange: bool = False
    allowed: bool = True


def manner(roles: Sequence[str], *, signs: bool, chance: Random) -> Manner:
    """Choose at random as whom a request is sent, and how it is signed. `roles`: the two permitted roles with the most
    rights, the permitted role with the fewest, and a role that is not permitted; empty if the operation needs no
    sign-in. `signs`: True if it needs a signature.
    """
    if signs:
        signing = chance.choices(list(Signing), SIGNED)[0]
        return Manner(signing=signing, allowed=signing is Signing.RIGHT)
    if not roles:
        return Manner()
    role = chance.choices(range(len(ROLES)), ROLES)[0]
    return Manner(roles[role], None, chance.random() < STRANGE, role < len(ROLES) - 1)


def signature(signers: Signers, how: Signing, path: str, body: bytes) -> Mapping[str, str]:
    """Return the headers of a request's signature, by name: none if it stays as it was generated."""
    if how is Signing.NONE:
        return {}
    key = signers.another if how is Signing.ANOTHERS else secrets.choice(signers.keys)
    signed = SignedMessage(signers.channel, path, body + b" " if how is Signing.ALTERED else body)
    return sign(bytes.fromhex(key), signed, time.time(), secrets.token_hex(12))
