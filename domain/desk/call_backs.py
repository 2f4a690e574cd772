"""Decides which requests to call back are open, in which order, and what a call back makes of one."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from schemas.channels.call_backs import CallBack, LiveIncoming
from schemas.channels.incoming_calls import IncomingCallState
from schemas.channels.operator_calls import OperatorCallResult

OWED_FOR = timedelta(hours=72)  # assumed: who has not been reached in three days is not called any more
ORDERED_FOR = timedelta(minutes=2)  # after which a call back that no gateway has reported is taken not to be placed
UNDER_WAY_FOR = timedelta(hours=5)  # longer than any talk that the gateway permits
LIVE_FOR = {
    IncomingCallState.QUEUED: timedelta(hours=1),  # longer than any caller may wait
    IncomingCallState.RINGING: timedelta(hours=1),
    IncomingCallState.CONNECTED: UNDER_WAY_FOR,
    IncomingCallState.ENDED: timedelta(hours=24),  # so long a report that comes again is known
}
UNTRIED = frozenset({OperatorCallResult.CANCELLED, OperatorCallResult.OPERATOR_NO_ANSWER})
"""Results that are due to the operator, and say nothing about the number."""


def is_live(call: LiveIncoming, now: datetime) -> bool:
    """Return True if the state of an incoming call is still kept at `now`. If the gateway reports nothing more, a call
    that waits or rings is forgotten an hour after `call.at`, a talk after 5 hours, and an ended call after 24 hours.
    """
    return now - call.at < LIVE_FOR[call.state]


def is_owed(request: CallBack, now: datetime) -> bool:
    """Return True if the centre must still call this number back: its latest call came less than 72 hours ago."""
    return now - request.latest < OWED_FOR


def is_taken(request: CallBack, now: datetime) -> bool:
    """Return True if somebody is calling this number back at `now`: they took the request less than 2 minutes ago, or
    less than 5 hours ago if the gateway has reported the call.
    """
    if request.taken_by is None or request.taken_at is None:
        return False
    return now - request.taken_at < (UNDER_WAY_FOR if request.reported else ORDERED_FOR)


def open_call_backs(requests: Iterable[CallBack], now: datetime) -> list[CallBack]:
    """Return the requests that the centre must still call back (see `is_owed`): those with the fewest tries first, and
    of these the one that has waited longest.
    """
    return sorted((each for each in requests if is_owed(each, now)), key=lambda each: (each.tries, each.since, each.id))


def merged_request(known: CallBack | None, new: CallBack) -> CallBack:
    """Return the request to call a number back after the call `new`. If the number already has a request (`known`),
    that one goes on, with its age and id: one more call is counted, and the tries begin again at 0. Its number is kept
    as encrypted for the new call, so that no request needs a key that is older than its latest call.
    """
    if known is None:
        return new
    return known.model_copy(
        update={
            "latest": max(known.latest, new.latest),
            "sealed": new.sealed,
            "calls": known.calls + 1,
            "tries": 0,
            "vouched": known.vouched or new.vouched,
        }
    )


def displaced_request(kept: Iterable[CallBack], now: datetime) -> CallBack | None:
    """Return the request to delete so that a new one can be stored, when there are too many (`kept`); None if none may
    be deleted, and the new one is not stored.

    It is the one with the oldest latest call, among those that nobody is calling back and whose number the network does
    not vouch for, because in a flood of calls the numbers are invented.
    """
    free = [each for each in kept if not each.vouched and not is_taken(each, now)]
    return min(free, key=lambda each: (each.latest, each.id), default=None)


def after_call_back(request: CallBack, result: OperatorCallResult) -> CallBack | None:
    """Return the request after the number was called back with `result`, with nobody calling now; None if the request
    is done: there was a talk, or the number is wrong.

    The call counts as one more try, unless the operator did not answer their own telephone or cancelled.
    """
    if result in (OperatorCallResult.ANSWERED, OperatorCallResult.WRONG_NUMBER):
        return None
    return freed_request(request).model_copy(update={"tries": request.tries + (result not in UNTRIED)})


def unplaced_request(request: CallBack) -> CallBack:
    """Return a copy of a request whose call could not be placed, with nobody calling now. It counts as one more try: a
    number that can never be dialled must not stay the first one and keep all others waiting.
    """
    return freed_request(request).model_copy(update={"tries": request.tries + 1})


def freed_request(request: CallBack) -> CallBack:
    """Return a copy of a request that shows nobody as calling the number back."""
    return request.model_copy(update={"taken_by": None, "taken_at": None, "placed": None, "reported": False})
