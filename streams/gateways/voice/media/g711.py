"""G.711: conversion between samples of 16 bit and A-law or µ-law (ITU-T G.711)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

RATE = 8000  # samples a second
FRAME = 160  # samples of a packet: 20 ms
Samples = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class G711:
    """One of the two laws.

    `name`, `payload_type`: as in a session description (RFC 3551); `silence`: the code of the quietest sample;
    `levels`: the sample of each code.
    """

    name: str
    payload_type: int
    silence: int
    levels: Samples = field(repr=False)

    def decode(self, payload: bytes) -> Samples:
        """Return the samples (16 bit, 8000 a second) of a packet's payload, one for each byte."""
        return self.levels[np.frombuffer(payload, np.uint8)]

    def frames(self, samples: Samples) -> list[bytes]:
        """Return the samples (8000 a second) as payloads of packets of 20 ms (160 bytes), the last one filled up with
        silence; empty without samples. Each sample gets the nearest level of this law.
        """
        order = np.argsort(self.levels, kind="stable")
        sorted_levels = self.levels[order].astype(np.int32)
        middles = (sorted_levels[1:] + sorted_levels[:-1]) / 2
        codes = order[np.searchsorted(middles, samples)].astype(np.uint8)
        rest = -len(codes) % FRAME
        data = np.concatenate([codes, np.full(rest, self.silence, np.uint8)]).tobytes()
        return [data[start : start + FRAME] for start in range(0, len(data), FRAME)]

    @property
    def quiet(self) -> bytes:
        """The payload of a packet of silence (20 ms)."""
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


def coded(samples: Samples) -> Mapping[str, Sequence[bytes]]:
    """Return a sound (samples, 8000 a second) as payloads of packets of 20 ms, by the name of each law: "PCMA" and
    "PCMU". It takes 0.4 s for a minute of sound: call it in a thread.
    """
    return {law.name: law.frames(samples) for law in LAWS.values()}


def _translation(source: G711, target: G711) -> bytes:
    return b"".join(target.frames(source.levels))[: len(source.levels)]


_TRANSLATIONS = {
    (source.name, target.name): _translation(source, target) for source in LAWS.values() for target in LAWS.values()
}


def recoded(payload: bytes, source: G711, target: G711) -> bytes:
    """Return the payload of a packet, coded with the law `source`, converted to the law `target`."""
    return payload if source is target else payload.translate(_TRANSLATIONS[source.name, target.name])


def mixed(first: bytes, second: bytes, law: G711) -> bytes:
    """Return the sum of two payloads of the same length, both coded with `law`, coded with it too. A sum that is too
    loud for the law is as loud as possible. Raises ValueError if the lengths differ.
    """
    if len(first) != len(second):
        raise ValueError(f"payloads of {len(first)} and {len(second)} bytes cannot be mixed")
    codes = np.frombuffer(first, np.uint8), np.frombuffer(second, np.uint8)
    return _sums(law.name)[codes].tobytes()


@cache
def _sums(name: str) -> NDArray[np.uint8]:
    """Return the code of the sum of each two codes. It takes 20 ms, once for each law."""
    law = LAWS[name]
    levels = law.levels.astype(np.int32)
    sums = np.clip(levels[:, None] + levels[None, :], -32768, 32767).astype(np.int16)
    return np.frombuffer(b"".join(law.frames(sums.ravel()))[: sums.size], np.uint8).reshape(sums.shape)
