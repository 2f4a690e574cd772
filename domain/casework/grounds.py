"""Grounds of an outcome: the desk's call, a visit, or a ground that a person states; and the outcomes that are
possible.
"""

from datetime import datetime

from schemas.casework.acts import OutcomeAct
from schemas.casework.cases import Case, DeskCall, StepState
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


def own_call(case: Case) -> DeskCall | None:
    """Return the operators' latest call to the resident, or None if there was none, or if somebody else than the person
    who called has claimed the case since: what their predecessor heard is not known to them.
    """
    call = case.desk_call
    return call if call and case.claimed_by in (None, call.by) else None


def talk_goes_on(case: Case) -> bool:
    """Return True if the operator who has claimed the case talks with the resident: their call was answered, and its
    end is not noted.
    """
    call = case.desk_call
    return call is not None and call.goes_on and case.claimed_by == call.by


def known_ground(case: Case) -> OutcomeGround | None:
    """Return the ground of an outcome that the case itself shows: CALL if the operators' latest call was answered
    (`own_call`), else VISIT if an officer met the resident; None if it shows neither.
    """
    call = own_call(case)
    if call and call.answered:
        return OutcomeGround.CALL
    return OutcomeGround.VISIT if case.met_at else None


def ground_of(case: Case, act: OutcomeAct) -> OutcomeGround | GroundMissing | GroundNeedsNote | None:
    """Return the ground of an outcome that an operator reports, or the refusal if it lacks one; None for outcomes other
    than DISSUADED, which need no ground.

    The ground that the case shows is preferred. Otherwise the operator must state one, which may not be that of a talk
    or a visit, because only the case can show those (GroundMissing); OTHER needs a note of at least 4 characters
    (GroundNeedsNote).
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
    """Return the outcomes that an operator may report now, the likeliest first.

    After an answered call or a meeting: dissuaded, not persuaded, defrauded, false alarm. Otherwise: defrauded, false
    alarm, dissuaded; before them unreachable, if the desk has called (`own_call`).
    """
    if known_ground(case):
        return _AFTER_A_TALK
    return (Outcome.UNREACHABLE, *_WITHOUT_A_TALK) if own_call(case) else _WITHOUT_A_TALK


def call_after(call: DeskCall | None, what: str, by: str, now: datetime) -> DeskCall | None:
    """Return the case's latest call by an operator (`call`) as it is after a note of the kind `what` (see NoteAct).

    "conversation", "busy" and "no_answer" give a new call of the operator `by` at `now`; "conversation_ended" gives the
    call that goes on, whoever made it, with `now` as its end. Otherwise, also if no call goes on, `call` is returned
    unchanged, which may be None.
    """
    if what in CALLS:
        return DeskCall(result=CALLS[what], at=now, by=by)
    if what == ENDED and call and call.goes_on:
        return call.model_copy(update={"ended_at": now})
    return call


def on_the_way(case: Case) -> bool:
    """Return True if a visit was sent out and its result or end was not reported yet."""
    return any(step.action is Action.VISIT and step.state is StepState.SENT for step in case.steps)
