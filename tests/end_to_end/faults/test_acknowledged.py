"""A key pressed counts for the plan it was pressed in, and for what the level lets it settle."""

from schemas.casework.acts import OutcomeAct
from schemas.casework.cases import CaseState
from schemas.casework.events import FactKind
from schemas.codes.danger import DangerAgain, ScamApp
from schemas.levels import Action, Outcome, Result
from schemas.risk.evidence import EvidenceKind
from schemas.risk.signals import AppKind
from tests.end_to_end.harness.behaviour import goes_there
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import confirmed, scam_app, transfer


async def test_a_key_pressed_in_mid_chain_ends_the_robots_calls_and_leaves_the_other_channels_going(
    line: Line,
) -> None:
    resident = await line.resident(calls=[Result.ACKNOWLEDGED])
    mule = line.account()
    await line.officers("mid-1", stages=goes_there())
    await line.signal(
        confirmed(line, mule, ago=60), transfer(line, resident, mule, ago=120, state="settled", new_payee=False)
    )
    await line.until(line.after(hours=3))
    line.expect(Action.SMS, resident, seconds=30)
    line.expect_stop(mule, minutes=2)
    line.expect(Action.ROBOT_CALL, resident, minutes=5)
    line.expect_visit("mid-1", because="人工外呼未联系上")  # nobody was at the desk
    line.expect_nothing_else()
    out = await line.facts(resident, FactKind.DISPATCHED)
    assert sum(fact.action is Action.OPERATOR_CALL for fact in out) == 5  # the desk, every half an hour


async def test_an_old_acknowledgement_never_comes_back_after_a_reopening(line: Line) -> None:
    resident = await line.resident(calls=[None])
    await line.signal(scam_app(line, resident))
    await line.advance(hours=1, minutes=1)
    line.expect(Action.SMS, resident, minutes=3)
    before = line.expect(Action.ROBOT_CALL, resident, hours=1)
    await line.operator(resident, OutcomeAct(outcome=Outcome.FALSE_ALARM))
    await line.advance(minutes=9)
    await line.signal(scam_app(line, resident, kind=AppKind.LOAN))
    (reopened,) = await line.facts(resident, FactKind.REOPENED)
    assert isinstance(reopened.what, DangerAgain)
    assert EvidenceKind.APP_LOAN in [each.kind for each in reopened.what.reasons if isinstance(each, ScamApp)]
    line.house.providers.carrier.tell(before.dispatch, "/calls", {"result": "answered", "key": "1"})
    await line.settle()
    assert (await line.case(resident)).settled_at is None  # at this level a key pressed in time would settle it
    await line.advance(hours=1, minutes=1)
    line.expect(Action.SMS, resident, hours=1, minutes=13)
    after = line.expect(Action.ROBOT_CALL, resident, hours=2, minutes=10)
    line.expect_nothing_else()
    line.house.providers.carrier.tell(after.dispatch, "/calls", {"result": "answered", "key": "1"})
    await line.settle()
    assert (await line.case(resident)).state is CaseState.DISSUADED
