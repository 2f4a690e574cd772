"""Limits the segments that a carrier gets in a second: a token bucket."""

from dataclasses import dataclass

BURST_SECONDS = 0.1  # how much of the agreed rate may come at once after a pause


@dataclass(frozen=True, slots=True)
class Bucket:
    """A token bucket: `rate`, the carrier's agreed segments a second; `tokens`, the segments that may be sent at `at`;
    `burst`, how many seconds' share may come at once after a pause.

    `at` is in monotonic seconds. In any t seconds, the bucket lets through at most rate * (t + burst) segments and one
    message.
    """

    rate: float
    tokens: float
    at: float
    burst: float = BURST_SECONDS

    def filled(self, now: float) -> "Bucket":
        """Return a copy of the bucket at `now` (monotonic seconds), with the tokens that were added since `at`, up to
        the bucket's capacity: `rate` times `burst`, at least 1.
        """
        most = max(1.0, self.rate * self.burst)
        return Bucket(self.rate, min(most, self.tokens + self.rate * max(0.0, now - self.at)), now, self.burst)

    def taken(self, segments: int) -> "Bucket":
        """Return a copy of the bucket after a message of this many segments was sent, at the same time `at`. Its tokens
        may be negative: a message is never divided.
        """
        return Bucket(self.rate, self.tokens - segments, self.at, self.burst)

    @property
    def open(self) -> bool:
        """True if a message may be sent: at least one token is left."""
        return self.tokens >= 1


def full_bucket(rate: float, now: float, burst: float = BURST_SECONDS) -> Bucket:
    """Return a full bucket at `now` (monotonic seconds), for a carrier to which nothing was sent before.

    `rate`: segments a second; `burst`: for how many seconds' segments the bucket has room.
    """
    return Bucket(rate, max(1.0, rate * burst), now, burst)
