"""Which losses begin a shield and count as second ones, and what becomes of the shield in a new case and at erasure."""

from datetime import datetime, timedelta

import pytest

from domain.casework import Rules, shield_of
from domain.policy import load
from domain.policy.risk import ShieldRules
from schemas.casework.acts import SupportAct
from schemas.casework.cases import StepState
from schemas.casework.events import FactKind
from schemas.casework.inputs import Erase, FraudReport
from schemas.codes.plan import LostAgain
from schemas.codes.refusals import NoKnownLoss, StillGoesOn
from schemas.levels import Action, Level, Outcome, Result, SupportOutcome
from schemas.risk.reported_frauds import MatchedBy, MatchStrength
from tests.domain.builders import NOON, RESIDENT, Line, payment, policy, policy_text
from tests.domain.casework.shield.test_shielding import CALLS, DAY, after_loss, answered, called, shield_end

SHIELD = policy().shield
AGAIN = FactKind.LOST_AGAIN_SHIELDED


def recorded(line: Line, happened_at: datetime, fen: int | None = 900_000, version: int = 1) -> None:
    """The police record a fraud."""
    line.give(
        FraudReport(
            id=f"fraud:{version}",
            at=line.now,
            resident=RESIDENT,
            record="police:1",
            version=version,
            happened_at=happened_at,
            reported_at=line.now,
            loss_fen=fen,
            by=MatchedBy.ID_NUMBER,
            strength=MatchStrength.CERTAIN,
            dated=True,
        )
    )


def dissuaded_and_closed() -> Line:
    line = Line()
    line.alert(Level.RED, payment())
    line.pass_to(timedelta(seconds=90))
    line.dissuaded()
    answered(line, 30 * DAY)
    assert not line.here.open
    return line


@pytest.mark.parametrize("fen", [900_000, None])
def test_a_fraud_that_the_police_record_after_the_case_begins_a_shield(fen: int | None) -> None:
    line = dissuaded_and_closed()
    recorded(line, line.now - 2 * DAY, fen)
    assert shield_end(line) == line.now + 90 * DAY
    assert [name for name in line.states() if name.startswith("support")] == CALLS


def test_a_fraud_from_before_the_open_case_begins_one_too() -> None:
    line = Line()
    line.alert(Level.YELLOW)
    recorded(line, NOON - 5 * DAY)
    assert shield_end(line) == NOON + 90 * DAY


@pytest.mark.parametrize(("days_ago", "fen"), [(91, 900_000), (2, 0)])
def test_an_old_fraud_and_one_without_a_loss_begin_none(days_ago: int, fen: int) -> None:
    line = dissuaded_and_closed()
    recorded(line, line.now - days_ago * DAY, fen)
    assert line.here.prior_loss is None


@pytest.mark.parametrize(("happened", "again"), [(0, []), (6, []), (9, [LostAgain(9)])])
def test_the_records_date_decides_whether_it_is_a_second_loss(happened: int, again: list[LostAgain]) -> None:
    line = after_loss()
    answered(line, 25 * DAY)
    recorded(line, NOON + happened * DAY, 2_000_000)
    assert line.facts(AGAIN) == again


def test_a_corrected_sum_of_a_record_is_no_second_loss() -> None:
    line = dissuaded_and_closed()
    recorded(line, line.now - DAY, 900_000)
    answered(line, 20 * DAY)
    recorded(line, line.now - 21 * DAY, 1_900_000, version=2)
    assert line.facts(AGAIN) == []


def test_what_the_police_have_recorded_is_no_second_loss_when_the_victim_tells_it() -> None:
    line = dissuaded_and_closed()
    recorded(line, line.now - DAY, 900_000)
    answered(line, 20 * DAY)
    line.victim(900_000)
    assert line.facts(AGAIN) == []
    line.victim(950_000)
    assert line.facts(AGAIN) == [LostAgain(20)]


def test_the_same_loss_told_by_its_transfer_later_is_no_second_one() -> None:
    line = after_loss()
    answered(line, 8 * DAY)
    line.victim(800_000, "bank:1")
    assert line.facts(AGAIN) == []
    assert line.facts(FactKind.SHIELDED)[1:] == []


def test_a_payment_of_a_later_day_is_a_second_loss_although_it_is_smaller() -> None:
    line = after_loss()
    answered(line, 20 * DAY)
    line.alert(Level.RED, payment("bank:2", 50_000, at=line.now))
    line.victim(50_000, "bank:2")
    assert line.facts(AGAIN) == [LostAgain(20)]


def test_the_outcome_defrauded_told_again_in_the_talk_is_no_second_loss_and_plans_no_declined_call_again() -> None:
    line = after_loss()
    line.result(Result.WANTS_OPERATOR, of=called(line, 13))
    line.outcome(Outcome.ALREADY_DEFRAUDED)
    assert line.facts(AGAIN) == []
    line.act(SupportAct(outcome=SupportOutcome.DECLINED))
    assert not [step for step in line.here.steps if step.id.startswith("support") and step.state is StepState.PENDING]


@pytest.mark.parametrize("alerted", [True, False])
def test_defrauded_after_new_danger_without_a_sum_is_a_second_loss(alerted: bool) -> None:
    line = after_loss()
    answered(line, 20 * DAY)
    if alerted:
        line.alert(Level.RED)
    else:
        line.act(SupportAct(outcome=SupportOutcome.CONTACTED))
    line.pass_to(timedelta(seconds=90))
    line.outcome(Outcome.ALREADY_DEFRAUDED)
    assert line.facts(AGAIN) == [LostAgain(20)]


def test_a_second_loss_after_a_short_shield_counts_among_the_losses_with_a_shield() -> None:
    line = Line()
    text = policy_text().replace('lasts = "90d"', 'lasts = "30d"', 1)
    line.rules = Rules(load(text))
    line.alert(Level.RED, payment())
    line.victim(800_000)
    answered(line, 50 * DAY)
    line.victim(1_700_000)
    assert line.facts(AGAIN) == [LostAgain(50)]
    assert line.facts(FactKind.LOST_AGAIN_UNSHIELDED) == []


def test_a_new_case_makes_the_calls_that_are_still_to_be_made() -> None:
    line = after_loss()
    answered(line, 11 * DAY)
    assert not line.here.open
    line.rules = Rules(load(policy_text().replace('reopen_within = "', 'reopen_within = "0d" #', 1)))
    due = {name: line.step(name).due for name in CALLS[1:]}
    line.alert(Level.YELLOW)
    assert line.here.number == 2
    assert {name: line.step(name).due for name in CALLS[1:]} == due
    line.pass_to(timedelta(minutes=10))
    line.dissuaded()
    assert answered(line, 30 * DAY) == CALLS[1:]


def test_erasure_waits_for_a_support_call_that_is_being_made() -> None:
    line = after_loss()
    called(line, 13)
    line.give(Erase(id="erase", at=line.now, resident=RESIDENT, by="head"))
    assert line.facts(FactKind.REFUSED) == [StillGoesOn()]
    assert not line.facts(FactKind.FORGOTTEN)


def test_erasure_ends_the_shield_and_nothing_opens_the_case_again() -> None:
    line = after_loss()
    answered(line, 13 * DAY)
    line.give(Erase(id="erase", at=line.now, resident=RESIDENT, by="head"))
    assert line.here.prior_loss is None
    line.act(SupportAct(outcome=SupportOutcome.CONTACTED))
    assert line.facts(FactKind.REFUSED) == [NoKnownLoss()]
    assert not line.here.open


def test_erasing_again_ends_a_shield_that_began_since() -> None:
    line = after_loss()
    answered(line, 13 * DAY)
    line.give(Erase(id="erase", at=line.now, resident=RESIDENT, by="head"))
    line.victim(5_000_000)
    assert line.here.prior_loss is not None
    line.give(Erase(id="erase:2", at=line.now, resident=RESIDENT, by="head"))
    assert line.here.prior_loss is None
    assert Action.SUPPORT_CALL not in {out.action for out in line.pass_to(40 * DAY)}


@pytest.mark.parametrize(
    ("rules", "days", "shown"),
    [
        (SHIELD, 89, NOON + 90 * DAY),
        (SHIELD, 90, None),
        (None, 1, None),
        (SHIELD and SHIELD.model_copy(update={"lasts": 30 * DAY}), 1, NOON + 30 * DAY),
        (SHIELD and SHIELD.model_copy(update={"lasts": 30 * DAY}), 31, None),
    ],
    ids=["lasts", "over", "no shield now", "a shorter one now", "the shorter one is over"],
)
def test_the_pages_promise_what_the_policy_in_force_gives(
    rules: ShieldRules | None, days: int, shown: datetime | None
) -> None:
    assert shield_of(after_loss().here, rules, NOON + days * DAY) == shown
