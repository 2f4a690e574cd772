"""Requests to call back, and the present state of calls to the centre, as Redis keeps them: numbers are encrypted."""

from typing import Annotated

from pydantic import Field

from schemas.base import Model, Text, When
from schemas.channels.incoming_calls import IncomingCallState
from schemas.people.calls import CallId


class LiveIncoming(Model):
    """The present state of a call to the centre. `call`: its id; `sequence`: the number of its latest report; `since`:
    when it came; `at`: when the state was reported; `operator`: the login of the operator whose telephone rings or who
    talks; `held`: True if the caller hears music during a talk; `sealed`: the caller's number, encrypted, "" if it is
    withheld or the call has ended; `vouched`: True if the network vouches for the number.
    """

    call: CallId
    sequence: int
    state: IncomingCallState
    since: When
    at: When
    operator: Text | None = None
    held: bool = False
    sealed: str = ""
    vouched: bool = False


class CallBack(Model):
    """A number that the centre owes a call.

    `id`: a keyed hash of the number, so that its calls are one request; `since`: when the first of them came; `latest`:
    when the last one came; `calls`: their number; `sealed`: the caller's number, encrypted; `vouched`: True if the
    network vouches for it; `taken_by`: the operator who calls back now, since `taken_at`, by the operator's call with
    the id `placed`; all three None while nobody does; `reported`: True if the gateway has reported that call; `tries`:
    number of calls back that reached nobody or could not be placed.
    """

    id: CallId
    since: When
    latest: When
    calls: Annotated[int, Field(ge=1)] = 1
    sealed: str
    vouched: bool = False
    taken_by: Text | None = None
    taken_at: When | None = None
    placed: Text | None = None
    reported: bool = False
    tries: int = 0
