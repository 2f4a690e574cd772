"""G.711: samples of 16 bit to and from A-law and µ-law (ITU-T G.711)."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

RATE = 8000  # samples a second
FRAME = 160  # samples of a packet: 20 ms
Samples = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class G711:
    """One of the two laws. `name`, `payload_type`: as in a session description (RFC 3551); `silence`: the code of the
    quietest sample.
    """

    name: str
    payload_type: int
    silence: int
    levels: Samples = field(repr=False)

    def decode(self, payload: bytes) -> Samples:
        """Return the samples of a packet."""
        return self.levels[np.frombuffer(payload, np.uint8)]

    def frames(self, samples: Samples) -> list[bytes]:
        """Return packets of 20 ms, the last one filled up with silence. Each sample gets the nearest level."""
        order = np.argsort(self.levels, kind="stable")
        sorted_levels = self.levels[order].astype(np.int32)
        middles = (sorted_levels[1:] + sorted_levels[:-1]) / 2
        codes = order[np.searchsorted(middles, samples)].astype(np.uint8)
        rest = -len(codes) % FRAME
        data = np.concatenate([codes, np.full(rest, self.silence, np.uint8)]).tobytes()
        return [data[start : start + FRAME] for start in range(0, len(data), FRAME)]

    @property
    def quiet(self) -> bytes:
        """A packet of silence."""
        return bytes([self.silence]) * FRAME


def _a_law() -> Samples:
    codes = np.arange(256) ^ 0x55
    exponent, mantissa = (codes >> 4) & 7, codes & 15
    size = np.where(exponent == 0, (mantissa << 4) + 8, ((mantissa << 4) + 0x108) << np.maximum(exponent - 1, 0))
    return np.where(codes & 0x80, size, -size).astype(np.int16)


def _mu_law() -> Samples:
    codes = ~np.arange(256) & 0xFF
    exponent, mantissa = (codes >> 4) & 7, codes & 15
    size = (((mantissa << 3) + 0x84) << exponent) - 0x84
    return np.where(codes & 0x80, -size, size).astype(np.int16)


A_LAW = G711("PCMA", 8, 0xD5, _a_law())
MU_LAW = G711("PCMU", 0, 0xFF, _mu_law())
LAWS = {law.name: law for law in (A_LAW, MU_LAW)}
