"""How many segments a second a carrier may get: a token bucket."""

from dataclasses import dataclass

BURST_SECONDS = 0.1  # how much of the agreed rate may come at once after a pause


@dataclass(frozen=True, slots=True)
class Bucket:
    """A carrier's agreed `rate` in segments a second, and the `tokens` there were at `at` (monotonic seconds).

    In any t seconds it lets through at most rate * t, and beyond that a tenth of a second's share and one message.
    """

    rate: float
    tokens: float
    at: float

    def filled(self, now: float) -> "Bucket":
        """Return the bucket as it is at `now`."""
        most = max(1.0, self.rate * BURST_SECONDS)
        return Bucket(self.rate, min(most, self.tokens + self.rate * max(0.0, now - self.at)), now)

    def taken(self, segments: int) -> "Bucket":
        """Return the bucket after a message. It may be in debt then, so that a long one's segments stay together."""
        return Bucket(self.rate, self.tokens - segments, self.at)

    @property
    def open(self) -> bool:
        """Whether a message may be sent."""
        return self.tokens >= 1


def full_bucket(rate: float, now: float) -> Bucket:
    """Return a carrier's bucket when nothing was sent before."""
    return Bucket(rate, max(1.0, rate * BURST_SECONDS), now)
