"""The installation's keys by purpose (QUANZU_KEYS), read again while a process runs, so that keys can be rotated.

QUANZU_SECRET remains the key of the hashes of telephone, account and ID numbers. All other keys are here, and each
component is given only the purposes of `NEEDED`.
"""

import hashlib
import hmac
import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path

from domain.access.key_rings import MOST_NOTES, NOTES, KeyPurpose, KeyRing, KeyRingError, read_rings
from domain.access.public_encryption import attestations, public_ring
from streams.runtime.files import State, file_state
from streams.runtime.settings import Settings, SettingsError
from streams.security.hsm import WRAPPED, plain_keys
from streams.security.hsm_thread import NotAnsweredYetError, hsm_answer, within_loop
from streams.security.rights import Component

log = logging.getLogger(__name__)

VARIABLE = "QUANZU_KEYS"
NEEDED: Mapping[Component, frozenset[KeyPurpose]] = {
    Component.WORKER: frozenset({KeyPurpose.AUDIT, KeyPurpose.DELIVERY, KeyPurpose.VAULT, KeyPurpose.INTAKE}),
    Component.INTAKE: frozenset({KeyPurpose.AUDIT, KeyPurpose.CALLERS, KeyPurpose.INTAKE_PUBLIC}),
    Component.CONSOLE: frozenset(KeyPurpose)
    - {KeyPurpose.INTAKE, KeyPurpose.INTAKE_ATTESTED, KeyPurpose.INTAKE_REMOVED},
    Component.EXPORTER: frozenset({KeyPurpose.AUDIT}),
    Component.DOCTOR: frozenset(),
    Component.OPERATOR: frozenset({KeyPurpose.AUDIT, KeyPurpose.AUDIT_HEADS, KeyPurpose.VAULT, KeyPurpose.INTAKE}),
}
"""The key purposes that each component needs. The exporter only verifies the audit; intake writes audit lines. Intake
encrypts the telephone numbers of callers, and the console decrypts them. Only the console and the commands sign the
audit's chains. Only workers and commands decrypt the signals that intake encrypts; the console encrypts signals as
intake does."""

NEED_SECRET = frozenset(Component) - {Component.EXPORTER}
"""The components that hash and compare numbers, so they need QUANZU_SECRET: the exporter only counts."""

RETRY_SECONDS = 60.0  # until a file that could not be read is read again unchanged: an HSM counts wrong PINs

_Read = tuple[State | None, Mapping[KeyPurpose, KeyRing]]
_read: dict[Path, _Read] = {}  # by file: its state when it was read, and its rings
_failed: dict[Path, tuple[State | None, float]] = {}  # by file: its state when it could not be read, and when to retry


def ring(settings: Settings, purpose: KeyPurpose) -> KeyRing:
    """Return the keys of a purpose as they are now, the one in force first.

    A file named by QUANZU_KEYS_FILE is read again when it has changed. If it cannot be read then, the keys read before
    remain, a warning is logged, and the file is read again after a minute. They also remain while an HSM decrypts the
    changed file: an event loop never waits for it, except for the first keys of a process. An embedded installation
    without keys derives them from its secret. Public keys are derived where the process has the private ones. Raises
    SettingsError if this process was given no key for the purpose, or the first keys that it reads are invalid or
    cannot be read.
    """
    rings = _rings(settings)
    if purpose is KeyPurpose.INTAKE_PUBLIC and purpose not in (rings or {}):
        return public_ring(ring(settings, KeyPurpose.INTAKE))
    if rings is None and settings.embedded:
        return KeyRing((_derived(settings.key(), purpose),))
    if rings is None or purpose not in rings:
        raise SettingsError(_missing([purpose]))
    return rings[purpose]


def noted(settings: Settings, purpose: KeyPurpose) -> tuple[bytes, ...]:
    """Return the current notes about the key pairs of intake: the texts for INTAKE_ATTESTED, or for INTAKE_REMOVED.
    Empty if nothing is noted. A process that has the private keys adds the attestations that they make.

    Raises SettingsError if the keys are invalid.
    """
    rings = _rings(settings) or {}
    if purpose is KeyPurpose.INTAKE_ATTESTED and KeyPurpose.INTAKE in rings:
        return attestations(rings[KeyPurpose.INTAKE], _keys_of(rings, purpose))
    return _keys_of(rings, purpose)


def require(settings: Settings, component: Component) -> None:
    """Raise SettingsError, whose text names what to add, if the component lacks keys of a purpose, or they are invalid;
    else do nothing.
    """
    rings = _rings(settings)
    if rings is None and settings.embedded:
        return
    found = set(rings or {})
    if missing := sorted(
        NEEDED[component] - found - ({KeyPurpose.INTAKE_PUBLIC} if KeyPurpose.INTAKE in found else set())
    ):
        raise SettingsError(_missing(missing))


def _rings(settings: Settings) -> Mapping[KeyPurpose, KeyRing] | None:
    """Return the rings of the file or setting, or None if neither is there."""
    named = os.environ.get(f"{VARIABLE}_FILE")
    if named:
        return _of_file(Path(named))
    return _parsed(settings.keys.get_secret_value()) if settings.keys else None


def _of_file(file: Path) -> Mapping[KeyPurpose, KeyRing]:
    before = _read.get(file)
    stamp = file_state(file)
    if before and stamp == before[0]:
        return before[1]
    failed, again = _failed.get(file, (None, 0.0))
    if before and stamp == failed and time.monotonic() < again:
        return before[1]
    try:
        rings = _whole(file, before[1] if before else None)
    except NotAnsweredYetError:
        return before[1] if before else {}
    except (OSError, UnicodeDecodeError, SettingsError) as error:
        words = f"{VARIABLE}_FILE = {file}: {_why(error)}"
        if before is None:
            raise SettingsError(words) from None
        log.warning("%s. The keys that were read before remain in use", words)
        _failed[file] = (stamp, time.monotonic() + RETRY_SECONDS)
        return before[1]
    _read[file] = (stamp, rings)
    return rings


def _whole(file: Path, before: Mapping[KeyPurpose, KeyRing] | None) -> Mapping[KeyPurpose, KeyRing]:
    """Return the file's rings, with the removed pairs that were noted `before`: a file that lacks a note, say because a
    removal was interrupted, is taken all the same. Raises SettingsError if a purpose with keys that was there before is
    missing. Raises NotAnsweredYetError if there are keys `before`, and an HSM is decrypting the file for an event loop.
    """
    text = file.read_text("utf-8")
    wait = before is None or not within_loop()
    rings = _parsed(hsm_answer(plain_keys, text, wait=wait) if text.startswith(WRAPPED) else plain_keys(text))
    if lost := sorted((before or {}).keys() - rings.keys() - NOTES):
        raise SettingsError(f"it has no key for {', '.join(lost)} any more")
    removed = [*_keys_of(rings, KeyPurpose.INTAKE_REMOVED), *_keys_of(before or {}, KeyPurpose.INTAKE_REMOVED)]
    noted_now = KeyRing(tuple(dict.fromkeys(removed))[:MOST_NOTES])
    return {**rings, KeyPurpose.INTAKE_REMOVED: noted_now} if removed else rings


def _keys_of(rings: Mapping[KeyPurpose, KeyRing], purpose: KeyPurpose) -> tuple[bytes, ...]:
    return rings[purpose].keys if purpose in rings else ()


def _parsed(text: str) -> dict[KeyPurpose, KeyRing]:
    try:
        return read_rings(text)
    except KeyRingError as error:
        raise SettingsError(f"{VARIABLE}, {error}") from None


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return "it is no text" if isinstance(error, UnicodeDecodeError) else str(error)


def _missing(purposes: list[KeyPurpose]) -> str:
    return (
        f"{VARIABLE} has no key for {', '.join(purposes)}. `quanzu admin access secrets FOLDER` makes the keys of all "
        f"components; name this one's file by {VARIABLE}_FILE"
    )


def _derived(secret: bytes, purpose: KeyPurpose) -> bytes:
    return hmac.digest(secret, f"quanzu key: {purpose}".encode(), hashlib.sha256).hex().encode()
