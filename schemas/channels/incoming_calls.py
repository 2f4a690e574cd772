"""Calls to the centre's own numbers, as the voice gateway reports them."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from schemas.base import Model, Text, When
from schemas.channels.operator_calls import CallEnder
from schemas.people.calls import CallId

CALLER_PATTERN = r"\+[1-9][0-9]{5,14}"
"""A number in E.164 (ITU-T E.164, 6: 15 digits at most), without which a caller cannot be called back."""


class IncomingCallState(StrEnum):
    """The states of an incoming call. QUEUED: it waits for an operator; RINGING: an operator's telephone rings, and the
    caller still hears music; CONNECTED: both talk; ENDED: the call is over.
    """

    QUEUED = "queued"
    RINGING = "ringing"
    CONNECTED = "connected"
    ENDED = "ended"


class IncomingCallResult(StrEnum):
    """The results of an ended call.

    ANSWERED: there was a talk; ABANDONED: the caller hung up before; NOT_SERVED: nobody answered in time; QUEUE_FULL:
    too many others waited; NO_SOUND: the sound could not be agreed; IN_DOUBT: the gateway died during the call.
    """

    ANSWERED = "answered"
    ABANDONED = "abandoned"
    NOT_SERVED = "not_served"
    QUEUE_FULL = "queue_full"
    NO_SOUND = "no_sound"
    IN_DOUBT = "in_doubt"


class IncomingCallReport(Model):
    """The whole state of an incoming call.

    `at`: when it came; `sequence`: rises with each report of a call, from 1; `caller`: E.164, "" if it is withheld;
    `vouched`: True if the network vouches for that number; else it is as the calling side states it; `operator`: the
    login of the operator whose telephone rings, who talks, or who talked; None if there is none; `held`: the caller
    hears music during a talk; `answered`: there was or is a talk; `waited`: seconds from the start until the talk, or
    until the end without one; `seconds`: the talk's length, once it has ended; None before, without a talk, and if
    unknown; `result`: of an ended call, else None; `ended_by`: who ended a talk that is over (RESIDENT: the caller);
    `call_back`: the centre owes the caller a call.
    """

    model_config = ConfigDict(hide_input_in_errors=True)  # it has a number

    call: CallId
    at: When
    sequence: Annotated[int, Field(ge=1, le=100_000)]
    state: IncomingCallState
    caller: Annotated[str, Field(pattern=f"^({CALLER_PATTERN})?$", repr=False)]
    vouched: bool = False
    operator: Text | None = None
    held: bool = False
    answered: bool = False
    waited: Annotated[float, Field(ge=0, le=86_400)] | None = None
    seconds: Annotated[float, Field(ge=0, le=86_400)] | None = None
    result: IncomingCallResult | None = None
    ended_by: CallEnder | None = None
    call_back: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.state is IncomingCallState.ENDED) != (self.result is not None):
            raise ValueError("result: of an ended call, and of no other")
        if (self.state in (IncomingCallState.RINGING, IncomingCallState.CONNECTED)) > (self.operator is not None):
            raise ValueError("operator: of a telephone that rings, and of a talk")
        if (self.result is IncomingCallResult.ANSWERED or self.state is IncomingCallState.CONNECTED) > self.answered:
            raise ValueError("answered: must be true of a talk")
        if self.call_back > (self.state is IncomingCallState.ENDED and self.caller != ""):
            raise ValueError("call_back: of an ended call whose caller is known")
        return self
