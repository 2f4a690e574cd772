"""The code of a note that an operator takes: of a call's course, of what a caller wants, or of free text."""

from collections.abc import Callable, Mapping

from domain.casework import grounds
from schemas.casework.acts import NoteAct
from schemas.codes.any_code import AnyCode
from schemas.codes.people import (
    CallerAsked,
    CallerHandedOver,
    CallerReported,
    CallNotTaken,
    CodeConfirmed,
    InterpreterNeeded,
    Noted,
    Recorded,
    ReleaseWanted,
    TalkBegun,
    TalkEnded,
    ThreeWayCall,
)
from schemas.levels import CallResult
from schemas.people.calls import CallerRequest


def code_of_note(act: NoteAct) -> AnyCode:
    """Return the code, with its parameters, that the case's history has for a note: what a caller wants, if the note
    states it; else ReleaseWanted, if it names a complaint; else the code for what happened in a call, or for the free
    text.
    """
    if act.caller is not None:
        return _CALLERS[act.caller](act.note)
    if act.complaint is not None:
        return ReleaseWanted(act.complaint)
    return _remark(act)


def _remark(act: NoteAct) -> AnyCode:
    match act.what:
        case "conversation" | "conversation_ended" | "busy" | "no_answer":
            return _of_call(act)
        case "code_confirmed":
            return CodeConfirmed(act.note)
        case "three_way_call":
            return ThreeWayCall(act.note)
        case "interpreter":
            return InterpreterNeeded(act.language, act.note)
        case "recording":
            return Recorded(act.note)
        case "note":
            return Noted(act.note)


def _of_call(act: NoteAct) -> AnyCode:
    if act.what == grounds.ENDED:
        return TalkEnded(act.note)
    result = grounds.CALLS[act.what]
    return TalkBegun(act.note) if result is CallResult.ANSWERED else CallNotTaken(result, act.note)


_CALLERS: Mapping[CallerRequest, Callable[[str], AnyCode]] = {
    CallerRequest.QUESTION: CallerAsked,
    CallerRequest.REPORT: CallerReported,
    CallerRequest.HANDED_OVER: CallerHandedOver,
}
