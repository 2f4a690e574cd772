"""The files with the installation's keys by purpose, one for each component, in the folder of its secrets.

`keys-operator` has all keys except the public ones, which are derived from its own. Each other file has the purposes
that its component needs (installation_keys.NEEDED), so a component that is taken over gives away no other purpose's
keys.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from domain.access.ciphers import SM
from domain.access.key_rings import (
    MOST_NOTES,
    NOTES,
    KeyPurpose,
    KeyRing,
    KeyRingError,
    key_id,
    lost_note,
    noted_id,
    read_rings,
    text_of_rings,
)
from domain.access.public_encryption import attestations, public_key, public_ring
from streams.runtime.files import replace_secret
from streams.runtime.settings import SettingsError
from streams.security.hsm import VARIABLE as HSM_VARIABLE
from streams.security.hsm import WRAPPED, HsmError, configured_hsm, kept_keys, plain_keys
from streams.security.installation_keys import NEEDED
from streams.security.rights import Component

ALL = "keys-operator"
_UNNAMED = frozenset({KeyPurpose.INTAKE_ATTESTED})  # no keys, so their ids name nothing
MADE = frozenset(KeyPurpose) - NOTES - {KeyPurpose.INTAKE_PUBLIC}
"""The purposes for which keys are made; public keys are derived from theirs."""

KEY_FILES: Mapping[str, frozenset[KeyPurpose]] = {
    f"keys-{component}": MADE if component is Component.OPERATOR else purposes
    for component, purposes in NEEDED.items()
    if purposes
}
"""The purposes of each file. The doctor needs none, so it has no file."""


def make_keys(folder: Path) -> list[str]:
    """Make a key for each purpose that has none in `folder`, and write the files that are missing or differ; the folder
    is created too. Return the names of the files that were written, empty if none; existing keys stay.

    Raises SettingsError if a file is invalid, the HSM cannot be used, or `keys-operator` lacks a key that another file
    has: without that key, everything that was encrypted with it would be unreadable. Raises OSError if a file cannot be
    read or written.
    """
    rings = load_keys(folder) if (folder / ALL).exists() else {}
    _refuse_older(folder, rings)
    rings = _with_notes(folder, rings)
    whole = {purpose: rings.get(purpose) or KeyRing((random_key(),)) for purpose in KeyPurpose if purpose in MADE}
    return _store(folder, {**rings, **whole})


def load_keys(folder: Path) -> dict[KeyPurpose, KeyRing]:
    """Return all keys of a folder, by purpose, from its file `keys-operator`. Public keys are left out.

    Raises SettingsError, naming the file, if it is missing or invalid or the HSM cannot decrypt it, and OSError if it
    cannot be read.
    """
    return _read(folder / ALL)


def listed_keys(folder: Path) -> dict[KeyPurpose, KeyRing]:
    """Return all keys of a folder, by purpose, with the public ones, whose ids name the key pairs in records and logs;
    without the attestations.

    Raises SettingsError, naming the file `keys-operator`, if it is missing or invalid or the HSM cannot decrypt it, and
    OSError if it cannot be read.
    """
    return {purpose: ring for purpose, ring in _with_public(load_keys(folder)).items() if purpose not in _UNNAMED}


def change_ring(folder: Path, purpose: KeyPurpose, how: Callable[[KeyRing], KeyRing]) -> KeyRing:
    """Call `how` with a purpose's ring, write the result to every file of the folder that has the purpose, and return
    it.

    The file with all keys always has every key that another file has, so an interrupted change is completed by
    repeating it. Raises SettingsError if no keys are made for the purpose, the files are missing or invalid, the HSM
    cannot be used, or `keys-operator` has no key of the purpose or lacks a key that another file has; OSError if a file
    cannot be read or written; and what `how` raises.
    """
    if purpose not in MADE:
        raise SettingsError(f"keys for {purpose} are derived from those for {KeyPurpose.INTAKE}: change these")
    rings = load_keys(folder)
    _refuse_older(folder, rings)
    if purpose not in rings:
        raise SettingsError(f"{folder / ALL} has no key for {purpose}. Make it with `quanzu admin access secrets`")
    if purpose is KeyPurpose.INTAKE and (made := _attestations(rings)):
        rings[KeyPurpose.INTAKE_ATTESTED] = KeyRing(made)  # also those by a key that `how` removes
    before = set(rings[purpose].keys)
    rings[purpose] = how(rings[purpose])
    gone = before - set(rings[purpose].keys)
    removed = map(public_key, gone) if purpose is KeyPurpose.INTAKE else ()
    _store(folder, _with_notes(folder, rings, removed), all_last=bool(gone))
    return rings[purpose]


def note_lost(folder: Path, pair: str) -> KeyRing:
    """Write a note to the folder's files that nobody has the private key of a pair of intake any more, so that what was
    encrypted for it is refused and not awaited. Return all notes of removed pairs now, the latest first.

    `pair`: its id in records and logs. Raises KeyRingError if it is no such id; SettingsError if a key of the folder
    belongs to the pair, the files are missing or invalid, or `keys-operator` lacks a key that another file has; and
    OSError if a file cannot be read or written.
    """
    rings, note = load_keys(folder), lost_note(pair)
    _refuse_older(folder, rings)
    if pair in map(key_id, _keys_of(_with_public(rings), KeyPurpose.INTAKE_PUBLIC)):
        raise SettingsError(
            f"{folder / ALL} has the key of the pair {pair}: it is not lost. Copy the files to the workers"
        )
    rings = _with_notes(folder, rings, [note])
    _store(folder, rings)
    return rings[KeyPurpose.INTAKE_REMOVED]


def wrap_files(folder: Path) -> list[str]:
    """Encrypt, by the HSM, those files of a folder that are not encrypted yet. Return their names, empty if there was
    none. Safe to repeat.

    Raises SettingsError if QUANZU_HSM is not set, the HSM cannot be used, or a file is missing or invalid, and OSError
    if one cannot be read or written; the files before it are encrypted then.
    """
    if configured_hsm() is None:
        raise SettingsError(f"{HSM_VARIABLE} is not set: name the key in the HSM")
    changed = []
    for name in KEY_FILES:
        file = folder / name
        text = file.read_text("utf-8") if file.exists() else WRAPPED
        if not text.startswith(WRAPPED):
            _parsed(file, text)
            replace_secret(file, kept_keys(text))
            changed.append(name)
        _read(file)
    return changed


def random_key(*, sm: bool = False) -> bytes:
    """Return a new key: 256 random bits as 64 hexadecimal digits. `sm`: for the Chinese algorithms
    (domain/access/ciphers); the key then begins with `sm-`.
    """
    return (SM if sm else b"") + secrets.token_hex(32).encode()


def _read(file: Path) -> dict[KeyPurpose, KeyRing]:
    try:
        return _parsed(file, plain_keys(file.read_text("utf-8")))
    except FileNotFoundError:
        raise SettingsError(f"{file} is missing. Make it with `quanzu admin access secrets {file.parent}`") from None
    except (UnicodeDecodeError, HsmError) as error:
        raise SettingsError(f"{file}: {error}") from None


def _parsed(file: Path, text: str) -> dict[KeyPurpose, KeyRing]:
    try:
        return read_rings(text)
    except KeyRingError as error:
        raise SettingsError(f"{file}: {error}") from None


def _refuse_older(folder: Path, rings: Mapping[KeyPurpose, KeyRing]) -> None:
    """Raise SettingsError if a file of the folder has a key that `rings`, those of `keys-operator`, lack."""
    known = _with_public(rings)
    for name in KEY_FILES:
        found = _read(folder / name) if (folder / name).exists() else {}
        keys = ((purpose, {*ring.keys}) for purpose, ring in found.items() if purpose not in NOTES)
        lost = [purpose for purpose, ring in keys if not ring <= {*_keys_of(known, purpose)}]
        if lost:
            raise SettingsError(
                f"{folder / name} has keys for {', '.join(sorted(lost))}, which {folder / ALL} lacks: it is missing or "
                "older. Bring that file back as it was last; without these keys, what they encrypted is unreadable"
            )


def _keys_of(rings: Mapping[KeyPurpose, KeyRing], purpose: KeyPurpose) -> tuple[bytes, ...]:
    return rings[purpose].keys if purpose in rings else ()


def _with_public(rings: Mapping[KeyPurpose, KeyRing]) -> dict[KeyPurpose, KeyRing]:
    """Return rings with the public keys that belong to them, and their attestations, if there are any."""
    private = rings.get(KeyPurpose.INTAKE)
    if private is None:
        return {**rings}
    attested = _attestations(rings)
    made: dict[KeyPurpose, KeyRing] = {**rings}
    made.pop(KeyPurpose.INTAKE_ATTESTED, None)
    made[KeyPurpose.INTAKE_PUBLIC] = public_ring(private)
    if attested:
        made[KeyPurpose.INTAKE_ATTESTED] = KeyRing(attested)
    return made


def _attestations(rings: Mapping[KeyPurpose, KeyRing]) -> tuple[bytes, ...]:
    return attestations(rings[KeyPurpose.INTAKE], _keys_of(rings, KeyPurpose.INTAKE_ATTESTED))


def _with_notes(
    folder: Path, rings: Mapping[KeyPurpose, KeyRing], removed: Iterable[bytes] = ()
) -> dict[KeyPurpose, KeyRing]:
    """Return rings with what is noted about key pairs: the notes of pairs that are `removed` now first, then what all
    files of the folder note, because a copy of `keys-operator` that was brought back may lack some. A pair whose key is
    there (again) is not noted as removed.
    """
    files = [rings, *(_read(folder / name) for name in KEY_FILES if (folder / name).exists())]
    attested, former = ([text for each in files for text in _keys_of(each, note)] for note in sorted(NOTES))
    here = {key_id(public_key(key)) for key in _keys_of(rings, KeyPurpose.INTAKE)}
    by_pair = {noted_id(note): note for note in [*former[::-1], *[*removed][::-1]]}  # the latest last
    gone = [note for pair, note in reversed(by_pair.items()) if pair not in here][:MOST_NOTES]
    notes = {KeyPurpose.INTAKE_ATTESTED: [*dict.fromkeys(attested)], KeyPurpose.INTAKE_REMOVED: gone}
    others = {purpose: ring for purpose, ring in rings.items() if purpose not in NOTES}
    return {**others, **{purpose: KeyRing(tuple(texts)) for purpose, texts in notes.items() if texts}}


def _of_file(rings: Mapping[KeyPurpose, KeyRing], name: str) -> dict[KeyPurpose, KeyRing]:
    """Return the rings of `_with_public` that belong into a file."""
    purposes = KEY_FILES[name]
    purposes |= NOTES if KeyPurpose.INTAKE in purposes else frozenset()
    purposes |= {KeyPurpose.INTAKE_ATTESTED} if KeyPurpose.INTAKE_PUBLIC in purposes else frozenset()
    return {purpose: ring for purpose, ring in rings.items() if purpose in purposes}


def _store(folder: Path, rings: Mapping[KeyPurpose, KeyRing], *, all_last: bool = False) -> list[str]:
    """Write each file that differs, and return the names of these files. `all_last`: whether `keys-operator` is the
    last one rather than the first.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    changed, whole = [], _with_public(rings)
    for name in sorted(KEY_FILES, key=lambda name: (name == ALL) is all_last):
        text = text_of_rings(_of_file(whole, name))
        file = folder / name
        if not file.exists() or plain_keys(file.read_text("utf-8")) != text:
            replace_secret(file, kept_keys(text))
            changed.append(name)
    return changed
