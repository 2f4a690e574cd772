"""What a transferred call means for the case: who talks, and who has the case."""

from schemas.casework.acts import AnswersAct, ClaimAct, CloseAct, HandOverCallAct, NoteAct
from schemas.casework.cases import CaseState
from schemas.casework.events import FactKind
from schemas.codes.any_code import AnyCode
from schemas.codes.third_parties import CallHandedOver, HandOverOnlyInCall
from schemas.levels import Level
from schemas.people.staff import StaffRole
from tests.domain.builders import Line, payment

LI, HAN, ZHAO = "operator li", "operator han", "operator zhao"


def in_call(claimed: str | None = LI) -> Line:
    """An operator talks with a resident; somebody has claimed the case."""
    line = Line()
    line.alert(Level.RED, payment())
    if claimed:
        line.act(ClaimAct(do="claim"), claimed, role=StaffRole.OPERATOR)
    line.act(NoteAct(what="conversation"), LI, role=StaffRole.OPERATOR)
    return line


def hand_over(line: Line, by: str = LI, to: str = HAN) -> list[AnyCode]:
    """Transfer the call; the refusals."""
    decision = line.act(HandOverCallAct(to=to), by, role=StaffRole.OPERATOR)
    return [fact.what for fact in decision.facts if fact.kind is FactKind.REFUSED]


def test_the_case_goes_along_and_the_talk_goes_on() -> None:
    line = in_call()
    before = line.here.desk_call
    assert before is not None
    assert hand_over(line) == []
    after = line.here
    assert (after.claimed_by, after.assigned_by, after.state) == (HAN, LI, CaseState.IN_CONVERSATION)
    assert after.desk_call == before.model_copy(update={"by": HAN})
    assert line.facts(FactKind.CLAIMED)[-1] == CallHandedOver(LI, HAN)
    line.act(NoteAct(what="conversation_ended"), HAN)
    ended = line.here.desk_call
    assert ended is not None
    assert not ended.goes_on


def test_nobody_gives_away_a_case_that_another_person_has() -> None:
    line = in_call(claimed=ZHAO)
    assert hand_over(line) == []
    assert line.here.claimed_by == ZHAO
    assert line.here.desk_call is not None
    assert line.here.desk_call.by == HAN
    assert line.facts(FactKind.NOTE)[-1] == CallHandedOver(LI, HAN)


def test_an_unclaimed_case_stays_unclaimed() -> None:
    line = in_call(claimed=None)
    assert hand_over(line) == []
    assert line.here.claimed_by is None


def test_only_the_operator_in_the_call_hands_it_over() -> None:
    line = in_call()
    assert hand_over(line, by=ZHAO) == [HandOverOnlyInCall()]
    assert hand_over(line, to=LI) == [HandOverOnlyInCall()]
    assert hand_over(line) == []
    assert hand_over(line) == [HandOverOnlyInCall()]  # it is Han's now
    assert hand_over(line, by=HAN, to=ZHAO) == []
    line.act(NoteAct(what="conversation_ended"), ZHAO)
    assert hand_over(line, by=ZHAO) == [HandOverOnlyInCall()]
    line.act(CloseAct(reason="moved away"), ZHAO)
    assert hand_over(line, by=ZHAO) == [HandOverOnlyInCall()]


def test_the_answers_that_the_resident_gave_stay() -> None:
    line = in_call()
    line.act(AnswersAct(script="investment", answers={"paid": "no"}), LI)
    assert hand_over(line) == []
    assert line.here.answers == {"paid": "no"}
