"""What a carrier's answer to a message means, and a message's result from those of its segments."""

from collections.abc import Sequence
from enum import StrEnum

from schemas.channels.receipts import SmsState

_LATER = frozenset({0x14, 0x58})  # ESME_RMSGQFUL, ESME_RTHROTTLED: slow down
_ELSEWHERE = frozenset({0x04, 0x0A, 0x0D, 0x0E, 0x0F, 0x48, 0x49})
"""Wrong bind status, source address, bind, password, system id, source type and number plan: this account's faults, not
the message's (SMPP 3.4, table 5-2).
"""


class SubmitAnswer(StrEnum):
    """A carrier's answer: it took the message; take it later; another carrier may take it; nobody should."""

    TAKEN = "taken"
    LATER = "later"
    ELSEWHERE = "elsewhere"
    REFUSED = "refused"


class SegmentState(StrEnum):
    """A segment: it waits; it is being sent, from before it is on the wire; the carrier has it; the carrier refused it;
    it was not sent in time; nobody knows whether the carrier has it.
    """

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    REFUSED = "refused"
    EXPIRED = "expired"
    DOUBT = "doubt"


def submit_answer(status: int) -> SubmitAnswer:
    """Return what a `command_status` in the answer to submit_sm means. All but 0 say that nothing was sent."""
    if status == 0:
        return SubmitAnswer.TAKEN
    if status in _LATER:
        return SubmitAnswer.LATER
    return SubmitAnswer.ELSEWHERE if status in _ELSEWHERE else SubmitAnswer.REFUSED


def result_of(segments: Sequence[tuple[SegmentState, SmsState | None]]) -> SmsState | None:
    """Return a message's result from the state and the receipt of each segment; None while it is not known.

    Undelivered as soon as a segment certainly does not arrive, delivered once all have. A segment in doubt has no
    result, unless a receipt shows that it arrived.
    """
    lost = {SegmentState.REFUSED, SegmentState.EXPIRED}
    if any(state in lost or receipt is SmsState.UNDELIVERED for state, receipt in segments):
        return SmsState.UNDELIVERED
    arrived = all(receipt is SmsState.DELIVERED for _, receipt in segments)
    return SmsState.DELIVERED if segments and arrived else None


def news(told: SmsState | None, found: SmsState | None) -> SmsState | None:
    """Return the result to report after `told`, or None: a message that has arrived does not become undelivered."""
    if found is None or found is told or told is SmsState.DELIVERED:
        return None
    return found
