"""What new alerts and a victim's own report do to a case."""

from datetime import timedelta

import pytest

from schemas.casework.acts import CloseAct
from schemas.casework.cases import CaseState, StepState
from schemas.casework.events import FactKind
from schemas.codes.danger import CombinedEvidence, DangerAgain, DangerSeen, OldEvidence
from schemas.levels import Action, Level, Outcome
from tests.domain.builders import NOON, Line, at_the_desk, danger, payment, profile

HOUR = timedelta(hours=1)


def test_a_higher_level_overtakes_what_waits_of_the_lower_and_starts_its_own() -> None:
    line = Line()
    line.alert(Level.YELLOW)
    sent = line.alert(Level.RED).dispatches
    assert [out.action for out in sent] == [Action.FLASH_SMS]
    states = line.states()
    assert {states[name] for name in states if name.startswith("yellow.")} == {StepState.SKIPPED}
    assert line.facts(FactKind.LEVEL_RAISED)


def test_a_lower_alert_is_evidence_and_lowers_nothing() -> None:
    line = at_the_desk()
    line.alert(Level.BLUE, found=danger(Level.BLUE, "a scam sms"))
    assert line.here.level is Level.RED
    assert line.facts(FactKind.EVIDENCE) == [DangerSeen((CombinedEvidence("a scam sms"),))]


def test_an_alert_that_tells_nothing_new_means_nothing() -> None:
    line = at_the_desk()
    before = line.here
    assert line.alert(Level.RED, payment(), of=profile(contacts=1)).facts == []
    assert line.here is before


def test_a_settled_case_is_reopened_by_a_new_alert_and_its_plan_starts_again() -> None:
    line = at_the_desk()
    line.outcome(Outcome.FALSE_ALARM)
    line.pass_to(HOUR)
    sent = line.alert(Level.RED, found=danger(Level.RED, "another call")).dispatches
    assert [out.action for out in sent] == [Action.FLASH_SMS]
    assert line.facts(FactKind.REOPENED) == [DangerAgain((CombinedEvidence("another call"),))]
    assert len({out.id for out in line.sent()}) == len(line.sent())


def test_a_signal_of_before_the_case_was_settled_does_not_reopen_it() -> None:
    line = at_the_desk()
    line.dissuaded()
    line.alert(Level.RED, found=danger(Level.RED, "an older call"), signal_at=NOON)
    assert line.here.settled
    assert line.facts(FactKind.EVIDENCE) == [OldEvidence((CombinedEvidence("an older call"),))]


def test_a_closed_case_is_reopened_within_thirty_days_and_followed_by_another_later() -> None:
    line = at_the_desk()
    line.outcome(Outcome.FALSE_ALARM)
    line.act(CloseAct(reason="cleared"))
    line.pass_to(timedelta(days=29))
    line.alert(Level.BLUE, found=danger(Level.BLUE, "a scam sms"))
    assert (line.here.number, line.here.level, line.here.open) == (1, Level.BLUE, True)
    line.act(CloseAct(reason="nothing in it"))
    line.pass_to(timedelta(days=31))
    line.alert(Level.BLUE, found=danger(Level.BLUE, "one more"))
    assert (line.here.id, line.here.version) == (f"{line.here.resident}-2", 1)


def test_a_victims_report_without_a_case_has_nothing_to_be_booked_on() -> None:
    decision = Line().victim(5000)
    assert (decision.case, decision.facts) == (None, [])


def test_a_victims_report_stops_the_warnings_and_counts_against_the_warning() -> None:
    line = at_the_desk()
    line.pass_to(HOUR)
    line.victim(5000, "bank:1")
    assert line.state() is CaseState.ALREADY_DEFRAUDED
    loss = line.here.losses[0]
    assert loss.after_warning_days == pytest.approx((line.now - NOON) / timedelta(days=1))
