"""The time that all workers share: what is known of it, and how a clock comes to show it.

A machine's clock may be set while a worker runs, by hand or by a time server. What is not set is its count of seconds
since it started, so a worker's time is that count and an offset, the same everywhere on the one clock that all of
them ask. Offsets and errors are seconds; times are the machine's count of seconds.
"""

from dataclasses import dataclass
from math import copysign

DRIFT = 0.001  # seconds a second: two clocks that time servers slew by 500 ppm each, the most that they do
RATE = 0.5  # of a second a second: how fast a clock is put right that is ahead, or a little behind
JUMP_SECONDS = 1.0  # a clock that is further behind is put right at once: what waits is late already


@dataclass(frozen=True, slots=True)
class Known:
    """Between which offsets the shared clock stands, known at `at`."""

    least: float
    most: float
    at: float

    @property
    def offset(self) -> float:
        """The likeliest."""
        return (self.least + self.most) / 2

    @property
    def error(self) -> float:
        """How far that may be off."""
        return (self.most - self.least) / 2


def asked(sent: float, told: float, received: float) -> Known:
    """What an answer tells: the clock stood at `told` at some moment between sending and receiving."""
    return Known(told - received, told - sent, received)


def heard(before: Known | None, answer: Known) -> tuple[Known, float]:
    """What is known after another answer, and by how much the shared clock was set since the one before (else 0).

    An answer that took long tells little, and what is known stays as narrow as the quickest has made it. One that
    contradicts what is known says that the shared clock itself was set, or that another has taken its place.
    """
    if before is None:
        return answer, 0.0
    drifted = DRIFT * max(0.0, answer.at - before.at)
    least, most = max(before.least - drifted, answer.least), min(before.most + drifted, answer.most)
    if least > most:
        return answer, answer.offset - before.offset
    return Known(least, most, answer.at), 0.0


def approach(shown: float, wanted: float, elapsed: float) -> float:
    """The offset to show now, when `shown` was shown `elapsed` seconds ago.

    A clock never goes back: one that is ahead goes at half its pace until it is right.
    """
    behind, most = wanted - shown, RATE * max(0.0, elapsed)
    if behind > JUMP_SECONDS or abs(behind) <= most:
        return wanted
    return shown + copysign(most, behind)
