"""Case bundles: a zip with a manifest that has each file's SHA-256, and a keyed seal over the manifest."""

import hashlib
import hmac
import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from domain.access.audit_chain import audit_ring, is_intact
from domain.access.ciphers import message_code
from domain.access.key_rings import KeyRing
from domain.ids import fingerprint
from schemas.administration.bundles import Manifest, Sum

MANIFEST, SEAL = "manifest.json", "manifest.seal"
CASE, EVENTS, INPUTS, AUDIT = "case.json", "events.jsonl", "inputs.json", "audit.jsonl"
POLICIES = "policies/"  # prefix of HASH.toml
MOST_BYTES = 256 * 1024 * 1024  # unpacked; the limit protects a verifier against a forged bundle
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # the earliest date of the zip format; the manifest has the real time


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of checking a bundle. `faults`: English sentences, empty if there are none. `manifest`: None if
    unreadable.

    `decided`: True if the bundle is known to be genuine or faulty. False if it was made under another key and its files
    match the manifest.
    """

    manifest: Manifest | None
    faults: tuple[str, ...]
    decided: bool


def sums(files: Mapping[str, bytes]) -> dict[str, Sum]:
    """Return each file's length in bytes and SHA-256, by file name, for the manifest."""
    return {name: Sum(bytes=len(raw), sha256=_digest(raw)) for name, raw in sorted(files.items())}


def packed(files: Mapping[str, bytes], manifest: Manifest, key: bytes) -> bytes:
    """Return the bundle's bytes: a zip of the manifest, its seal under `key`, and the files, by name.

    The same arguments give the same bytes.
    """
    told = manifest.model_dump_json(indent=2).encode()
    whole = {MANIFEST: told, SEAL: _sign(told, key), **dict(sorted(files.items()))}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in whole.items():
            info = zipfile.ZipInfo(name, _EARLIEST)
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            archive.writestr(info, raw)
    return made.getvalue()


def check(raw: bytes, ring: KeyRing) -> Checked:
    """Check whether a bundle (a zip) is complete, unchanged, and made by the installation with the keys `ring`. Return
    the manifest and the faults.

    A bundle that cannot be read, or unpacks to over 256 MiB, gives a fault and no manifest, not an error. One that was
    made under another key and matches its manifest gives no fault, but `decided` is False.
    """
    try:
        files = _unpacked(raw)
        manifest = Manifest.model_validate_json(files[MANIFEST])
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, RuntimeError) as error:
        return Checked(None, (f"it is no zip that can be read ({type(error).__name__})",), decided=True)
    except KeyError:
        return Checked(None, (f"there is no {MANIFEST}",), decided=True)
    except ValidationError:
        return Checked(None, (f"{MANIFEST} cannot be read",), decided=True)
    except _TooLargeError:
        return Checked(None, (f"it unpacks to over {MOST_BYTES:,} bytes",), decided=True)
    own = next((key for key in ring.keys if manifest.key == fingerprint(key)), None)
    faults = [*_differing(files, manifest), *(_unsealed(files, own, ring) if own else ())]
    return Checked(manifest, tuple(faults), decided=own is not None or bool(faults))


class _TooLargeError(Exception):
    pass


def _unpacked(raw: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        infos = archive.infolist()
        if sum(info.file_size for info in infos) > MOST_BYTES:
            raise _TooLargeError
        if len({info.filename for info in infos}) != len(infos):
            raise zipfile.BadZipFile
        return {info.filename: archive.read(info) for info in infos}


def _differing(files: Mapping[str, bytes], manifest: Manifest) -> Iterator[str]:
    for name, told in manifest.files.items():
        if name not in files:
            yield f"{name} is missing"
        elif sums({name: files[name]})[name] != told:
            yield f"{name} is not what was written: its SHA-256 differs"
    yield from (f"{name} is not in the manifest" for name in files if name not in (*manifest.files, MANIFEST, SEAL))


def _unsealed(files: Mapping[str, bytes], key: bytes, ring: KeyRing) -> Iterator[str]:
    if not hmac.compare_digest(files.get(SEAL, b"").strip(), _sign(files[MANIFEST], key)):
        yield f"{SEAL} does not fit: {MANIFEST} was changed, or made without the key"
    audit, lines = audit_ring(ring), files.get(AUDIT, b"").splitlines()
    for number, line in enumerate(lines, 1):
        if b'"link":{' in line and not is_intact(line, audit):
            yield f"{AUDIT}, line {number}: its seal does not fit"


def _sign(raw: bytes, key: bytes) -> bytes:
    return message_code(key, b"quanzu bundle\x00" + raw).hex().encode()


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
