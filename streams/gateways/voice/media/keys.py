"""How this side sends a key: as an event (RFC 4733), or as two tones (ITU-T Q.23)."""

from dataclasses import dataclass

import numpy as np

from streams.gateways.voice.media.g711 import FRAME, G711, RATE
from streams.gateways.voice.media.hearing import HIGH, LOW, PAD

KEY_FRAMES = 5  # 100 ms; Q.24 asks for 40 ms at least
KEY_PAUSE = 3  # packets of silence after a key
KEY_VOLUME = 10  # -10 dBm0
MOST_KEYS = 8  # that wait to be sent; more are dropped
_END, _REPEATS = 0x80, 3  # RFC 4733, 2.5.1.4: the last packet of an event is sent three times
_LEVEL = 6000.0  # of each tone

EVENT_PACKETS = tuple(
    [(0, FRAME * (sent + 1)) for sent in range(KEY_FRAMES - 1)] + [(_END, FRAME * KEY_FRAMES)] * _REPEATS
)
"""The packets of an event: the bit of its end, and its length so far in samples."""


@dataclass(frozen=True, slots=True)
class KeyPacket:
    """A packet of a key. `place`: its number among the packets of an event, from 0; None: it is sound."""

    payload_type: int
    payload: bytes
    place: int | None = None


def key_tones(digit: str, law: G711) -> list[bytes]:
    """Return the payloads of the five packets, 100 ms in all, of a key's two tones, coded with `law`. Raises ValueError
    if `digit` is not one of 0-9, A-D, * and #.
    """
    row = next((row for row, keys in enumerate(PAD) if digit in keys), None)
    if row is None or len(digit) != 1:
        raise ValueError("this is no key of a telephone")
    times = np.arange(KEY_FRAMES * FRAME) / RATE
    low, high = LOW[row], HIGH[PAD[row].index(digit)]
    sound = _LEVEL * (np.sin(2 * np.pi * low * times) + np.sin(2 * np.pi * high * times))
    return law.frames(sound.astype(np.int16))
