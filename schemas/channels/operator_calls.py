"""Calls of operators from their own telephone to a resident, as the voice gateway reports them."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from schemas.base import Model, Text
from schemas.casework.call_recordings import RecordingInCall, RecordingState
from schemas.casework.third_parties import MOST_ADMITTED, ThirdPartyInCall

MOST_MOVES = 20  # transfers of one call


class OperatorCallState(StrEnum):
    """The states of an operator's call, in their order.

    OPERATOR_RINGING: the operator's telephone rings, and the resident's does not yet; RINGING: the operator has
    answered, and the resident is called; CONNECTED: both talk; ENDED: the call is over.
    """

    OPERATOR_RINGING = "operator_ringing"
    RINGING = "ringing"
    CONNECTED = "connected"
    ENDED = "ended"


class OperatorCallResult(StrEnum):
    """The results of an ended call.

    ANSWERED: there was a talk; CANCELLED: the operator hung up before the resident answered; OPERATOR_NO_ANSWER: the
    operator's telephone was not answered, and the resident not called; IN_DOUBT: the gateway died during the call.
    """

    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    WRONG_NUMBER = "wrong_number"
    OUT_OF_AREA = "out_of_area"
    FAILED = "failed"
    CANCELLED = "cancelled"
    OPERATOR_NO_ANSWER = "operator_no_answer"
    IN_DOUBT = "in_doubt"


class CallEnder(StrEnum):
    """Who ended a talk. GATEWAY: it lasted too long, or the gateway stopped."""

    OPERATOR = "operator"
    RESIDENT = "resident"
    GATEWAY = "gateway"


class CallMove(Model):
    """A transfer of a call: the operator `by` gave it to the colleague `to`. `number`: counts the call's transfers,
    from 1.
    """

    number: Annotated[int, Field(ge=1, le=MOST_MOVES)]
    by: Text
    to: Text


class ConsultedColleague(Model):
    """A colleague whom the operator asks. `talks`: True if they have answered; False while their telephone rings."""

    login: Text
    talks: bool = False


class OperatorCallReport(Model):
    """The whole state of an operator's call.

    `call`: the id of the order that placed it; `sequence`: rises with each report of a call, from 1; `held`: the
    resident hears no operator and the operator no resident; `answered`: there was or is a talk; `seconds`: the talk's
    length, once it has ended; None before, without a talk, and if unknown; `result`: of an ended call, else None;
    `ended_by`: who ended a talk that is over; None if unknown; `thirds`: the third parties who were called into the
    talk, in this order; `colleague`: the one whom the operator asks now, with the resident on hold; None if nobody is
    asked; `moves`: the transfers, the earliest first; `operator`: who talks, or talked last; `recording`: of the talk;
    None if nobody wanted one.
    """

    call: Text
    case: Text
    operator: Text
    sequence: Annotated[int, Field(ge=1, le=100_000)]
    state: OperatorCallState
    held: bool = False
    answered: bool = False
    seconds: Annotated[float, Field(ge=0, le=86_400)] | None = None
    result: OperatorCallResult | None = None
    ended_by: CallEnder | None = None
    thirds: list[ThirdPartyInCall] = Field(default_factory=list, max_length=MOST_ADMITTED)
    colleague: ConsultedColleague | None = None
    moves: list[CallMove] = Field(default_factory=list, max_length=MOST_MOVES)
    recording: RecordingInCall | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.state is OperatorCallState.ENDED) != (self.result is not None):
            raise ValueError("result: of an ended call, and of no other")
        if (self.result is OperatorCallResult.ANSWERED or self.state is OperatorCallState.CONNECTED) > self.answered:
            raise ValueError("answered: must be true of a talk")
        if self.thirds and not self.answered:
            raise ValueError("thirds: only a talk has them")
        if self.state is OperatorCallState.ENDED and any(each.state.goes_on for each in self.thirds):
            raise ValueError("thirds: nobody stays in a call that has ended")
        if self.colleague is not None and not self.held:
            raise ValueError("colleague: asked only while the resident is on hold")
        if self.moves and (not self.answered or self.moves[-1].to != self.operator):
            raise ValueError("moves: only a talk has them, and the last one leads to the operator")
        return self

    @model_validator(mode="after")
    def _of_talk(self) -> Self:
        if self.recording is not None and not self.answered:
            raise ValueError("recording: only a talk has one")
        is_over = self.recording is None or self.recording.state is RecordingState.ENDED
        if self.state is OperatorCallState.ENDED and not is_over:
            raise ValueError("recording: it ends with its call at the latest")
        return self
