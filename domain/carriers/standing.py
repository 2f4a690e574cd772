"""Decides whether a carrier is slow, by the answers and receipts of its latest messages, not only by its connection."""

from collections.abc import Iterable
from dataclasses import dataclass

LATEST = 10  # messages that are judged
LATE = 5  # of them: then the carrier is slow. Handsets that are off (assumed: one in ten) make so many in 1 of 600 tens
FORGET_SECONDS = 120.0  # after which a message says nothing about the carrier any more
TRIAL_SECONDS = 1.0  # between two messages to a slow carrier, that show whether it has recovered
ANSWER_SECONDS = 3.0  # within which a carrier answers a message


@dataclass(frozen=True, slots=True)
class Passage:
    """The times of a message at a carrier, in monotonic seconds.

    `written`: it was sent. `answered`: the carrier answered. `receipted`: the receipt arrived. None: not yet.
    """

    written: float
    answered: float | None = None
    receipted: float | None = None


def is_slow(passages: Iterable[Passage], receipt_seconds: float, now: float) -> bool:
    """Return True if at least five of a carrier's latest ten judged messages were late. `passages`: oldest first;
    `now`: in monotonic seconds, as the times of the passages.

    A message is late if it still has no answer after 3 s, or had no receipt `receipt_seconds` after it was sent. Not
    judged, and left out before the latest ten are taken, are messages that may still be in time, and those sent 120 s
    ago or earlier. Example: with one message a second and receipts due in 5 s, a carrier that answers but sends no
    receipts any more is slow after 9 s; one that does not answer either, after 7 s.
    """
    recent = (each for each in passages if now - each.written < FORGET_SECONDS)
    judged = [late for each in recent if (late := _late(each, receipt_seconds, now)) is not None]
    return sum(judged[-LATEST:]) >= LATE


def _late(each: Passage, receipt_seconds: float, now: float) -> bool | None:
    """Return True if a message was late; None while it is not known."""
    if each.receipted is not None:
        return each.receipted - each.written > receipt_seconds
    if each.answered is None:
        return True if now - each.written > ANSWER_SECONDS else None
    return True if now - each.written > receipt_seconds else None
