"""What an officer tells late, having had no network: it is of its own time, and what follows is of now."""

from datetime import datetime, timedelta

from domain.dispatches.validity import validity
from schemas.casework.acts import OutcomeAct, SendOfficerAct
from schemas.casework.cases import CaseState, Profile, StopState
from schemas.casework.inputs import OfficerReport, VisitStage
from schemas.levels import Action, Level, Outcome
from tests.domain.builders import RESIDENT, Line, danger, payment, profile

MINUTE = timedelta(minutes=1)


def at_the_door(of: Profile | None = None) -> Line:
    """An orange case whose officer has arrived."""
    line = Line()
    line.alert(Level.ORANGE, payment(), of=of)
    line.act(SendOfficerAct(reason="the operator asks for it"))
    for stage in (VisitStage.ACCEPTED, VisitStage.ARRIVED):
        line.officer(stage)
    return line


def told_late(line: Line, stage: VisitStage, at: datetime, outcome: Outcome | None = None) -> None:
    visit = line.last(Action.VISIT)
    report = OfficerReport(
        id="told late",
        at=at,
        resident=RESIDENT,
        case=visit.case,
        by="officer wang",
        dispatch=visit.id,
        step=visit.step,
        attempt=visit.attempt,
        stage=stage,
        outcome=OutcomeAct(outcome=outcome) if outcome else None,
        told_at=line.now,
    )
    line.give(report)


def in_graver_danger_since_a_talk(outcome: Outcome) -> Line:
    line = at_the_door()
    line.pass_to(30 * MINUTE)
    talked = line.now
    line.pass_to(20 * MINUTE)
    moving = payment("bank:2", 30_000_000, payee="z9", at=line.now)
    line.alert(Level.RED, moving, found=danger(Level.RED, "money is on its way to a scammer"))
    line.pass_to(MINUTE)
    told_late(line, VisitStage.DONE, talked, outcome)
    return line


def test_a_talk_before_the_danger_that_there_is_now_settles_nothing() -> None:
    line = in_graver_danger_since_a_talk(Outcome.DISSUADED)
    assert not line.here.settled
    line.pass_to(10 * MINUTE)
    stop = {each.transfer: each.stop for each in line.here.payments}["bank:2"]
    assert stop is not None
    assert stop.state is StopState.ASKED
    assert {Action.FLASH_SMS, Action.ROBOT_CALL} & {each.action for each in line.sent() if each.level is Level.RED}


def test_a_loss_that_is_told_late_is_one_all_the_same() -> None:
    line = in_graver_danger_since_a_talk(Outcome.ALREADY_DEFRAUDED)
    assert line.state() is CaseState.ALREADY_DEFRAUDED


def test_a_talk_after_the_danger_settles_it_however_late_it_is_told() -> None:
    line = at_the_door()
    line.pass_to(30 * MINUTE)
    talked = line.now
    line.pass_to(20 * MINUTE)
    told_late(line, VisitStage.DONE, talked, Outcome.DISSUADED)
    assert line.state() is CaseState.DISSUADED
    assert line.here.settled_at == talked


def test_what_follows_a_report_that_came_late_has_its_time_from_now_on() -> None:
    line = at_the_door(of=profile(contacts=1))
    line.pass_to(5 * MINUTE)
    was = line.now
    line.pass_to(20 * MINUTE)
    told_late(line, VisitStage.NOT_AT_HOME, was)
    told = line.last(Action.CONTACT_SMS)
    assert validity(told, line.here, line.now) is None
    assert told.not_after is not None
    assert told.not_after > line.now
