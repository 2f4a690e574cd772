"""The result of an automated call, by what the network and the called person said."""

import re
from dataclasses import dataclass

from domain.policy.messages import KEYS
from schemas.channels.receipts import CallState

BUSY, NO_ANSWER, REFUSED = CallState.BUSY, CallState.NO_ANSWER, CallState.REFUSED
WRONG, AWAY, FAILED = CallState.WRONG_NUMBER, CallState.OUT_OF_AREA, CallState.FAILED

# RFC 3261, section 21; 603 and 604 there; 607 RFC 8197, 608 RFC 8688. 410: gone for good; 484: incomplete number.
_BY_STATUS = {
    404: WRONG, 408: NO_ANSWER, 410: WRONG, 480: NO_ANSWER, 484: WRONG, 486: BUSY, 487: NO_ANSWER, 600: BUSY,
    603: REFUSED, 604: WRONG, 607: REFUSED, 608: REFUSED,
}  # fmt: skip

# ITU-T Q.850, table 1: causes that say more than the SIP status that the trunk turned them into. 20: the mobile
# subscriber is absent (switched off, out of coverage); 27: the destination cannot be reached.
_BY_CAUSE = {
    1: WRONG, 17: BUSY, 18: NO_ANSWER, 19: NO_ANSWER, 20: AWAY, 21: REFUSED, 22: WRONG, 27: AWAY, 28: WRONG,
}  # fmt: skip

_CAUSE = re.compile(r"^\s*Q\.850\s*;.*?\bcause\s*=\s*(\d{1,3})\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CallEnding:
    """How a call ended. `key`: the pressed key of the message, if any; `detail`: for the case's history, without
    numbers of anybody.
    """

    state: CallState
    detail: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """What was noticed in an answered call. `key`: the first key of the message that was pressed; `mailbox`: whether a
    machine seems to have answered; `seconds`: since the answer; `played`: how often the whole message was played;
    `hung_up`: whether the called side ended the call.
    """

    key: str | None
    mailbox: bool
    seconds: float
    played: int
    hung_up: bool


def q850_cause(reason: str) -> int | None:
    """Return the cause in a SIP Reason header (RFC 3326), or None if it has none of Q.850."""
    found = _CAUSE.match(reason)
    return int(found[1]) if found else None


def without_answer(status: int, cause: int | None = None) -> CallEnding:
    """Return the ending of a call that was not answered, by its final SIP status and the Q.850 cause, if given.

    The cause decides where it says more than the status: a phone without coverage is often reported as 480. A status
    without a meaning for the called person, such as 403 or 503, is a failure of the trunk. Status 0: the trunk did not
    answer at all, which says nothing about the called person.
    """
    if status == 0:
        return CallEnding(FAILED, "the trunk did not answer")
    said = f"SIP {status}" if cause is None else f"SIP {status}, Q.850 {cause}"
    state = _BY_CAUSE.get(cause or 0) or _BY_STATUS.get(status, FAILED)
    return CallEnding(state, said)


def ring_timeout(seconds: float) -> CallEnding:
    """Return the ending of a call that rang for `seconds` and was given up."""
    return CallEnding(NO_ANSWER, f"rang for {seconds:.0f} s")


def after_answer(heard: Heard) -> CallEnding:
    """Return the ending of an answered call.

    A pressed key counts even if a machine seemed to answer: machines press none. Without a key it is a mailbox, or
    somebody listened and pressed nothing; the detail says for how long, and how often the message was complete.
    """
    lasted = f"{heard.seconds:.0f} s, message played {heard.played} times"
    if heard.key is not None:
        return CallEnding(CallState.ANSWERED, lasted, heard.key)
    if heard.mailbox:
        return CallEnding(CallState.VOICEMAIL, lasted)
    return CallEnding(CallState.ANSWERED, f"cut off after {lasted}" if heard.hung_up else f"no key, {lasted}")


def is_offered_key(digit: str) -> bool:
    """Return whether a message offers this key; another one is ignored, and the message goes on."""
    return digit in KEYS
