"""Decides whether a call to the centre is queued, which operator it rings, and whether the centre owes a call back."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from domain.identity.identifiers import normal_phone
from schemas.channels.incoming_calls import CALLER_PATTERN, IncomingCallResult
from schemas.channels.operator_calls import CallEnder, OperatorCallResult

MISSES = 3  # telephones in a row that were not picked up: then the operator is taken to be away
_REPORTED = re.compile(CALLER_PATTERN)
LONGEST_IDENTITY = 1000  # characters of a header; a longer one names nobody
# One address of a header (RFC 3261, 20.10): a name, quoted or not, before the URI in angle brackets, or a URI alone.
_ADDRESS = re.compile(r'(?:(?:\s*"(?:[^"\\]|\\.)*"\s*|[^"<>,]*)<([^<>"\s]*)>|\s*([^<>",;\s]+))[^",<>]*(?:,|$)')
_URI = re.compile(r"(?:sips?:([^@:;?]{1,64})(?:[:;][^@]*)?@[^@]+|tel:([^@:;?]{1,64})(?:;[^@]*)?)", re.IGNORECASE)


class CallAdmission(StrEnum):
    """What becomes of a new call. QUEUED: it waits for an operator; SPOKEN_TO: the queue is full, and the caller hears
    that the centre calls back; TOO_MANY: the caller has as many calls as allowed; FULL: no line is left; TOO_FAST: too
    many callers came at once for whom the network does not vouch.
    """

    QUEUED = "queued"
    SPOKEN_TO = "spoken_to"
    TOO_MANY = "too_many"
    FULL = "full"
    TOO_FAST = "too_fast"


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """The highest numbers of calls: `waiting` in the queue, `concurrent` under way, `per_caller` of one caller, and
    `withheld` of all callers without a number.
    """

    waiting: int
    concurrent: int
    per_caller: int
    withheld: int


@dataclass(frozen=True, slots=True)
class FreeOperator:
    """An operator who is ready and not on the phone. `idle_since`: seconds of a monotonic clock."""

    login: str
    idle_since: float


class RingResult(StrEnum):
    """The result of ringing an operator's telephone that led to no talk. MISSED: it rang, and nobody took the call;
    BUSY: the telephone has another call; FAULT: the telephone, the exchange or the sound does not work.
    """

    MISSED = "missed"
    BUSY = "busy"
    FAULT = "fault"


PAUSES = {RingResult.MISSED: 0.0, RingResult.BUSY: 10.0, RingResult.FAULT: 30.0}
"""For how many seconds an operator's telephone is not rung after each result; the figures are assumed."""


@dataclass(frozen=True, slots=True)
class IncomingCaller:
    """The caller of a call. `number`: in E.164, "" if it is withheld or cannot be called back. `vouched`: True if the
    network vouches for the number; otherwise the calling side states it, and may invent one for each call.
    """

    number: str = field(repr=False)
    vouched: bool = False


def caller_of(asserted: Sequence[str], sender: str, *, sender_is_vouched: bool = False) -> IncomingCaller:
    """Return the caller of a call: the number in E.164 ("" if it is withheld or cannot be called back), and whether the
    network vouches for it.

    `asserted`: the headers of addresses that the network vouches for (RFC 3325); `sender`: the address that the caller
    gives, which is used only if `asserted` is empty; `sender_is_vouched`: True if the trunk passes on no `sender` that
    it has not verified. Only the user part of a URI is used: the calling side writes the name before it and its
    parameters.
    """
    given = [uri for header in asserted for uri in _uris(header)] if asserted else [sender]
    users = [found[1] or found[2] for uri in given if len(uri) <= LONGEST_IDENTITY and (found := _URI.fullmatch(uri))]
    number = next(filter(None, map(_callable, users)), "")
    return IncomingCaller(number, vouched=bool(number) and (bool(asserted) or sender_is_vouched))


def admission(
    caller: IncomingCaller, under_way: Sequence[str], waiting: int, limits: QueueLimits, *, too_fast: bool = False
) -> CallAdmission:
    """Return what becomes of a new call of `caller`, the first that applies: TOO_MANY if this caller has as many calls
    as allowed (all callers without a number count as one); FULL if no more calls may be under way; TOO_FAST if
    `too_fast` and the network does not vouch for the caller; QUEUED if the queue has room; else SPOKEN_TO, and the
    caller hears that the centre calls back.

    `under_way`: the numbers of all calls that have not ended ("" if withheld); `waiting`: how many of them wait;
    `too_fast`: True if more unvouched callers came within a second than are allowed. A single caller's limit comes
    first: a flood from one number must not take the lines of others.
    """
    if under_way.count(caller.number) >= (limits.per_caller if caller.number else limits.withheld):
        return CallAdmission.TOO_MANY
    if len(under_way) >= limits.concurrent:
        return CallAdmission.FULL
    if too_fast and not caller.vouched:
        return CallAdmission.TOO_FAST
    return CallAdmission.QUEUED if waiting < limits.waiting else CallAdmission.SPOKEN_TO


def next_operator(free: Sequence[FreeOperator]) -> str | None:
    """Return the login of the operator whose telephone rings next: the one who has been idle for longest; None if
    nobody is free.
    """
    return min(free, key=lambda each: (each.idle_since, each.login)).login if free else None


def ring_result(result: OperatorCallResult, *, rang: bool) -> RingResult:
    """Return the result of ringing an operator's telephone that was not answered: BUSY if it has another call; MISSED
    if it rang (`rang`) and nobody took the call, or the operator refused it; else FAULT.

    Only MISSED counts as the operator's absence: a busy telephone, or an exchange that does not answer, must not sign
    operators out.
    """
    if result is OperatorCallResult.BUSY:
        return RingResult.BUSY
    of_person = result in (OperatorCallResult.NO_ANSWER, OperatorCallResult.REFUSED)
    return RingResult.MISSED if rang and of_person else RingResult.FAULT


def is_away(misses: int) -> bool:
    """Return True if an operator is taken to be away: they let at least 3 calls in a row ring (`misses`)."""
    return misses >= MISSES


def owes_call_back(
    result: IncomingCallResult, caller: IncomingCaller, *, was_taken: bool, ended_by: CallEnder | None = None
) -> bool:
    """Return True if the centre must call the caller back: nobody talked to them, or the talk was cut off by the
    gateway (`ended_by` is GATEWAY), and their number is known.

    `was_taken`: True if the gateway has answered the call. A call that ended before costs its sender nothing, so
    invented numbers could displace real callers: such a call counts only if the network vouches for the number.
    """
    served = result is IncomingCallResult.ANSWERED and ended_by is not CallEnder.GATEWAY
    return bool(caller.number) and (was_taken or caller.vouched) and not served


def _uris(header: str) -> Sequence[str]:
    """Return the URIs of a header with addresses, none if it cannot be read to its end."""
    found: list[str] = []
    place = 0
    while place < len(header) <= LONGEST_IDENTITY:
        one = _ADDRESS.match(header, place)
        if one is None:
            return ()
        found.append(one[1] or one[2] or "")
        place = one.end()
    return found


def _callable(text: str) -> str:
    """Return a telephone number in E.164; "" for a service number, an extension or anything else that
    a report may not have."""
    try:
        number = normal_phone(text)
    except ValueError:
        return ""
    return number if _REPORTED.fullmatch(number) else ""
