"""Which uploads are decoded: their first bytes and their size say it, and nothing else."""

import pytest

from domain.casework.evidence.uploads import MOST_FILE_BYTES, refusal_of
from schemas.casework.evidence_files import FileRefusal
from tests.uploads import HTML, SVG, picture


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_three_kinds_of_pictures_are_decoded(kind: str) -> None:
    assert refusal_of(picture(kind)) is None


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", FileRefusal.EMPTY),
        (bytes(MOST_FILE_BYTES + 1), FileRefusal.TOO_LARGE),
        (b"%PDF-1.7\n", FileRefusal.PDF),
        (b"\x00\x00\x00\x18ftypheic", FileRefusal.HEIC),
        (b"\x00\x00\x00\x18ftypmp42", FileRefusal.NO_PICTURE),
        (SVG, FileRefusal.NO_PICTURE),
        (HTML, FileRefusal.NO_PICTURE),
        (b" " + picture("JPEG"), FileRefusal.NO_PICTURE),
        (picture("GIF"), FileRefusal.NO_PICTURE),
        (b"RIFF\x00\x00\x00\x00AVI LIST", FileRefusal.NO_PICTURE),
        (b"MZ\x90", FileRefusal.NO_PICTURE),
    ],
)
def test_anything_else_is_refused_with_its_reason(raw: bytes, why: FileRefusal) -> None:
    assert refusal_of(raw) is why
