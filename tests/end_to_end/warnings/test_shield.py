"""After a loss: the shield raises the next signal to a higher level, and support calls are made on their days."""

from schemas.casework.acts import OutcomeAct
from schemas.casework.cases import CaseState
from schemas.codes.danger import LostBefore
from schemas.levels import Action, Level, Outcome, Result
from schemas.people.residents import Resident
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call, scam_sms

LOST = OutcomeAct(outcome=Outcome.ALREADY_DEFRAUDED, lost_fen=500_000)


async def after_loss(line: Line) -> Resident:
    """Somebody with a blue case who says that the money is gone."""
    resident = await line.resident(calls=[Result.ACKNOWLEDGED] * 5)
    await line.signal(scam_sms(line, resident))
    await line.operator(resident, LOST)
    return resident


async def test_the_next_signal_after_a_loss_is_graver_than_without_one(line: Line) -> None:
    resident, other = await after_loss(line), await line.resident()
    await line.advance(hours=1)
    await line.signal(call(line, resident))
    await line.signal(call(line, other))
    shielded, usual = await line.case(resident), await line.case(other)
    assert (usual.level, shielded.level) == (Level.BLUE, Level.ORANGE)
    (reason,) = (each for each in shielded.danger.reasons if isinstance(each, LostBefore))
    assert shielded.prior_loss is not None
    assert (reason.at, reason.until) == (shielded.prior_loss.at, shielded.prior_loss.shielded_until)
    assert not any(isinstance(each, LostBefore) for each in usual.danger.reasons)


async def test_the_support_call_of_the_third_day_warns_of_recovery_scams_and_the_case_is_closed_by_then(
    line: Line,
) -> None:
    resident = await after_loss(line)
    await line.advance(hours=24 * 3 + 18)
    assert (await line.case(resident)).state is CaseState.CLOSED
    said = line.expect(Action.SUPPORT_CALL, resident).said
    assert "追款" in said
    assert "96110" in said
    await line.advance(hours=24 * 8)
    line.expect_nothing_else()
