"""What "dissuaded" rests on: a talk, a visit, a key, or a ground that somebody states; and who is still on the way."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.casework.grounds import ground_of, offered
from domain.desk.desk_calls import call_goes_on
from domain.payments import ledger
from schemas.casework.acts import AnswersAct, CallAgainAct, ClaimAct, NoteAct, OutcomeAct
from schemas.casework.cases import CaseState, StepState
from schemas.casework.events import FactKind
from schemas.casework.inputs import VisitStage
from schemas.codes.any_code import AnyCode
from schemas.codes.refusals import GroundMissing, GroundNeedsNote, NoTalkYet
from schemas.levels import Action, CallResult, EvidenceClass, Level, Outcome, OutcomeGround, Result
from tests.domain.builders import Line, at_the_desk, payment

MINUTE = timedelta(minutes=1)
STATED = [ground for ground in OutcomeGround if not ground.evidenced]


def called(line: Line, *whats: str, by: str = "operator li") -> None:
    for what in whats:
        line.act(NoteAct.model_validate({"what": what}), by)


def put_down(line: Line, ground: OutcomeGround | None = None, by: str = "operator li", **more: object) -> list[AnyCode]:
    """Why it was refused."""
    act = OutcomeAct.model_validate({"outcome": Outcome.DISSUADED, "ground": ground, **more})
    return [fact.what for fact in line.act(act, by).facts if fact.kind is FactKind.REFUSED]


# ------------------------------------------------------------ what is needed


@pytest.mark.parametrize("calls", [(), ("no_answer",), ("busy",), ("conversation", "conversation_ended", "no_answer")])
def test_without_an_answered_call_nobody_is_dissuaded_unless_a_ground_is_stated(calls: tuple[str, ...]) -> None:
    line = at_the_desk()
    called(line, *calls)
    assert put_down(line) == [GroundMissing()]
    assert not line.here.settled
    assert put_down(line, OutcomeGround.RELATIVE) == []
    assert (line.state(), line.here.ground) == (CaseState.DISSUADED, OutcomeGround.RELATIVE)


@pytest.mark.parametrize("calls", [("conversation",), ("no_answer", "conversation", "conversation_ended")])
def test_after_an_answered_call_no_ground_is_asked_for(calls: tuple[str, ...]) -> None:
    line = at_the_desk()
    called(line, *calls)
    assert put_down(line) == []
    assert (line.state(), line.here.ground) == (CaseState.DISSUADED, OutcomeGround.CALL)


@pytest.mark.parametrize("ground", [ground for ground in OutcomeGround if ground.evidenced])
def test_nobody_may_state_a_talk_or_a_visit_that_the_case_does_not_know(ground: OutcomeGround) -> None:
    line = at_the_desk()
    assert put_down(line, ground) == [GroundMissing()]
    assert not line.here.settled


def test_another_ground_is_told_in_the_note() -> None:
    line = at_the_desk()
    assert put_down(line, OutcomeGround.OTHER, note=" 好 ") == [GroundNeedsNote(4)]
    assert put_down(line, OutcomeGround.OTHER, note="村支书在他家") == []
    assert line.here.ground is OutcomeGround.OTHER


def test_a_talk_counts_for_one_outcome_only() -> None:
    line = at_the_desk()
    called(line, "conversation")
    line.outcome(Outcome.NOT_PERSUADED)
    assert put_down(line) == [GroundMissing()]


def test_a_colleagues_talk_is_no_ground_for_who_has_taken_the_case_since() -> None:
    line = at_the_desk()
    called(line, "conversation")
    line.act(ClaimAct(do="claim"), by="operator li")
    line.act(ClaimAct(do="unclaim"), by="operator li")
    line.act(ClaimAct(do="claim"), by="operator wang")
    assert Outcome.UNREACHABLE not in offered(line.here)
    assert Outcome.NOT_PERSUADED not in offered(line.here)
    assert put_down(line, by="operator wang") == [GroundMissing()]
    called(line, "conversation", by="operator wang")
    assert put_down(line, by="operator wang") == []
    assert line.here.ground is OutcomeGround.CALL


def test_a_talk_that_was_put_off_is_no_ground_for_what_is_put_down_later() -> None:
    line = at_the_desk()
    called(line, "conversation")
    line.act(CallAgainAct(when=line.now + timedelta(hours=2)))
    assert put_down(line) == [GroundMissing()]


def test_a_talk_of_before_a_new_danger_is_none_of_the_new_one() -> None:
    line = at_the_desk()
    called(line, "conversation")
    put_down(line)
    line.now += timedelta(hours=1)
    line.alert(Level.RED, payment("bank:9"), signal_at=line.now)
    assert not line.here.settled
    assert (line.here.ground, line.here.desk_call) == (None, None)
    assert put_down(line) == [GroundMissing()]


# ------------------------------------------------------------ at the door, and by a key


def test_an_officer_who_met_the_resident_is_the_ground() -> None:
    line = at_the_desk()
    line.pass_to(MINUTE)
    line.officer(VisitStage.ACCEPTED)
    line.officer(VisitStage.DONE, OutcomeAct(outcome=Outcome.DISSUADED))
    assert (line.state(), line.here.ground) == (CaseState.DISSUADED, OutcomeGround.VISIT)


def test_a_visit_without_an_outcome_is_the_ground_of_what_the_desk_puts_down() -> None:
    line = at_the_desk()
    line.pass_to(MINUTE)
    line.officer(VisitStage.ACCEPTED)
    assert put_down(line) == [GroundMissing()]
    line.officer(VisitStage.DONE)
    assert put_down(line) == []
    assert line.here.ground is OutcomeGround.VISIT


def test_a_visit_at_which_nobody_was_at_home_is_no_ground() -> None:
    line = at_the_desk()
    line.pass_to(MINUTE)
    line.officer(VisitStage.ACCEPTED)
    line.officer(VisitStage.NOT_AT_HOME)
    assert put_down(line) == [GroundMissing()]


def test_a_pressed_key_is_a_ground_of_its_own() -> None:
    line = Line()
    line.alert(Level.YELLOW)
    line.pass_to(timedelta(hours=2))
    line.result(Result.ACKNOWLEDGED, Action.ROBOT_CALL)
    assert (line.state(), line.here.ground) == (CaseState.DISSUADED, OutcomeGround.KEY)


def test_a_stated_ground_gives_way_to_a_visit_that_follows() -> None:
    line = at_the_desk()
    line.pass_to(MINUTE)
    line.officer(VisitStage.ACCEPTED)
    put_down(line, OutcomeGround.BANK)
    line.officer(VisitStage.DONE, OutcomeAct(outcome=Outcome.DISSUADED))
    assert line.here.ground is OutcomeGround.VISIT


# ------------------------------------------------------------ one call state


def test_the_desks_call_is_connected_ended_or_not_taken_and_the_case_says_the_same() -> None:
    line = at_the_desk()
    called(line, "conversation")
    began = line.now
    assert (line.here.desk_call and line.here.desk_call.result, line.state()) == (
        CallResult.ANSWERED,
        CaseState.IN_CONVERSATION,
    )
    line.now += 3 * MINUTE
    called(line, "conversation_ended")
    call = line.here.desk_call
    assert call is not None
    assert (call.at, call.ended_at, call.by) == (began, line.now, "operator li")
    assert line.state() is CaseState.CONTACTING
    called(line, "busy")
    assert (line.here.desk_call and line.here.desk_call.result) is CallResult.BUSY


def test_a_call_that_is_not_taken_ends_the_conversation_that_the_case_was_in() -> None:
    line = at_the_desk()
    called(line, "conversation", "no_answer")
    assert line.state() is CaseState.CONTACTING


@pytest.mark.parametrize("end", [VisitStage.NOT_AT_HOME, VisitStage.REFUSED, VisitStage.HANDED_OVER])
def test_an_officer_who_finds_nobody_or_does_not_go_ends_no_call_of_the_operator(end: VisitStage) -> None:
    line = at_the_desk()
    line.pass_to(MINUTE)
    line.act(ClaimAct(do="claim"))
    called(line, "conversation")
    line.officer(VisitStage.ACCEPTED)
    assert line.state() is CaseState.VISIT_UNDER_WAY
    line.officer(end)
    assert line.state() is CaseState.IN_CONVERSATION
    assert call_goes_on(line.here, line.now)
    called(line, "conversation_ended")
    assert line.state() is CaseState.CONTACTING
    assert not call_goes_on(line.here, line.now)


@pytest.mark.parametrize("ended", [True, False])
def test_after_the_call_or_the_claim_an_officer_who_finds_nobody_leaves_the_case_to_the_system(ended: bool) -> None:
    line = at_the_desk()
    line.pass_to(MINUTE)
    line.act(ClaimAct(do="claim"))
    called(line, "conversation", *(["conversation_ended"] if ended else []))
    line.officer(VisitStage.ACCEPTED)
    if not ended:
        line.act(ClaimAct(do="unclaim"))
    line.officer(VisitStage.NOT_AT_HOME)
    assert line.state() is CaseState.CONTACTING
    assert not call_goes_on(line.here, line.now)


def test_an_answer_is_refused_before_anybody_has_talked_with_the_resident() -> None:
    line = at_the_desk()
    act = AnswersAct(script="brushing", answers={"opening": "yes"})
    assert [fact.what for fact in line.act(act).facts] == [NoTalkYet()]
    called(line, "no_answer")
    assert [fact.what for fact in line.act(act).facts] == [NoTalkYet()]
    assert line.here.answers == {}
    called(line, "conversation", "conversation_ended")
    line.act(act)
    assert line.here.answers == {"opening": "yes"}


# ------------------------------------------------------------ which outcomes are offered


def test_the_outcomes_follow_from_the_call() -> None:
    line = at_the_desk()
    assert Outcome.NOT_PERSUADED not in offered(line.here)
    called(line, "no_answer")
    assert offered(line.here)[0] is Outcome.UNREACHABLE
    assert Outcome.NOT_PERSUADED not in offered(line.here)
    called(line, "conversation")
    assert Outcome.UNREACHABLE not in offered(line.here)
    assert offered(line.here)[:2] == (Outcome.DISSUADED, Outcome.NOT_PERSUADED)


# ------------------------------------------------------------ the officer on the way


@pytest.mark.parametrize("outcome", [Outcome.DISSUADED, Outcome.FALSE_ALARM, Outcome.ALREADY_DEFRAUDED])
def test_who_is_on_the_way_goes_on_unless_he_is_recalled(outcome: Outcome) -> None:
    line = at_the_desk()
    line.pass_to(MINUTE)
    line.officer(VisitStage.ACCEPTED)
    called(line, "conversation")
    line.outcome(outcome)
    assert line.step("red.visit").state is StepState.SENT
    assert line.here.officer == "officer wang"
    line.officer(VisitStage.DONE, OutcomeAct(outcome=outcome))
    assert line.step("red.visit").state is StepState.DONE
    assert line.here.officer is None


@pytest.mark.parametrize("outcome", [Outcome.DISSUADED, Outcome.FALSE_ALARM, Outcome.ALREADY_DEFRAUDED])
def test_an_officer_is_recalled_by_a_choice_of_its_own(outcome: Outcome) -> None:
    line = at_the_desk()
    line.pass_to(MINUTE)
    line.officer(VisitStage.ACCEPTED)
    called(line, "conversation")
    line.outcome(outcome, recall=True)
    assert line.step("red.visit").state is StepState.WITHDRAWN
    assert line.here.officer is None


# ------------------------------------------------------------ the figures


def test_the_books_tell_the_two_kinds_of_dissuaded_apart() -> None:
    stated, talked = at_the_desk(), at_the_desk()
    put_down(stated, OutcomeGround.BANK)
    called(talked, "conversation")
    put_down(talked)
    assert [
        (each.dissuaded_evidenced, each.dissuaded_stated) for each in map(ledger.of_case, (stated.here, talked.here))
    ] == [(0, 1), (1, 0)]


def test_what_nobody_heard_from_the_resident_is_not_kept_by_his_word() -> None:
    line = Line()
    line.alert(Level.RED, payment())
    kept = [{"transfer": "bank:1", "evidence": "C", "amount_fen": 500}]
    put_down(line, OutcomeGround.RELATIVE, kept=kept)
    assert line.here.kept["bank:1"].evidence is EvidenceClass.D


@given(
    calls=st.lists(st.sampled_from(["conversation", "conversation_ended", "busy", "no_answer"]), max_size=5),
    ground=st.none() | st.sampled_from(list(OutcomeGround)),
    note=st.sampled_from(["", "他在家里"]),
)
def test_no_outcome_counts_as_a_success_without_its_ground(
    calls: list[str], ground: OutcomeGround | None, note: str
) -> None:
    line = at_the_desk()
    called(line, *calls)
    act = OutcomeAct(outcome=Outcome.DISSUADED, ground=ground, note=note)
    expected = ground_of(line.here, act)
    line.act(act)
    books = ledger.of_case(line.here)
    assert books.dissuaded_evidenced + books.dissuaded_stated == isinstance(expected, OutcomeGround)
    answered = calls and [call for call in calls if call != "conversation_ended"][-1:] == ["conversation"]
    assert bool(books.dissuaded_evidenced) == bool(answered)
