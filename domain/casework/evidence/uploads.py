"""Which uploads may be decoded: by their size and first bytes, never by the name or type that a browser tells.

Whether a file really is a picture, the decoder says (streams/security/pictures.py). The usual mistakes, a PDF or an
iPhone's HEIC, have reasons of their own, so that the page can say what to do instead.
"""

from domain.ids import short_hash
from schemas.casework.evidence_files import FileRefusal

MOST_FILE_BYTES = 12_000_000  # a photograph of a telephone has 2 to 8 million

_HEIC = {b"heic", b"heix", b"heif", b"hevc", b"mif1", b"msf1"}


def refusal_of(raw: bytes) -> FileRefusal | None:
    """Return why an upload is not decoded, or None if it begins as JPEG, PNG or WebP and is not too large."""
    if not raw:
        return FileRefusal.EMPTY
    if len(raw) > MOST_FILE_BYTES:
        return FileRefusal.TOO_LARGE
    if raw.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")) or (raw[:4], raw[8:12]) == (b"RIFF", b"WEBP"):
        return None
    if raw.startswith(b"%PDF-"):
        return FileRefusal.PDF
    return FileRefusal.HEIC if raw[4:8] == b"ftyp" and raw[8:12] in _HEIC else FileRefusal.NO_PICTURE


def file_id(case: str, original: str) -> str:
    """Return the id of a case's file. `original`: SHA-256 of the upload; the same one is added to a case once."""
    return short_hash("evidence", case, original)
