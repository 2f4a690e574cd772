"""A bank passes on its customer's objection: one person reviews it, and the bank is asked once to lift the stop."""

from datetime import timedelta

from schemas.casework.acts import OutcomeAct
from schemas.casework.cases import StopState
from schemas.casework.events import FactKind
from schemas.casework.objections import DecideObjectionAct, ObjectionState, WrongfulCause
from schemas.casework.orders import OrderState
from schemas.codes.objections import ObjectionUpheld
from schemas.levels import Action, Outcome, Result
from schemas.people.residents import Resident
from schemas.people.staff import StaffRole
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call, transfer

REVIEWER = "release-9"


async def stopped(line: Line, mule: str) -> Resident:
    """Somebody whose payment is stopped."""
    resident = await line.resident(calls=[Result.ACKNOWLEDGED])
    await line.signal(call(line, resident), transfer(line, resident, mule))
    await line.advance(minutes=1)
    await line.operator(resident, OutcomeAct(outcome=Outcome.ALREADY_DEFRAUDED))
    await line.advance(minutes=2)
    line.expect_stop(mule)
    return resident


def upheld(name: str) -> DecideObjectionAct:
    return DecideObjectionAct(
        objection=name,
        upheld=True,
        reason="工资流水已核对",
        cause=WrongfulCause.LAWFUL_PAYMENT,
        compensation_fen=20_000,
    )


async def test_the_objection_of_a_bank_lifts_the_stop_once_though_the_worker_is_killed_in_between(line: Line) -> None:
    mule = line.account()
    resident = await stopped(line, mule)
    asked = next(out for event in await line.events(resident) for out in event.dispatches if out.payment)
    notice = {"id": "Y-17", "dispatch": asked.id, "account": mule, "who": "holder", "ground": "lawful_payment"}
    for status in (202, 200, 200):  # the bank sends it again and again
        answer = await line.house.intake.post("/v1/objections", json=notice)
        assert answer.status_code == status, answer.text
        await line.settle()
    stranger = await line.house.intake.post("/v1/objections", json=notice | {"account": line.account()})
    assert stranger.status_code == 404
    (made,) = (await line.case(resident)).objections
    assert (made.receipt, made.due - made.at) == ("Y-17", timedelta(hours=4))
    name = answer.json()["objection"]
    assert made.id == name
    line.house.worker.kill()
    await line._report(resident, upheld(name), "release-1", StaffRole.RELEASE_DESK)  # who approved the stop
    for _ in range(2):
        await line._report(resident, upheld(name), REVIEWER, StaffRole.RELEASE_DESK)
    line.house.worker.start()
    await line.settle()
    line.house.worker.kill()
    line.house.worker.start()
    await line.advance(minutes=5)
    line.expect_stop(mule, Action.STOP_RELEASE)
    assert line.bank.left == [], "the bank is asked once, whoever was killed"
    case = await line.case(resident)
    (made,) = case.objections
    assert (made.state, made.decided_by, made.compensation_fen) == (ObjectionState.UPHELD, REVIEWER, 20_000)
    assert [order.state for order in case.orders] == [OrderState.OVERTURNED]
    assert case.payments[0].stop is not None
    assert case.payments[0].stop.state is StopState.RELEASED
    told = [fact.what for fact in await line.facts(resident, FactKind.OBJECTION)]
    assert len([each for each in told if isinstance(each, ObjectionUpheld)]) == 1
    answer = await line.house.intake.post("/v1/objections", json=notice)
    assert answer.json()["state"] == "upheld", "the bank sees how it stands"
