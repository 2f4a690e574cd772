"""Encrypts the files with the installation's keys under a key that never leaves an HSM, by PKCS #11 (QUANZU_HSM).

The HSM is asked when such a file is written or read, which is at a process's start and when keys are rotated. So it
need not be fast, and a process that runs goes on while it is away (hsm_thread). The library is imported then, because
it takes a tenth of a second that a process without an HSM need not spend.
"""

import base64
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, unquote

from streams.runtime.secret_files import FileFaultError, read_secret
from streams.runtime.settings import SettingsError

VARIABLE = "QUANZU_HSM"
WRAPPED = "hsm1:"  # begins the text of an encrypted file
EXAMPLE = "pkcs11:token=quanzu;object=keys?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=/etc/quanzu/pin"
_NONCE_BYTES, _TAG_BITS = 12, 128
_ABOUT = b"quanzu keys"  # is authenticated with the text: nothing else that the HSM's key encrypted passes for keys
_one_at_a_time = Lock()  # a module of PKCS #11 has one sign-in for the whole process


class HsmError(SettingsError):
    """The HSM cannot be reached, refuses its PIN, or has no such key; or a file was not encrypted by it."""


@dataclass(frozen=True, slots=True)
class HsmKey:
    """A key in an HSM. `module`: the vendor's PKCS #11 library; `token`, `label`: the names of the token and the key;
    `pin`: the file with the user's PIN.
    """

    module: Path
    token: str
    label: str
    pin: Path

    def make(self) -> bool:
        """Make the key in the HSM: AES with 256 bits, which cannot be read. Returns True if it was made, False if there
        is one of this name already.

        Raises HsmError if the HSM cannot be used or refuses to make it.
        """
        from pkcs11 import Attribute, KeyType

        with self._session(write=True) as session:
            if _found(session, self.label):
                return False
            session.generate_key(
                KeyType.AES,
                256,
                label=self.label,
                store=True,
                template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False},
            )
            return True

    def wrapped(self, text: str) -> str:
        """Return a text encrypted by the HSM, by AES-256-GCM: one line that begins with WRAPPED and ends with a line
        feed.

        Raises HsmError if the HSM cannot be used, or has not exactly one key of this name.
        """
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._use("encrypt", nonce, text.encode())
        return f"{WRAPPED}{base64.urlsafe_b64encode(nonce + sealed).decode()}\n"

    def unwrapped(self, line: str) -> str:
        """Return the text that `wrapped` encrypted.

        Raises HsmError if the line was changed or encrypted by another key, the HSM cannot be used, or it has not
        exactly one key of this name.
        """
        try:
            sealed = base64.b64decode(line.strip().removeprefix(WRAPPED), altchars=b"-_", validate=True)
        except ValueError:
            sealed = b""
        if len(sealed) < _NONCE_BYTES + _TAG_BITS // 8:
            raise HsmError("it was not encrypted by the HSM, or is not whole. Bring a copy of it back")
        return self._use("decrypt", sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]).decode()

    def _use(self, act: str, nonce: bytes, text: bytes) -> bytes:
        from pkcs11 import GCMParams, Mechanism

        with self._session() as session:
            found = _found(session, self.label)
            if len(found) != 1:
                raise HsmError(
                    f"{VARIABLE}: the token {self.token} has {len(found) or 'no'} key {self.label}. Make it with "
                    "`quanzu admin access keys hsm`, or name the only right one"
                )
            parameters = GCMParams(nonce, aad=_ABOUT, tag_bits=_TAG_BITS)
            return bytes(getattr(found[0], act)(text, mechanism=Mechanism.AES_GCM, mechanism_param=parameters))

    @contextmanager
    def _session(self, *, write: bool = False) -> Iterator[Any]:
        """Sign in at the token. Raises HsmError for all that can go wrong there."""
        from pkcs11 import PKCS11Error, lib

        try:
            pin = read_secret(self.pin)
        except FileFaultError as error:
            raise HsmError(f"{VARIABLE}, pin-source {self.pin}: {error}") from None
        with _one_at_a_time:
            try:
                token = lib(str(self.module)).get_token(token_label=self.token)
                with token.open(rw=write, user_pin=pin) as session:
                    yield session
            except (PKCS11Error, RuntimeError) as error:  # RuntimeError: the library cannot be loaded
                raise HsmError(
                    f"{VARIABLE}: the token {self.token} of {self.module} answered {type(error).__name__}. Check its "
                    "PIN, its state, that this user may use the library, and that the file is as the HSM encrypted it"
                ) from None


def configured_hsm() -> HsmKey | None:
    """Return the key that QUANZU_HSM names, None if it is not set. The HSM is not asked. Raises HsmError if the value
    is no valid URI of a key (see `read_uri`).
    """
    named = os.environ.get(VARIABLE)
    return read_uri(named) if named else None


def read_uri(uri: str) -> HsmKey:
    """Return the key that a PKCS #11 URI names (RFC 7512): `token` and `object`, then `module-path` and `pin-source`.
    The HSM is not asked.

    Raises HsmError if the text is no such URI, one of the four is missing, or it has a PIN (`pin-value`), which
    everyone could see.
    """
    path, _, query = uri.removeprefix("pkcs11:").partition("?")
    parts = {name: unquote(value) for name, _, value in (each.partition("=") for each in path.split(";"))}
    parts |= {name: values[0] for name, values in parse_qs(query).items()}
    names = ("token", "object", "module-path", "pin-source")
    if not uri.startswith("pkcs11:") or "pin-value" in parts or not all(parts.get(name) for name in names):
        raise HsmError(f"{VARIABLE} must be an address such as {EXAMPLE}, with the PIN in a file")
    pin = re.sub(r"^file:(//)?", "", parts["pin-source"])
    return HsmKey(Path(parts["module-path"]), parts["token"], parts["object"], Path(pin))


def plain_keys(text: str) -> str:
    """Return the text of a file with keys, decrypted by the HSM if one is configured, else unchanged.

    Raises HsmError if the text is not encrypted although there is an HSM, or the other way round, and if the HSM cannot
    decrypt it.
    """
    hsm = configured_hsm()
    if hsm is None:
        if text.startswith(WRAPPED):
            raise HsmError(f"it is encrypted by an HSM, and {VARIABLE} is not set: name the key, such as {EXAMPLE}")
        return text
    if not text.startswith(WRAPPED):
        raise HsmError(f"it is not encrypted, although {VARIABLE} is set. Run `quanzu admin access keys wrap FOLDER`")
    return hsm.unwrapped(text)


def kept_keys(text: str) -> str:
    """Return the text to write to a file with keys: encrypted if there is an HSM, else unchanged. Writes nothing.

    Raises HsmError if the HSM cannot be used, or does not decrypt what it has just encrypted.
    """
    hsm = configured_hsm()
    if hsm is None:
        return text
    wrapped = hsm.wrapped(text)
    if hsm.unwrapped(wrapped) != text:
        raise HsmError("the HSM does not decrypt what it has just encrypted: nothing was written. Ask its vendor")
    return wrapped


def _found(session: Any, label: str) -> list[Any]:  # noqa: ANN401 - of a module without types
    from pkcs11 import Attribute, ObjectClass

    return list(session.get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.LABEL: label}))
