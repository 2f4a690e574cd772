"""What the police's record of a fraud does to its victim's case."""

from datetime import datetime, timedelta

import pytest

from domain.casework.machine import decide
from domain.dispatches.warnings import days_after_warning
from domain.identity.personal import without
from domain.payments.ledger import not_recovered, of_case
from schemas.casework.acts import CloseAct
from schemas.casework.cases import CaseState
from schemas.casework.events import FactKind
from schemas.casework.inputs import FraudReport
from schemas.codes.plan import FraudAfterWarning, FraudOnRecord, FraudRecordWithdrawn
from schemas.levels import Action, Level, Outcome
from schemas.risk.reported_frauds import MatchedBy, MatchStrength
from tests.domain.builders import NOON, Line, at_the_desk, danger, rules

DAY = timedelta(days=1)


def recorded(line: Line, happened_at: datetime, **fields: object) -> FraudReport:
    version = fields.get("version", 1)
    known = {"id": f"police:A1:{version}", "record": "police:A1", "version": version, "by": MatchedBy.ID_NUMBER}
    known |= {"dated": True, "strength": MatchStrength.CERTAIN}
    times = {"at": line.now, "reported_at": line.now, "happened_at": happened_at}
    return FraudReport.model_validate({**known, **times, "resident": line.here.resident, "loss_fen": 500_000, **fields})


def warned() -> Line:
    """A case that was settled after a conversation, and closed."""
    line = at_the_desk()
    line.outcome(Outcome.FALSE_ALARM)
    line.act(CloseAct(reason="cleared"))
    return line


def test_a_conversation_is_one_warning_with_its_script_and_level() -> None:
    line = at_the_desk()
    line.dissuaded()
    calls = [each for each in line.here.warnings if each.action is Action.OPERATOR_CALL]
    assert [(each.number, each.level) for each in calls] == [(1, Level.RED)]
    assert calls[0].message.startswith("operator_call.")


def test_a_text_message_that_was_delivered_is_a_warning_by_its_template() -> None:
    line = at_the_desk()
    messages = {each.message for each in line.here.warnings}
    assert all(name.split(".")[0] in set(Action) for name in messages)
    assert line.here.warned_at == max((each.at for each in line.here.warnings), default=None)


@pytest.mark.parametrize(("days", "counted"), [(1, (1, 1)), (30, (1, 1)), (31, (0, 1)), (90, (0, 1))])
def test_a_fraud_counts_from_the_latest_warning_before_it_also_in_a_closed_case(
    days: int, counted: tuple[int, int]
) -> None:
    line = warned()
    last = line.here.warnings[-1].at
    line.pass_to(timedelta(days=days + 1))
    line.give(recorded(line, last + days * DAY))
    totals = of_case(line.here)
    assert (totals.defrauded_after_warning_30d, totals.defrauded_after_warning_90d) == counted
    assert line.state() is CaseState.CLOSED
    assert line.facts(FactKind.NOTE)[-1] == FraudAfterWarning(days)
    assert not_recovered(line.here, {}) == 500_000


def test_a_fraud_before_the_first_warning_is_not_one_after_it() -> None:
    line = warned()
    line.give(recorded(line, NOON - DAY))
    assert of_case(line.here).defrauded_after_warning_90d == 0
    assert line.facts(FactKind.NOTE)[-1] == FraudOnRecord()


def test_an_open_case_becomes_already_defrauded_and_warnings_end() -> None:
    line = at_the_desk()
    line.pass_to(DAY)
    line.give(recorded(line, line.now - timedelta(hours=1)))
    assert line.state() is CaseState.ALREADY_DEFRAUDED
    earlier = at_the_desk()
    before = earlier.state()
    earlier.give(recorded(earlier, NOON - DAY))
    assert earlier.state() is before, "a fraud before the case was opened says nothing about this danger"


@pytest.mark.parametrize("unsure", [{"dated": False}, {"strength": MatchStrength.FAIR}])
def test_a_record_of_unknown_time_or_a_weak_match_ends_no_warnings_until_its_next_version_is_sure(
    unsure: dict[str, object],
) -> None:
    line = at_the_desk()
    line.pass_to(DAY)
    before, happened = line.state(), line.now - timedelta(hours=1)
    line.give(recorded(line, happened, **unsure))
    assert line.state() is before
    assert line.facts(FactKind.LOST), "the operator sees it"
    line.give(recorded(line, happened, version=2))
    assert line.state() is CaseState.ALREADY_DEFRAUDED


def test_a_withdrawal_restores_no_plan_and_tells_the_operator() -> None:
    line = at_the_desk()
    line.pass_to(DAY)
    line.give(recorded(line, line.now - timedelta(hours=1)))
    line.give(recorded(line, line.now, version=2, withdrawn=True))
    assert line.state() is CaseState.ALREADY_DEFRAUDED
    assert line.facts(FactKind.NOTE)[-1] == FraudRecordWithdrawn()


def test_a_fraud_before_a_later_case_is_not_booked_in_it_and_counts_after_the_earlier_warning() -> None:
    line = warned()
    line.pass_to(2 * DAY)
    happened = line.now - DAY
    line.victim(300_000)
    line.pass_to(timedelta(days=50))
    line.alert(Level.BLUE, found=danger(Level.BLUE, "a scam sms"))
    line.give(recorded(line, happened))
    assert line.here.number == 2
    assert not_recovered(line.here, {}) == 0, "the first case has booked the loss"
    assert of_case(line.here).defrauded_after_warning_30d == 0
    assert line.here.frauds[0].after_warning_days is not None


def test_a_fraud_within_90_days_that_is_recorded_later_still_counts_from_the_earlier_cases_warning() -> None:
    line = warned()
    last = line.here.warnings[-1].at
    line.pass_to(timedelta(days=110))
    line.alert(Level.BLUE, found=danger(Level.BLUE, "a scam sms"))
    line.give(recorded(line, last + 89 * DAY))
    assert line.here.frauds[0].after_warning_days == 89


def test_a_warning_over_90_days_before_or_to_a_contact_is_no_warning_before_the_fraud() -> None:
    case = warned().here
    last = case.warnings[-1].at
    assert days_after_warning(case, last + 90 * DAY) == 90
    assert days_after_warning(case, last + 91 * DAY) is None
    to_contact = case.warnings[-1].model_copy(update={"action": Action.CONTACT_SMS})
    assert days_after_warning(case.model_copy(update={"warnings": [to_contact]}), last) is None


def test_the_same_record_again_has_no_effect_and_a_later_version_replaces_it() -> None:
    line = warned()
    line.pass_to(2 * DAY)
    first = recorded(line, line.now - DAY)
    line.give(first)
    assert line.give(first.model_copy(update={"id": "again"})).facts == []
    line.give(recorded(line, line.now - DAY, version=3, loss_fen=200_000))
    assert line.give(recorded(line, line.now - DAY, version=2, loss_fen=900_000)).facts == []
    assert [(each.version, each.loss_fen) for each in line.here.frauds] == [(3, 200_000)]
    assert not_recovered(line.here, {}) == 200_000


def test_a_withdrawn_record_no_longer_counts() -> None:
    line = warned()
    line.pass_to(2 * DAY)
    line.give(recorded(line, line.now - DAY))
    line.give(recorded(line, line.now - DAY, version=2, withdrawn=True))
    assert line.here.frauds == []
    assert of_case(line.here).defrauded_after_warning_90d == 0
    assert line.facts(FactKind.NOTE)[-1] == FraudRecordWithdrawn()
    assert line.give(recorded(line, line.now - DAY, version=2, withdrawn=True, id="again")).facts == []


def test_a_later_case_knows_the_warnings_of_the_earlier_one_and_counts_no_fraud_again() -> None:
    line = warned()
    line.pass_to(2 * DAY)
    line.give(recorded(line, line.now - DAY))
    line.pass_to(timedelta(days=50))
    line.alert(Level.BLUE, found=danger(Level.BLUE, "a scam sms"))
    assert line.here.number == 2
    assert {each.number for each in line.here.warnings} == {1}
    assert of_case(line.here).defrauded_after_warning_90d == 0, "the first case counts it"
    line.give(recorded(line, line.now, record="police:A2", id="police:A2:1"))
    totals = of_case(line.here)
    assert (totals.defrauded_after_warning_30d, totals.defrauded_after_warning_90d) == (0, 1)


def test_a_record_and_a_persons_statement_of_one_loss_count_once() -> None:
    line = warned()
    line.pass_to(2 * DAY)
    line.victim(300_000)
    line.give(recorded(line, line.now - DAY))
    assert not_recovered(line.here, {}) == 500_000


def test_without_a_case_a_record_changes_nothing() -> None:
    line = warned()
    assert decide(None, recorded(line, line.now), rules(), line.now).facts == []


def test_an_erased_case_keeps_its_figures() -> None:
    line = warned()
    line.pass_to(2 * DAY)
    line.give(recorded(line, line.now - DAY))
    assert of_case(without(line.here)).defrauded_after_warning_30d == 1
