"""A hold on the resident's own account through Kafka and Redis: the bank is asked once, whoever is killed, and an
objection that its customer makes there lifts it once.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from schemas.casework.acts import NoteAct
from schemas.casework.objections import DecideObjectionAct, ObjectionState, WrongfulCause
from schemas.casework.own_account import ApproveHoldAct, OwnHoldState, ProposeHoldAct
from schemas.levels import Action, Result
from schemas.people.staff import StaffRole
from tests.domain.casework.own_account.holdworld import ON
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call, transfer

DESK = StaffRole.RELEASE_DESK


def enabled(text: str) -> str:
    return text.replace("[own_account]\nenabled = false\n", ON)


@asynccontextmanager
async def holds_enabled(line: Line) -> AsyncIterator[None]:
    """Holds are enabled by an invented local ground; nobody approves anything by themselves."""
    line.approves = False
    await line.policy(enabled)
    try:
        yield
    finally:
        await line.policy()


async def test_a_hold_reaches_the_bank_once_and_an_objection_lifts_it_once_though_the_worker_is_killed(
    line: Line,
) -> None:
    async with holds_enabled(line):
        await _held_and_lifted(line)


async def _held_and_lifted(line: Line) -> None:
    resident = await line.resident(calls=[Result.ACKNOWLEDGED])
    own = resident.accounts[0].value
    await line.signal(call(line, resident, ongoing=True), transfer(line, resident, line.account()))
    await line.operator(resident, NoteAct(what="conversation"))
    await line.operator(resident, NoteAct(what="conversation_ended"))
    await line.operator(resident, ProposeHoldAct(account=0, reason="坚持要转账"))
    assert [hold.state for hold in (await line.case(resident)).own_holds] == [OwnHoldState.PROPOSED]
    await line._report(resident, ApproveHoldAct(hold="own.1"), "release-1", DESK)
    await line.settle()
    line.house.worker.kill()
    for _ in range(2):
        await line._report(resident, ApproveHoldAct(hold="own.1"), "release-2", DESK)
    line.house.worker.start()
    await line.settle()
    line.house.worker.kill()
    line.house.worker.start()
    await line.advance(minutes=4)
    line.expect_stop(own, Action.HOLD_OUTGOING)
    assert own not in [contact.to for contact in line.bank.left], "the bank is asked once, whoever was killed"
    (hold,) = (await line.case(resident)).own_holds
    assert (hold.state, len(hold.approvals)) == (OwnHoldState.IN_FORCE, 2)
    asked = next(out for event in await line.events(resident) for out in event.dispatches if out.own_hold)
    notice = {"id": "Y-18", "dispatch": asked.id, "account": own, "who": "holder", "ground": "lawful_payment"}
    for status in (202, 200):
        answer = await line.house.intake.post("/v1/objections", json=notice)
        assert answer.status_code == status, answer.text
        await line.settle()
    stranger = await line.house.intake.post("/v1/objections", json=notice | {"account": line.account()})
    assert stranger.status_code == 404
    verdict = DecideObjectionAct(
        objection=answer.json()["objection"], upheld=True, reason="合同已核对", cause=WrongfulCause.LAWFUL_PAYMENT
    )
    for by in ("release-1", "release-9", "release-9"):  # the first has approved the hold
        await line._report(resident, verdict, by, DESK)
    await line.settle()
    await line.advance(minutes=4)
    line.expect_stop(own, Action.LIFT_HOLD)
    assert own not in [contact.to for contact in line.bank.left], "and is asked to lift it once"
    case = await line.case(resident)
    assert [each.state for each in case.own_holds] == [OwnHoldState.LIFTED]
    assert [(each.state, each.decided_by) for each in case.objections] == [(ObjectionState.UPHELD, "release-9")]
