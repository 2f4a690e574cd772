"""A separate program that decodes one uploaded picture and encodes it anew as JPEG (see pictures.py).

It reads the file from standard input and writes the new picture to standard output. The exit status is 0, TOO_LARGE or
UNREADABLE; it prints nothing else. It has no settings, secrets or open connections, and limits its own memory and time
before it reads the first byte, so that an attacker who exploits a decoder gains nothing.

The new picture has no metadata (place, device, time), no hidden second file and no animation.
"""

import io
import math
import resource
import sys
import warnings
from collections.abc import Iterator

from PIL import Image, ImageOps

FORMATS = ("JPEG", "PNG", "WEBP")
MOST_PIXELS = 25_000_000  # a telephone's camera has 12 or 24 million by default; 100 MB as RGBA
MOST_SIDE = 30_000  # pixels; JPEG ends at 65,535
MOST_BYTES = 650_000  # of the new picture: with base64 it fits a Kafka record of a million bytes
AREAS = (4_000_000, 2_000_000, 1_000_000, 400_000)  # pixels; the area counts, because a long chat is narrow
QUALITIES = (85, 70)
MEMORY_BYTES = 1 << 29
CPU_SECONDS = 10
TOO_LARGE, UNREADABLE = 3, 4


class TooLargeError(ValueError):
    """The picture has too many pixels to be decoded."""


def main() -> int:
    """Encode the picture on standard input anew, write it to standard output, and return the exit status: 0 if that
    succeeded; TOO_LARGE (3) if it has too many pixels, UNREADABLE (4) if it cannot be decoded, and then nothing is
    written. Limits the memory and time of this process first.
    """
    _limit()
    try:
        picture = reencoded(sys.stdin.buffer.read())
    except (TooLargeError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return TOO_LARGE
    except Exception:  # decoders raise anything, on purpose of whoever made the file
        return UNREADABLE
    sys.stdout.buffer.write(picture)
    return 0


def reencoded(raw: bytes) -> bytes:
    """Return the picture as a JPEG of at most MOST_BYTES (650,000), made smaller as far as needed.

    Raises TooLargeError if it has over 25 million pixels, or over 30,000 on one side; StopIteration if even the
    smallest JPEG is too long; and any exception of a decoder.
    """
    with Image.open(io.BytesIO(raw), formats=FORMATS) as opened:
        if opened.width * opened.height > MOST_PIXELS or max(opened.size) > MOST_SIDE:
            raise TooLargeError
        opened.draft(opened.mode, _within(opened.size, AREAS[0]))  # a JPEG is decoded smaller at once
        opened.load()
        upright = ImageOps.exif_transpose(opened.resize(_within(opened.size, AREAS[0]), reducing_gap=2.0))
        plain = _on_white(upright)
    return next(each for each in _smaller_and_smaller(plain) if len(each) <= MOST_BYTES)


def _limit() -> None:
    """Limit this process's memory and CPU time, and forbid new files and core dumps, which could hold personal data."""
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def _within(size: tuple[int, int], area: int) -> tuple[int, int]:
    """Return the size (width, height) scaled down to an area in pixels; unchanged if the size is not larger."""
    scale = min(1.0, math.sqrt(area / (size[0] * size[1])))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _on_white(image: Image.Image) -> Image.Image:
    """Return a new RGB picture with the same pixels on a white ground, without any other data of the file."""
    layer = image.convert("RGBA")
    plain = Image.new("RGB", layer.size, "white")
    plain.paste(layer, mask=layer.getchannel("A"))
    return plain


def _smaller_and_smaller(plain: Image.Image) -> Iterator[bytes]:
    for area in AREAS:
        sized = plain.resize(_within(plain.size, area))
        for quality in QUALITIES:
            made = io.BytesIO()
            sized.save(made, "JPEG", quality=quality)
            yield made.getvalue()


if __name__ == "__main__":
    sys.exit(main())
