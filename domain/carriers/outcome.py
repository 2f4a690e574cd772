"""The meaning of a carrier's answer to a message, and the result of a message, computed from the states of its
segments.
"""

from collections.abc import Sequence
from enum import StrEnum

from schemas.channels.receipts import SmsState

_LATER = frozenset({0x14, 0x58})  # ESME_RMSGQFUL, ESME_RTHROTTLED: slow down
_ELSEWHERE = frozenset({0x04, 0x0A, 0x0D, 0x0E, 0x0F, 0x48, 0x49})
"""Wrong bind status, source address, bind, password, system id, source type and number plan: this account's faults, not
the message's (SMPP 3.4, table 5-2).
"""

_UNKNOWN = frozenset({0x08, 0xFF})
"""ESME_RSYSERR, ESME_RUNKNOWNERR: the carrier failed, perhaps after it had taken the message."""

_CMPP_LATER = frozenset({3, 8})
"""Sequence number used before: it gets another one; too much at once (CMPP 3.0, 7.4.2.2)."""
_CMPP_ELSEWHERE = frozenset({5, 7, 9, 10, 11, 12})
"""Wrong fee code, service, number range for this gateway, Src_Id, Msg_src and Fee_terminal_Id: the account's faults."""


class SubmitAnswer(StrEnum):
    """The meaning of a carrier's answer to a message.

    TAKEN: the carrier accepted the message. LATER: it asks to send the message again later. ELSEWHERE: it cannot take
    the message, but another carrier may. REFUSED: the message is faulty, so no carrier should get it.
    """

    TAKEN = "taken"
    LATER = "later"
    ELSEWHERE = "elsewhere"
    REFUSED = "refused"


class SegmentState(StrEnum):
    """The state of a segment at its carrier.

    WAITING: not sent yet. SENDING: being sent, or about to be. SENT: the carrier has it. REFUSED: the carrier refused
    it. EXPIRED: it was not sent in time. DOUBT: it is unknown whether the carrier has it.
    """

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    REFUSED = "refused"
    EXPIRED = "expired"
    DOUBT = "doubt"


def submit_answer(status: int) -> SubmitAnswer | None:
    """Return the meaning of a `command_status` in a carrier's answer to submit_sm (SMPP): TAKEN for 0; None if it is
    unknown whether the carrier has the message; else, with nothing sent, LATER (send the message again later),
    ELSEWHERE (another carrier may take it) or REFUSED (the message is faulty).
    """
    if status in _UNKNOWN:
        return None
    if status == 0:
        return SubmitAnswer.TAKEN
    if status in _LATER:
        return SubmitAnswer.LATER
    return SubmitAnswer.ELSEWHERE if status in _ELSEWHERE else SubmitAnswer.REFUSED


def cmpp_submit_answer(result: int) -> SubmitAnswer:
    """Return the meaning of the `Result` in a carrier's CMPP_SUBMIT_RESP: TAKEN for 0; else LATER (send the message
    again later), ELSEWHERE (another carrier may take it) or REFUSED (the message is faulty). Any result but 0 means
    that nothing was sent.
    """
    if result == 0:
        return SubmitAnswer.TAKEN
    if result in _CMPP_LATER:
        return SubmitAnswer.LATER
    return SubmitAnswer.ELSEWHERE if result in _CMPP_ELSEWHERE else SubmitAnswer.REFUSED


def result_of(segments: Sequence[tuple[SegmentState, SmsState | None]]) -> SmsState | None:
    """Return a message's result, from the state and the receipt (None: not yet) of each segment; None while it is
    unknown, or without segments.

    UNDELIVERED as soon as one segment certainly does not arrive (REFUSED, EXPIRED, or a receipt UNDELIVERED); DELIVERED
    once every segment has a receipt DELIVERED. While a segment is in doubt (DOUBT) and has no receipt, the result stays
    unknown.
    """
    lost = {SegmentState.REFUSED, SegmentState.EXPIRED}
    if any(state in lost or receipt is SmsState.UNDELIVERED for state, receipt in segments):
        return SmsState.UNDELIVERED
    arrived = all(receipt is SmsState.DELIVERED for _, receipt in segments)
    return SmsState.DELIVERED if segments and arrived else None


def result_to_report(told: SmsState | None, found: SmsState | None) -> SmsState | None:
    """Return the result to report now, or None if there is nothing new. `told`: the result last reported, None if none
    was; `found`: the present result, None while it is unknown.

    A message that was reported as delivered is never reported as undelivered later.
    """
    if found is None or found is told or told is SmsState.DELIVERED:
        return None
    return found
