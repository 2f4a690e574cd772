"""Decides the result of an operator's call, and what the case learns of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from domain.carriers.voice import without_answer
from schemas.base import Partial
from schemas.casework.acts import HandOverCallAct, NoteAct
from schemas.casework.call_recordings import RecordedCallAct
from schemas.casework.third_parties import ThirdPartyAct, ThirdPartyCallState, ThirdPartyInCall
from schemas.channels.operator_calls import OperatorCallReport, OperatorCallResult, OperatorCallState
from schemas.channels.receipts import CallState

CallNote = Literal["conversation", "conversation_ended", "busy", "no_answer"]
"""The values of NoteAct.what that say how the desk's call stands."""
RINGING = ThirdPartyCallState.RINGING

# A case knows two results of a call without a talk (NoteAct). A resident who refuses the call, is out of coverage or
# has given a number that does not exist was not reached. A failure of the trunk says nothing about the resident.
_NOTES: Partial[OperatorCallResult, CallNote] = Partial(
    {
        OperatorCallResult.BUSY: "busy",
        OperatorCallResult.NO_ANSWER: "no_answer",
        OperatorCallResult.REFUSED: "no_answer",
        OperatorCallResult.WRONG_NUMBER: "no_answer",
        OperatorCallResult.OUT_OF_AREA: "no_answer",
    }
)


def result_of_status(status: int, cause: int | None, *, gave_up: bool) -> OperatorCallResult:
    """Return the result of a call that the resident did not answer.

    `status`: the final SIP status, 0 if the trunk did not answer; `cause`: of Q.850, None if not given; `gave_up`: True
    if it rang for too long.
    """
    if gave_up:
        return OperatorCallResult.NO_ANSWER
    found = without_answer(status, cause).state
    return OperatorCallResult.FAILED if found is CallState.ANSWERED else OperatorCallResult(found.value)


def notes_of(report: OperatorCallReport) -> Sequence[CallNote]:
    """Return all notes that the case must have after a report, the earliest first; empty if there is none.

    Reports may be lost between two others, so the last one is enough: an ended talk gives both notes. A call that was
    not answered gives "busy" or "no_answer"; none while it has no result, or if it failed on the way.
    """
    if report.answered:
        return ("conversation", "conversation_ended") if report.state is OperatorCallState.ENDED else ("conversation",)
    note = _NOTES.get(report.result) if report.result else None
    return (note,) if note else ()


def third_parties_of(report: OperatorCallReport) -> Sequence[ThirdPartyAct]:
    """Return all that the case must know of third parties after a report, the earliest first. One who has left has
    joined before: that report may be lost.
    """
    told = []
    for each in report.thirds:
        states = (
            (each.state,) if each.state is not ThirdPartyCallState.LEFT else (ThirdPartyCallState.JOINED, each.state)
        )
        told += [ThirdPartyAct(**each.model_dump() | {"state": state}) for state in states if state is not RINGING]
    return told


@dataclass(frozen=True, slots=True)
class CallInput:
    """An input of a case that follows from a report. `name`: distinguishes it from others of the same call; `by`: the
    login of the operator of whom it tells.
    """

    name: str
    by: str
    act: NoteAct | ThirdPartyAct | HandOverCallAct | RecordedCallAct


def inputs_of(report: OperatorCallReport) -> Sequence[CallInput]:
    """Return all inputs that the case must have after a report, the earliest first.

    Reports may be lost between two others, so each gives all that happened before it: the talk began with the first
    operator, each transfer follows, and the talk ended with the last one.
    """
    first = report.moves[0].by if report.moves else report.operator
    notes = [CallInput(what, report.operator, NoteAct(what=what)) for what in notes_of(report)]
    notes[:1] = [replace(each, by=first) for each in notes[:1]]
    thirds = [
        CallInput(f"third.{each.number}.{each.state.value}", report.operator, each) for each in third_parties_of(report)
    ]
    moves = [CallInput(f"moved.{each.number}", each.by, HandOverCallAct(to=each.to)) for each in report.moves]
    return [*notes[:1], *thirds, *moves, *_recording_inputs(report), *notes[1:]]


def _recording_inputs(report: OperatorCallReport) -> Sequence[CallInput]:
    """Return what the case must know of the call's recording: that it has begun and, after the call, its length."""
    told = report.recording
    if told is None or not told.begun:
        return ()
    begun = RecordedCallAct(id=told.id, written_ms=told.written_ms)
    inputs = [CallInput("recording.begun", report.operator, begun)]
    if told.seconds is not None:
        ended = begun.model_copy(update={"seconds": told.seconds})
        inputs.append(CallInput("recording.ended", report.operator, ended))
    return inputs


def ended_third(third: ThirdPartyInCall) -> ThirdPartyInCall:
    """Return a third party after the end of the call: who took part has left, and who was called was not joined."""
    match third.state:
        case ThirdPartyCallState.JOINED:
            return third.model_copy(update={"state": ThirdPartyCallState.LEFT})
        case ThirdPartyCallState.RINGING:
            return third.model_copy(update={"state": ThirdPartyCallState.CANCELLED})
        case _:
            return third


def third_party_state(result: OperatorCallResult) -> ThirdPartyCallState:
    """Return the last state of a third party's leg that was not answered. FAILED also if the number does not exist or
    the telephone is out of coverage.
    """
    return _THIRD.get(result, ThirdPartyCallState.FAILED)


_THIRD: Partial[OperatorCallResult, ThirdPartyCallState] = Partial(
    {
        OperatorCallResult.BUSY: ThirdPartyCallState.BUSY,
        OperatorCallResult.NO_ANSWER: ThirdPartyCallState.NO_ANSWER,
        OperatorCallResult.REFUSED: ThirdPartyCallState.REFUSED,
    }
)
