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
    """Return the result of a call that the called person did not answer, such as BUSY, NO_ANSWER or FAILED.

    `status`: the final SIP status, 0 if the trunk did not answer; `cause`: the Q.850 cause, None if not given;
    `gave_up`: True if it rang for too long, which is NO_ANSWER if the trunk had the call.
    """
    if gave_up and status:
        return OperatorCallResult.NO_ANSWER
    found = without_answer(status, cause).state
    return OperatorCallResult.FAILED if found is CallState.ANSWERED else OperatorCallResult(found.value)


def notes_of(report: OperatorCallReport) -> Sequence[CallNote]:
    """Return all notes that the case must have after a report, the earliest first; empty if there is none.

    An answered call gives "conversation", and also "conversation_ended" once the talk has ended: an earlier report may
    be lost, so the last one gives both. A call that was not answered gives "busy" or "no_answer"; a call without a
    result, or one that failed on the way, gives none.
    """
    if report.answered:
        return ("conversation", "conversation_ended") if report.state is OperatorCallState.ENDED else ("conversation",)
    note = _NOTES.get(report.result) if report.result else None
    return (note,) if note else ()


def third_parties_of(report: OperatorCallReport) -> Sequence[ThirdPartyAct]:
    """Return all acts about third parties that the case must have after a report, in the report's order. A party who
    has left gives two, JOINED and LEFT, because the report that they joined may be lost; a party whose telephone still
    rings gives none.
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
    """An input of a case that follows from a report about a call. `name`: distinguishes it from others of the same
    call; `by`: the login of the operator whom it concerns.
    """

    name: str
    by: str
    act: NoteAct | ThirdPartyAct | HandOverCallAct | RecordedCallAct


def inputs_of(report: OperatorCallReport) -> Sequence[CallInput]:
    """Return all inputs that the case must have after a report, in the order: the talk's beginning (or that nobody
    answered), third parties, transfers to colleagues, the recording, the talk's end; empty if there is none.

    Reports may be lost between two others, so each gives all that happened before it. The talk began with the first
    operator, and ended with the last one.
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
    """Return a third party as it is after the end of the call: LEFT if it had joined, CANCELLED if its telephone was
    ringing, otherwise unchanged.
    """
    match third.state:
        case ThirdPartyCallState.JOINED:
            return third.model_copy(update={"state": ThirdPartyCallState.LEFT})
        case ThirdPartyCallState.RINGING:
            return third.model_copy(update={"state": ThirdPartyCallState.CANCELLED})
        case _:
            return third


def third_party_state(result: OperatorCallResult) -> ThirdPartyCallState:
    """Return the final state of a third party whose call was not answered: BUSY, NO_ANSWER, REFUSED, or FAILED for any
    other result, such as a number that does not exist or a telephone out of coverage.
    """
    return _THIRD.get(result, ThirdPartyCallState.FAILED)


_THIRD: Partial[OperatorCallResult, ThirdPartyCallState] = Partial(
    {
        OperatorCallResult.BUSY: ThirdPartyCallState.BUSY,
        OperatorCallResult.NO_ANSWER: ThirdPartyCallState.NO_ANSWER,
        OperatorCallResult.REFUSED: ThirdPartyCallState.REFUSED,
    }
)
