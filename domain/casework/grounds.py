"""What an outcome rests on: the desk's call, a visit, or a ground that somebody states; and which outcomes follow."""

from datetime import datetime

from schemas.casework.cases import Case, DeskCall, StepState
from schemas.casework.inputs import OutcomeAct
from schemas.codes.refusals import GroundMissing, GroundNeedsNote
from schemas.levels import Action, CallResult, Outcome, OutcomeGround

LEAST_NOTE = 4  # characters of a note that says what another ground is
ENDED = "conversation_ended"
CALLS = {
    "conversation": CallResult.ANSWERED,
    "busy": CallResult.BUSY,
    "no_answer": CallResult.NO_ANSWER,
}
"""What a note says of the desk's call, by its `what`."""

_AFTER_A_TALK = (Outcome.DISSUADED, Outcome.NOT_PERSUADED, Outcome.ALREADY_DEFRAUDED, Outcome.FALSE_ALARM)
_WITHOUT_A_TALK = (Outcome.ALREADY_DEFRAUDED, Outcome.FALSE_ALARM, Outcome.DISSUADED)


def known_ground(case: Case) -> OutcomeGround | None:
    """Return the ground of an outcome that the case itself knows: CALL if the operator's call was answered, else VISIT
    if an officer met the resident, else None.
    """
    if case.desk_call and case.desk_call.answered:
        return OutcomeGround.CALL
    return OutcomeGround.VISIT if case.met_at else None


def ground_of(case: Case, act: OutcomeAct) -> OutcomeGround | GroundMissing | GroundNeedsNote | None:
    """Return the ground of an outcome that the desk reports, or why it has none. None: only "dissuaded" needs a ground.

    The case's own ground comes first. Else the operator must state one; OTHER needs a note of 4 characters or more.
    """
    if act.outcome is not Outcome.DISSUADED:
        return None
    if known := known_ground(case):
        return known
    if act.ground is None or act.ground.evidenced:  # nobody may state a talk that the case does not know
        return GroundMissing()
    too_short = len(act.note.strip()) < LEAST_NOTE
    return GroundNeedsNote(LEAST_NOTE) if act.ground is OutcomeGround.OTHER and too_short else act.ground


def offered(case: Case) -> tuple[Outcome, ...]:
    """Return the outcomes that an operator may report after the latest call, the likeliest first.

    After a talk or a meeting: dissuaded, not persuaded, defrauded, false alarm. Else also "unreachable", if there was a
    call, but not "not persuaded".
    """
    if known_ground(case):
        return _AFTER_A_TALK
    return (Outcome.UNREACHABLE, *_WITHOUT_A_TALK) if case.desk_call else _WITHOUT_A_TALK


def call_after(call: DeskCall | None, what: str, by: str, now: datetime) -> DeskCall | None:
    """Return the desk's call as it stands after a note; unchanged when the note says nothing about it.

    `what`: as in NoteAct: "conversation", "busy" or "no_answer" is a new call, "conversation_ended" ends one.
    """
    if what in CALLS:
        return DeskCall(result=CALLS[what], at=now, by=by)
    if what == ENDED and call and call.goes_on:
        return call.model_copy(update={"ended_at": now})
    return call


def on_the_way(case: Case) -> bool:
    """Return whether somebody was sent to the resident, and has not reported the end of the visit."""
    return any(step.action is Action.VISIT and step.state is StepState.SENT for step in case.steps)
