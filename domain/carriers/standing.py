"""Whether a carrier works: by the answers and receipts of its latest messages, not only by its connection."""

from collections.abc import Iterable
from dataclasses import dataclass

LATEST = 10  # messages that are judged
LATE = 5  # of them: then the carrier is slow. Handsets that are off (assumed: one in ten) make so many in 1 of 600 tens
FORGET_SECONDS = 120.0  # after which a message says nothing about the carrier any more
TRIAL_SECONDS = 1.0  # between two messages to a slow carrier, that show whether it has recovered
ANSWER_SECONDS = 3.0  # within which a carrier answers a message


@dataclass(frozen=True, slots=True)
class Passage:
    """A message at a carrier, in monotonic seconds: when it was written, answered, and its receipt came; None: not
    yet.
    """

    written: float
    answered: float | None = None
    receipted: float | None = None


def is_slow(passages: Iterable[Passage], receipt_seconds: float, now: float) -> bool:
    """Return whether of the latest ten messages whose lateness is known, five or more were late.

    A message is late without an answer after 3 s, or without a receipt `receipt_seconds` after it was written. With one
    message a second and receipts due in 5 s, a carrier that falls silent is found slow after 9 s; with ten, after 6 s.
    """
    recent = (each for each in passages if now - each.written < FORGET_SECONDS)
    judged = [late for each in recent if (late := _late(each, receipt_seconds, now)) is not None]
    return sum(judged[-LATEST:]) >= LATE


def _late(each: Passage, receipt_seconds: float, now: float) -> bool | None:
    """Return whether a message was late; None while it is not known."""
    if each.receipted is not None:
        return each.receipted - each.written > receipt_seconds
    if each.answered is None:
        return True if now - each.written > ANSWER_SECONDS else None
    return True if now - each.written > receipt_seconds else None
