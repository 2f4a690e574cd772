"""Decides which uploads may be decoded: by size and first bytes, never by the name or type that a browser states.

Only the decoder shows whether a file really is a picture (streams/security/pictures.py). Usual mistakes, a PDF or an
iPhone's HEIC, have their own reasons, so that the page can explain the remedy.
"""

from domain.ids import short_hash
from schemas.casework.evidence_files import FileRefusal

MOST_FILE_BYTES = 12_000_000  # a photograph of a telephone has 2 to 8 million

_HEIC = {b"heic", b"heix", b"heif", b"hevc", b"mif1", b"msf1"}


def refusal_of(raw: bytes) -> FileRefusal | None:
    """Return the reason why an upload (`raw`) must not be decoded: EMPTY, TOO_LARGE (over 12,000,000 bytes), PDF, HEIC
    or NO_PICTURE; None if it begins as JPEG, PNG or WebP and is small enough.
    """
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
    """Return the id of an evidence file in a case, a hash of its arguments. The same upload to the same case has the
    same id, so the case has it once.

    `case`: the case's id; `original`: the SHA-256 of the upload.
    """
    return short_hash("evidence", case, original)
