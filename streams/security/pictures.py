"""Encodes uploaded pictures anew, each in a separate process with limited memory and time (picture_worker.py).

The uploaded file is never stored or served, only the new JPEG. A file that is also something else than a picture (a web
page, an archive) loses that part; a file that exploits a decoder gains control only of a process without settings,
secrets or connections. Each console decodes one picture at a time, so that many uploads cannot use up its memory.
"""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from pathlib import Path

from schemas.casework.evidence_files import FileRefusal
from streams.security.picture_worker import MOST_BYTES, TOO_LARGE

WORKER = Path(__file__).with_name("picture_worker.py")
SECONDS = 30.0  # of wall-clock time for one picture; the process itself has 10 of a processor
JPEG = b"\xff\xd8\xff"


class PictureError(ValueError):
    """The file cannot be decoded as a picture. `why`: the reason as a FileRefusal."""

    def __init__(self, why: FileRefusal) -> None:
        super().__init__(why.value)
        self.why = why


class Pictures:
    """Encodes pictures anew, one at a time; further calls wait."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(1)

    async def reencoded(self, raw: bytes) -> bytes:
        """Return the picture as a JPEG without metadata, of at most 650,000 bytes (MOST_BYTES). Waits while another
        picture is being encoded.

        Raises PictureError: TOO_MANY_PIXELS if it has over 25 million pixels or a side of over 30,000, or UNREADABLE if
        it is no JPEG, PNG or WebP that can be encoded anew within 30 s.
        """
        async with self._turns:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", str(WORKER)), stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={}, cwd="/"
            )
            try:
                async with asyncio.timeout(SECONDS):
                    picture, _ = await asyncio.gather(_output(process), _feed(process, raw))
                    status = await process.wait()
            except TimeoutError:
                raise PictureError(FileRefusal.UNREADABLE) from None
            finally:
                await _end(process)
        if status == TOO_LARGE:
            raise PictureError(FileRefusal.TOO_MANY_PIXELS)
        if status != 0 or not picture.startswith(JPEG) or len(picture) > MOST_BYTES:
            raise PictureError(FileRefusal.UNREADABLE)
        return picture


async def _feed(process: Process, raw: bytes) -> None:
    assert process.stdin is not None  # noqa: S101 - it was asked for
    with suppress(ConnectionError):  # the process ended before it had read everything
        process.stdin.write(raw)
        await process.stdin.drain()
    process.stdin.close()


async def _output(process: Process) -> bytes:
    """Return the bytes that the process writes. Beyond MOST_BYTES the process is killed, because a decoder taken over
    by an attacker may write without end.
    """
    assert process.stdout is not None  # noqa: S101 - it was asked for
    found = bytearray()
    while len(found) <= MOST_BYTES and (part := await process.stdout.read(65_536)):
        found += part
    if len(found) > MOST_BYTES:
        process.kill()
    return bytes(found)


async def _end(process: Process) -> None:
    with suppress(ProcessLookupError):
        if process.returncode is None:
            process.kill()
    await process.wait()
