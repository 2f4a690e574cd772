"""Passes the sound of one stream to another: a small buffer evens out the packets' arrival, the laws are converted."""

from collections.abc import Sequence

from streams.gateways.voice.media.g711 import FRAME, G711, recoded

FIRST_FRAMES = 2  # 40 ms are gathered before the first packet, and again after the buffer ran empty
MOST_FRAMES = 10  # 200 ms: what is older is dropped, so that the delay does not grow


class SoundRelay:
    """The sound that came from one side and is sent to the other one next."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._flows = False
        self.heard = False  # any sound came

    def put(self, payload: bytes, source: G711, target: G711) -> None:
        """Add a packet's payload, coded with `source`; it is sent coded with `target`. If more than 200 ms wait, all
        but the newest 40 ms are dropped.
        """
        self.heard = True
        self._bytes += recoded(payload, source, target)
        if len(self._bytes) > MOST_FRAMES * FRAME:
            del self._bytes[: len(self._bytes) - FIRST_FRAMES * FRAME]

    def take(self) -> bytes | None:
        """Return the next 20 ms (160 bytes); None if fewer wait or, at first and after such a gap, fewer than 40 ms:
        then silence is sent.
        """
        if not self._flows and len(self._bytes) < FIRST_FRAMES * FRAME:
            return None
        self._flows = len(self._bytes) >= FRAME
        if not self._flows:
            return None
        frame = bytes(self._bytes[:FRAME])
        del self._bytes[:FRAME]
        return frame

    def clear(self) -> None:
        """Drop the sound that waits: after a pause, old sound is not sent."""
        self._bytes.clear()
        self._flows = False


class LoopedSound:
    """Sound that begins again when it is over, such as music or a ringing tone. `frames`: of 20 ms, none: silence."""

    def __init__(self, frames: Sequence[bytes]) -> None:
        self.frames, self._next = frames, 0

    def take(self) -> bytes | None:
        """Return the next 20 ms (160 bytes), or None if there is no sound."""
        if not self.frames:
            return None
        frame = self.frames[self._next]
        self._next = (self._next + 1) % len(self.frames)
        return frame
