"""Files that somebody uploads as evidence: good ones, and such as an attacker or a mistake would send."""

import io
import struct
import zlib

from PIL import ExifTags, Image

HTML = b"<script>alert(1)</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'


def picture(kind: str = "PNG", size: tuple[int, int] = (60, 40), colour: str = "red", **options: object) -> bytes:
    """A picture of one colour."""
    made = io.BytesIO()
    Image.new("RGB", size, colour).save(made, kind, **options)
    return made.getvalue()


def photograph() -> bytes:
    """A JPEG that was taken upright, with its place and device, and a comment that is a web page."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Model] = "a device"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    return picture("JPEG", exif=exif, comment=HTML)


def bomb(width: int, height: int) -> bytes:
    """A PNG of some hundred bytes that says it has so many pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(bytes(4096))) + _chunk(b"IEND")
    )


def long_text(millions: int) -> bytes:
    """A small PNG with a compressed text of so many million bytes."""
    good = picture()
    text = _chunk(b"zTXt", b"Comment\x00\x00" + zlib.compress(bytes(millions * 1_000_000)))
    return good[:33] + text + good[33:]


def _chunk(kind: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
