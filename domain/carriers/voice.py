"""Decides the result of an automated call, from the network's answer and the keys that the called person pressed."""

import re
from dataclasses import dataclass

from domain.policy.messages import keys_of
from schemas.channels.receipts import CallState
from schemas.levels import Action

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

# Asterisk derives a cause from the SIP status if the network gave none. These derived causes say more about the called
# person than the status does, which is one of the trunk: it refuses this caller (401, 403, 407), loops (483), or fails
# (502).
_DERIVED = {401: 21, 403: 21, 407: 21, 483: 19, 502: 27}
_NO_USER_RESPONSE = 18  # also what Asterisk makes of its own timeout (408) for a trunk that sends nothing
_SIP_FAILURES = range(400, 700)

_CAUSE = re.compile(r"^\s*Q\.850\s*;.*?\bcause\s*=\s*(\d{1,3})\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CallEnding:
    """The result of a call.

    `detail`: English words for the case's history, without any number of a person. `key`: the key of the message that
    was pressed, or None.
    """

    state: CallState
    detail: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """The observations in an answered call.

    `key`: the first pressed key that the message offers, or None. `mailbox`: True if a machine seems to have answered.
    `seconds`: duration since the answer. `played`: how many times the whole message was played. `hung_up`: True if the
    called side ended the call.
    """

    key: str | None
    mailbox: bool
    seconds: float
    played: int
    hung_up: bool


def q850_cause(reason: str) -> int | None:
    """Return the Q.850 cause in a SIP Reason header (RFC 3326), or None if the header has none."""
    found = _CAUSE.match(reason)
    return int(found[1]) if found else None


def without_answer(status: int, cause: int | None = None) -> CallEnding:
    """Return the ending of a call that was not answered, from its final SIP status and its Q.850 cause (None: not
    given).

    A known cause takes precedence: a phone without coverage is often reported as 480. A status that tells nothing about
    the called person, such as 403 or 503, gives FAILED, as does `status` 0: the trunk did not answer.
    """
    if status == 0:
        return CallEnding(FAILED, "the trunk did not answer")
    said = f"SIP {status}" if cause is None else f"SIP {status}, Q.850 {cause}"
    state = _BY_CAUSE.get(cause or 0) or _BY_STATUS.get(status, FAILED)
    return CallEnding(state, said)


def after_hangup(cause: int, status: int | None = None, rang: bool = True) -> CallEnding:
    """Return the ending of a call that an exchange reports as hung up before the answer, from its Q.850 cause.

    `status`: the SIP status of the network, None if the exchange does not report one; it decides the ending if the
    exchange derived the cause from it. A cause that tells nothing about the called person gives FAILED. `rang`: True if
    the network reported ringing or sound before; False: "no answer" after a timeout counts as a trunk that did not
    answer, FAILED.
    """
    if not rang and cause == _NO_USER_RESPONSE and status in (None, 408):
        return without_answer(0)
    if status not in _SIP_FAILURES:
        return CallEnding(_BY_CAUSE.get(cause, FAILED), f"Q.850 {cause}")
    if _DERIVED.get(status or 0) == cause:
        return without_answer(status or 0)
    return without_answer(status or 0, cause)


def ring_timeout(seconds: float, rang: bool = True) -> CallEnding:
    """Return the ending (NO_ANSWER) of a call that was given up after `seconds`. `rang`: True if the network reported
    that it rang; only the text of the ending depends on it.
    """
    return CallEnding(NO_ANSWER, f"rang for {seconds:.0f} s" if rang else f"no answer in {seconds:.0f} s")


def after_answer(heard: Heard) -> CallEnding:
    """Return the ending of an answered call: ANSWERED with the pressed key, if there is one; else VOICEMAIL if a
    machine seemed to answer; else ANSWERED without a key.

    A pressed key counts even if a machine seemed to answer, because machines press no keys. `detail` tells how long the
    call lasted and how often the message was played.
    """
    lasted = f"{heard.seconds:.0f} s, message played {heard.played} times"
    if heard.key is not None:
        return CallEnding(CallState.ANSWERED, lasted, heard.key)
    if heard.mailbox:
        return CallEnding(CallState.VOICEMAIL, lasted)
    return CallEnding(CallState.ANSWERED, f"cut off after {lasted}" if heard.hung_up else f"no key, {lasted}")


def offered_keys(dispatch: str) -> frozenset[str]:
    """Return the keys that the message of a dispatch offers to the called person: 1, 2 and 9, and 3 too in the question
    a week after they were dissuaded. Any other key is ignored, and the message goes on. `dispatch`: its id,
    `case:step:attempt:channel`.
    """
    asks = dispatch.partition(":")[2].startswith("week.")
    return frozenset(keys_of(Action.WEEK_CALL if asks else Action.ROBOT_CALL))
