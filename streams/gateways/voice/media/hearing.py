"""Analysis of received sound: loudness and single tones, to guess whether a mailbox has answered, and keys sent as
tones.

Keys as tones are ITU-T Q.23; the limits of their detection follow Q.24: both tones present, neither much louder than
the other, and long enough. They are looked for only if the called side does not send keys as events.
"""

import math

import numpy as np
from numpy.typing import NDArray

from domain.carriers.voice_mailbox import SoundFrame
from streams.gateways.voice.media.g711 import FRAME, G711, RATE, Samples

LOW, HIGH = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
PAD = ("123A", "456B", "789C", "*0#D")
WINDOW = 2 * FRAME  # samples: 40 ms, the shortest key of Q.24
LEAST_SHARE = 0.6  # of the energy that the two tones must have
MOST_TWIST = 10.0  # 10 dB: how much louder one tone may be than the other
LEAST_LOUDNESS = 150.0
TONE_SHARE = 0.85
TONE_RANGE = (400, 2100)  # Hz: where mailboxes beep


def _waves(count: int, tones: tuple[int, ...]) -> NDArray[np.complex128]:
    waves: NDArray[np.complex128] = np.exp(-2j * np.pi * np.outer(tones, np.arange(count)) / RATE)
    return waves


_KEY_WAVES = _waves(WINDOW, LOW + HIGH)
_HANN = np.hanning(FRAME)
_HERTZ = np.fft.rfftfreq(FRAME, 1 / RATE)


def heard(samples: Samples) -> SoundFrame:
    """Return the loudness of a packet's sound (root mean square of its 16-bit samples, 0 without any), and whether it
    is a single tone of 400 to 2100 Hz, such as a mailbox's beep. Sound of another length than 20 ms, or too quiet, is
    no tone.
    """
    sound = samples.astype(np.float64)
    loudness = math.sqrt(float(np.mean(sound**2))) if len(sound) else 0.0
    if len(sound) != FRAME or loudness < LEAST_LOUDNESS:
        return SoundFrame(loudness)
    power = np.abs(np.fft.rfft(sound * _HANN)) ** 2
    peak = int(np.argmax(power))
    share = power[max(peak - 1, 0) : peak + 2].sum() / power.sum()
    return SoundFrame(loudness, bool(share >= TONE_SHARE and TONE_RANGE[0] <= _HERTZ[peak] <= TONE_RANGE[1]))


class ToneKeys:
    """Finds keys that are sent as tones in the sound of one call."""

    def __init__(self, law: G711) -> None:
        self._law = law
        self._last: Samples = np.zeros(FRAME, np.int16)
        self._held: str | None = None

    def hear(self, payload: bytes) -> str | None:
        """Analyse the next packet's payload. Returns a key (0-9, A-D, * or #) once, when it begins; None while it is
        held, without a key, and for a packet of another length than 20 ms.
        """
        samples = self._law.decode(payload)
        if len(samples) != FRAME:
            return None
        key = tone_key(np.concatenate([self._last, samples]))
        self._last = samples
        new = key if key != self._held else None
        self._held = key
        return new


def tone_key(samples: Samples) -> str | None:
    """Return the key (0-9, A-D, * or #) whose two tones fill these samples; None if there is none, the sound is too
    quiet, or it is not 40 ms (320 samples) long.
    """
    sound = samples.astype(np.float64)
    energy = float(np.sum(sound**2))
    if len(sound) != WINDOW or energy < WINDOW * LEAST_LOUDNESS**2:
        return None
    # A tone of amplitude a gives |sum| = a n / 2 and the energy a² n / 2.
    tones = 2 * np.abs(_KEY_WAVES @ sound) ** 2 / WINDOW
    low, high = int(np.argmax(tones[:4])), int(np.argmax(tones[4:]))
    first, second = float(tones[low]), float(tones[4 + high])
    if first + second < LEAST_SHARE * energy or max(first, second) > MOST_TWIST * max(min(first, second), 1e-9):
        return None
    return PAD[low][high]
