"""Objections to a hold on the resident's own account: one who had no part in it reviews, and an upheld one lifts it."""

from datetime import timedelta

from schemas.casework.events import FactKind
from schemas.casework.inputs import ObjectStop
from schemas.casework.objections import (
    DecideObjectionAct,
    ObjectionGround,
    ObjectionState,
    Objector,
    WrongfulCause,
)
from schemas.casework.own_account import OwnHoldAnswerState, OwnHoldState
from schemas.codes.refusals import NothingToObjectTo, ObjectionWaits, TookPart
from schemas.levels import Action
from schemas.people.staff import StaffRole
from tests.domain.builders import RESIDENT, Line
from tests.domain.casework.own_account.holdworld import answer, asked, held, hold, in_danger, propose, talked


def object_to(line: Line, name: str = "own.1", by: str | None = None) -> None:
    line.give(
        ObjectStop(
            id=f"objection:{len(line.decisions)}",
            at=line.now,
            resident=RESIDENT,
            case=line.here.id,
            order=name,
            who=Objector.HOLDER,
            by=by,
            bank=None if by else "icbc",
            ground=ObjectionGround.LAWFUL_PAYMENT,
            text="是购房款",
        )
    )


def decide(line: Line, by: str, *, upheld: bool = True) -> None:
    act = DecideObjectionAct(
        objection=line.here.objections[0].id,
        upheld=upheld,
        reason="合同已核对",
        cause=WrongfulCause.LAWFUL_PAYMENT if upheld else None,
    )
    line.act(act, by, role=StaffRole.RELEASE_DESK)


def test_an_upheld_objection_lifts_the_hold_once() -> None:
    line = held()
    object_to(line)
    (made,) = line.here.objections
    assert (made.order, made.due - made.at) == ("own.1", timedelta(hours=4))
    decide(line, "qian")
    assert hold(line).state is OwnHoldState.LIFTING
    decide(line, "qian")
    answer(line, OwnHoldAnswerState.LIFTED)
    assert (hold(line).state, line.here.objections[0].state) == (OwnHoldState.LIFTED, ObjectionState.UPHELD)
    assert len(asked(line, Action.LIFT_HOLD)) == 1


def test_who_proposed_or_approved_the_hold_or_took_the_objection_down_does_not_review() -> None:
    line = held()
    object_to(line, by="qian")
    for by in ("operator li", "zhou", "sun", "qian"):
        decide(line, by)
    assert line.facts(FactKind.REFUSED) == [TookPart()] * 4
    assert hold(line).state is OwnHoldState.IN_FORCE
    decide(line, "wu", upheld=False)
    assert (hold(line).state, line.here.objections[0].state) == (OwnHoldState.IN_FORCE, ObjectionState.REJECTED)


def test_there_is_one_objection_at_a_time_and_none_to_a_hold_that_no_bank_has() -> None:
    line = held()
    object_to(line)
    object_to(line)
    assert line.facts(FactKind.REFUSED) == [ObjectionWaits()]
    proposed = talked(in_danger())
    propose(proposed)
    object_to(proposed)
    assert proposed.facts(FactKind.REFUSED) == [NothingToObjectTo()]


def test_an_overdue_objection_is_recalled_and_goes_on_waiting() -> None:
    line = held()
    object_to(line)
    line.pass_to(timedelta(hours=5))
    assert line.here.objections[0].waits
    assert len(line.facts(FactKind.STOP_REMINDER)) >= 1
