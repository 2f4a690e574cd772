"""Uploaded pictures are encoded anew by a process with limits: nothing of the upload but its pixels comes out."""

import asyncio
import io
import time
import zipfile
from asyncio.subprocess import Process
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from schemas.casework.evidence_files import FileRefusal
from streams.security import pictures
from streams.security.picture_worker import AREAS, MOST_BYTES
from streams.security.pictures import PictureError, Pictures
from tests.uploads import HTML, SVG, bomb, long_text, photograph, picture


async def made(raw: bytes) -> Image.Image:
    out = await Pictures().reencoded(raw)
    assert len(out) <= MOST_BYTES
    image = Image.open(io.BytesIO(out))
    image.load()
    assert image.format == "JPEG"
    return image


async def refused(raw: bytes) -> FileRefusal:
    with pytest.raises(PictureError) as error:
        await Pictures().reencoded(raw)
    return error.value.why


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_a_picture_becomes_a_jpeg_of_the_same_size(kind: str) -> None:
    assert (await made(picture(kind))).size == (60, 40)


async def test_a_photograph_stands_upright_and_has_neither_place_nor_device_nor_comment() -> None:
    raw = photograph()
    out = await Pictures().reencoded(raw)
    image = Image.open(io.BytesIO(out))
    assert image.size == (40, 60)
    assert not image.getexif()
    assert not {"exif", "comment", "icc_profile", "xmp"} & image.info.keys()
    assert (HTML in raw, HTML in out) == (True, False)
    assert (b"a device" in raw, b"a device" in out) == (True, False)


async def test_a_transparent_screenshot_lies_on_white() -> None:
    raw = io.BytesIO()
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(raw, "PNG")
    assert (await made(raw.getvalue())).getpixel((5, 5)) == (255, 255, 255)


async def test_a_noisy_photograph_is_made_small_enough_for_a_record() -> None:
    raw = io.BytesIO()
    Image.effect_noise((3000, 2000), 100).convert("RGB").save(raw, "JPEG", quality=90)
    width, height = (await made(raw.getvalue())).size
    assert width * height < AREAS[0]


async def test_a_long_chat_stays_as_legible_as_its_area_allows() -> None:
    width, height = (await made(picture(size=(1080, 12_000)))).size
    assert width > 500
    assert height > 5_000


async def test_a_picture_that_is_also_an_archive_or_a_web_page_loses_the_rest() -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("run.js", "alert(1)")
    for rest in (archive.getvalue(), HTML, b"%PDF-1.7 " + HTML):
        out = await Pictures().reencoded(picture("JPEG") + rest)
        assert rest not in out
        assert not zipfile.is_zipfile(io.BytesIO(out))


@pytest.mark.parametrize("size", [(50_000, 50_000), (5_001, 5_000), (1, 40_000), (2**31 - 1, 2**31 - 1)])
async def test_a_decompression_bomb_is_refused_before_it_is_decoded(size: tuple[int, int]) -> None:
    assert await refused(bomb(*size)) in (FileRefusal.TOO_MANY_PIXELS, FileRefusal.UNREADABLE)


async def test_a_text_that_unpacks_to_a_hundred_million_bytes_is_not_unpacked() -> None:
    assert await refused(long_text(100)) is FileRefusal.UNREADABLE


@pytest.mark.parametrize(
    "raw", [SVG, HTML, b"%PDF-1.7", b"GIF89a" + bytes(50), b"\xff\xd8\xff" + HTML, b"\x00" * 9, b""]
)
async def test_what_is_no_picture_is_refused_whatever_it_begins_with(raw: bytes) -> None:
    assert await refused(raw) is FileRefusal.UNREADABLE


async def test_formats_beside_the_three_are_not_even_tried() -> None:
    for kind in ("GIF", "BMP", "TIFF", "EPS", "PPM"):
        assert await refused(picture(kind)) is FileRefusal.UNREADABLE


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_a_truncated_picture_is_refused(kind: str) -> None:
    raw = io.BytesIO()
    Image.effect_noise((200, 200), 50).convert("RGB").save(raw, kind)
    whole = raw.getvalue()
    assert await refused(whole[: len(whole) // 2]) is FileRefusal.UNREADABLE


HOSTILE = """
import os
_limit()
if os.environ.keys() - {"LC_CTYPE"}:
    sys.exit(8)
try:
    with open("TOLD", "w") as file:
        file.write("x" * 9)
except OSError:
    sys.exit(9)
"""


async def test_the_process_has_no_settings_and_cannot_write_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, told = tmp_path / "worker.py", tmp_path / "told"
    whole = await asyncio.to_thread(pictures.WORKER.read_text, "utf-8")
    hostile = whole.replace("    sys.exit(main())", HOSTILE.replace("TOLD", str(told)).replace("\n", "\n    "))
    await asyncio.to_thread(worker.write_text, hostile, "utf-8")
    monkeypatch.setenv("QUANZU_SECRET", "the key of a test")
    monkeypatch.setattr(pictures, "WORKER", worker)
    statuses = list[int]()
    monkeypatch.setattr(pictures, "_end", partial(_noting, statuses))
    assert await refused(picture()) is FileRefusal.UNREADABLE
    assert statuses == [9]
    assert told.stat().st_size == 0


async def _noting(statuses: list[int], process: Process) -> None:
    statuses.append(await process.wait())


@pytest.mark.parametrize(
    "body",
    ["import time; time.sleep(600)", "import sys\nwhile True: sys.stdout.write('x' * 65536)", "x = bytearray(1 << 40)"],
    ids=["hangs", "writes without end", "wants all memory"],
)
async def test_a_decoder_that_was_taken_over_takes_nothing_with_it(
    body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = tmp_path / "worker.py"
    await asyncio.to_thread(worker.write_text, body, "utf-8")
    monkeypatch.setattr(pictures, "WORKER", worker)
    monkeypatch.setattr(pictures, "SECONDS", 5.0)
    began = time.monotonic()
    assert await refused(picture()) is FileRefusal.UNREADABLE
    assert time.monotonic() - began < 60


async def test_what_a_decoder_writes_is_only_passed_on_if_it_is_a_jpeg(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = tmp_path / "worker.py"
    await asyncio.to_thread(worker.write_text, f"import sys; sys.stdout.buffer.write({HTML!r})", "utf-8")
    monkeypatch.setattr(pictures, "WORKER", worker)
    assert await refused(picture()) is FileRefusal.UNREADABLE
