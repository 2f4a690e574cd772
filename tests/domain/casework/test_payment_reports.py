"""A victim's report: red at once, an order at once, and one order however the bank's record of the payment comes."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from domain.casework import Decision, Rules
from domain.casework.audit import examine
from domain.casework.machine import decide
from domain.casework.orders.open_orders import stands
from domain.identity.personal import WITHHELD, without
from domain.policy import load
from schemas.casework.acts import AskStopAct, CloseAct, LossAvoidedClaim, NoteAct, ReleaseStopAct
from schemas.casework.cases import CaseState, Payment, StepState, StopState
from schemas.casework.events import FactKind
from schemas.casework.inputs import BankState, Erase, PaymentReport
from schemas.casework.orders import ApproveStopAct, DeclineStopAct, OrderState
from schemas.codes.danger import OwnReport
from schemas.codes.refusals import CannotBeStopped, InstitutionKnown, InstitutionMissing
from schemas.codes.stop_orders import InstitutionChosen, PaymentReported, ReportConfirmed
from schemas.levels import Action, EvidenceClass, Level, Outcome
from schemas.people.residents import ReportSource
from schemas.people.staff import StaffRole
from schemas.risk.evidence import WatchStatus
from schemas.risk.signals import TransferState
from tests.domain.builders import NOON, RESIDENT, Line, danger, payment, policy_text, profile
from tests.domain.casework.test_audit import kept
from tests.domain.casework.test_stop_orders import AUTOMATIC
from tests.domain.payments.test_same_payment import fed, told

ORDERED = told().model_copy(update={"institution": "icbc"})


def report(line: Line, paid: Payment | None = ORDERED, note: str = "", by: str = "operator li") -> Decision:
    return line.give(
        PaymentReport(
            id=f"report:{len(line.decisions)}",
            at=line.now,
            resident=RESIDENT,
            by=by,
            role=StaffRole.OPERATOR,
            payment=paid,
            profile=profile(),
            note=note,
        )
    )


def reported(paid: Payment | None = ORDERED) -> Line:
    """A case that a report opened."""
    line = Line(approves=False)
    report(line, paid)
    return line


def asked(line: Line) -> list[Action]:
    return [out.action for out in line.sent() if out.payment is not None]


def amount(line: Line) -> int:
    """All that the resident has paid, as the case knows it."""
    return sum(each.amount_fen for each in line.here.payments)


def test_a_report_alone_opens_a_red_case_whose_order_waits_for_the_second_person() -> None:
    line = reported()
    assert (line.here.level, line.here.raised_by) == (Level.RED, None)
    [order] = line.here.orders
    assert (order.state, order.asked_by, order.persons) == (OrderState.PROPOSED, "operator li", 2)
    assert [approval.by for approval in order.approvals] == ["operator li"]
    assert line.step("stop.0").state is StepState.PROPOSED
    assert asked(line) == []
    line.act(ApproveStopAct(order="stop.0"), by="desk wang", role=StaffRole.RELEASE_DESK)
    assert asked(line) == [Action.STOP_PAYMENT]
    assert line.last(Action.STOP_PAYMENT).payment is not None


def test_who_took_it_down_and_what_was_said_is_on_the_case() -> None:
    line = Line(approves=False)
    report(line, note="a man from the bank")
    assert PaymentReported(ReportSource.HOTLINE, 1_000_000) in line.facts(FactKind.NOTE)


def test_the_feeds_record_that_comes_later_makes_no_second_payment_amount_or_order() -> None:
    line = reported()
    line.alert(Level.ORANGE, fed(), found=danger(Level.ORANGE, exposure=1_234))
    assert (len(line.here.payments), len(line.here.orders)) == (1, 1)
    assert (amount(line), line.here.danger.exposure_fen) == (1_000_000, 1_234), "what screening says, and nothing more"
    assert ReportConfirmed() in line.facts(FactKind.NOTE)
    line.act(ApproveStopAct(order="stop.0"), by="desk wang", role=StaffRole.RELEASE_DESK)
    line.alert(Level.ORANGE, fed().model_copy(update={"state": TransferState.SETTLED}))
    line.pass_to(timedelta(minutes=9))
    assert asked(line) == [Action.STOP_PAYMENT]


def test_the_feeds_record_that_came_first_gets_the_order_of_the_report() -> None:
    line = Line(approves=False)
    line.alert(Level.ORANGE, fed())
    report(line)
    assert line.here.level is Level.RED
    assert [(each.transfer, each.feed) for each in line.here.payments] == [("bank:1", "bank:1")]
    assert [(order.transfer, order.asked_by) for order in line.here.orders] == [("bank:1", "operator li")]
    assert amount(line) == 1_000_000
    line.pass_to(timedelta(minutes=5))
    assert len(line.here.orders) == 1


def test_an_alert_that_knows_nothing_of_the_payment_leaves_it_and_its_order() -> None:
    line = reported()
    line.alert(Level.YELLOW)
    assert (line.here.level, amount(line), len(line.here.orders)) == (Level.RED, 1_000_000, 1)


def test_what_screening_knows_of_the_danger_stays_known() -> None:
    line = Line(approves=False)
    known = danger(Level.ORANGE, "a scam call").model_copy(update={"campaign": "k-a1"})
    line.alert(Level.ORANGE, found=known)
    report(line)
    found = line.here.danger
    assert (found.level, found.campaign, found.scam_type) == (Level.RED, "k-a1", known.scam_type)
    assert known.reasons[0] in found.reasons
    assert any(isinstance(reason, OwnReport) for reason in found.reasons)


def test_a_second_report_of_the_payment_drafts_no_second_order() -> None:
    line = reported()
    report(line, told("reported:2", at=5, call="c2"), by="officer bo")
    assert (len(line.here.payments), len(line.here.orders)) == (1, 1)


def declined(line: Line) -> None:
    line.alert(Level.RED, payment(watched=WatchStatus.REPORTED))
    line.pass_to(timedelta(minutes=2))
    line.act(DeclineStopAct(order="stop.0", reason="only one report"), role=StaffRole.RELEASE_DESK)


def withdrawn(line: Line) -> None:
    line.alert(Level.RED, payment())
    line.pass_to(timedelta(minutes=2))
    line.dissuaded()


def refused_by_the_bank(line: Line) -> None:
    line.alert(Level.RED, payment())
    line.pass_to(timedelta(minutes=2))
    line.act(ApproveStopAct(order="stop.0"), role=StaffRole.RELEASE_DESK)
    line.bank(BankState.REFUSED)


def lapsed(line: Line) -> None:
    line.rules = Rules(load(policy_text().replace('{ account = "reported"', AUTOMATIC, 1)))
    line.alert(Level.RED, payment(watched=WatchStatus.CONFIRMED))
    line.pass_to(timedelta(minutes=30))
    line.bank(BankState.RELEASED)


@pytest.mark.parametrize("ended", [declined, withdrawn, refused_by_the_bank, lapsed])
def test_a_report_of_a_payment_whose_order_has_ended_drafts_another_at_once(ended: Callable[[Line], None]) -> None:
    line = Line(approves=False)
    ended(line)
    before = len(line.here.orders)
    report(line)
    assert len(line.here.orders) == before + 1
    latest = line.here.orders[-1]
    assert (stands(line.here, latest, line.here.steps), latest.asked_by) == (True, "operator li")


def test_a_report_of_a_payment_that_is_stopped_drafts_no_further_order() -> None:
    line = reported()
    line.act(ApproveStopAct(order="stop.0"), by="desk wang", role=StaffRole.RELEASE_DESK)
    report(line, told("reported:2", at=5, call="c2"))
    line.bank(BankState.IN_FORCE, "reported:1")
    report(line, told("reported:3", at=5, call="c3"))
    assert len(line.here.orders) == 1


def test_two_equal_payments_of_one_call_have_an_order_each() -> None:
    line = reported()
    report(line, told("reported:2", at=20).model_copy(update={"institution": "icbc"}))
    assert [order.transfer for order in line.here.orders] == ["reported:1", "reported:2"]


def test_without_an_institution_nothing_goes_out_until_a_person_chooses_one() -> None:
    line = reported(told())
    assert line.here.orders[0].approvals == ()
    refused = line.act(ApproveStopAct(order="stop.0"), by="desk wang", role=StaffRole.RELEASE_DESK)
    assert [fact.what for fact in refused.facts] == [InstitutionMissing()]
    chosen = ApproveStopAct(order="stop.0", institution="icbc")
    line.act(chosen, by="desk wang", role=StaffRole.RELEASE_DESK)
    assert InstitutionChosen("icbc") in line.facts(FactKind.STOP)
    line.act(ApproveStopAct(order="stop.0"), by="desk li", role=StaffRole.RELEASE_DESK)
    paid = line.last(Action.STOP_PAYMENT).payment
    assert paid is not None
    assert paid.institution == "icbc"


def test_an_institution_that_is_known_is_not_changed_by_a_later_approval() -> None:
    line = reported()
    refused = line.act(ApproveStopAct(order="stop.0", institution="ccb"), by="desk wang", role=StaffRole.RELEASE_DESK)
    assert [fact.what for fact in refused.facts] == [InstitutionKnown()]
    assert len(line.here.orders[0].approvals) == 1
    line.act(ApproveStopAct(order="stop.0", institution="icbc"), by="desk wang", role=StaffRole.RELEASE_DESK)
    paid = line.last(Action.STOP_PAYMENT).payment
    assert paid is not None
    assert paid.institution == "icbc"


def test_an_approval_does_not_route_a_payment_of_a_feed() -> None:
    line = Line(approves=False)
    line.alert(Level.RED, payment())
    line.pass_to(timedelta(minutes=2))
    chosen = ApproveStopAct(order="stop.0", institution="ccb")
    refused = line.act(chosen, by="desk wang", role=StaffRole.RELEASE_DESK)
    assert [fact.what for fact in refused.facts] == [InstitutionKnown()]
    assert line.here.payments[0].institution is None


def test_each_report_that_a_feed_confirms_is_recorded_with_its_own_amount() -> None:
    line = reported(told(amount=111))
    report(line, told("reported:2", amount=222))
    for name, fen in (("bank:2", 222), ("bank:1", 111)):
        decision = line.alert(Level.RED, fed(name, amount=fen))
        assert [fact.amount_fen for fact in decision.facts if fact.what == ReportConfirmed()] == [fen]


def erased(line: Line) -> None:
    line.alert(Level.RED, payment())
    line.outcome(Outcome.FALSE_ALARM)
    line.act(CloseAct(reason="over and done"))
    line.pass_to(timedelta(hours=2))
    line.give(Erase(id="erase", at=line.now, resident=RESIDENT, by="x"))
    assert line.here.payments[0].payee == WITHHELD
    line.now += timedelta(minutes=1)


def test_a_payment_that_was_erased_and_comes_again_has_its_payee_again() -> None:
    line = Line(approves=False)
    erased(line)
    line.alert(Level.RED, payment())
    line.pass_to(timedelta(minutes=3))
    assert (line.here.payments[0].payee, line.here.orders[-1].payee) == ("a1", "a1")


def test_no_order_is_drafted_for_a_payee_who_was_erased() -> None:
    line = Line(approves=False)
    erased(line)
    report(line)
    line.pass_to(timedelta(minutes=30))
    assert [order.payee for order in line.here.orders] == ["a1"]


def test_a_report_without_an_account_is_red_and_has_no_order_yet() -> None:
    line = reported(None)
    assert (line.here.level, line.here.payments, line.here.orders) == (Level.RED, [], [])
    report(line)
    assert [order.transfer for order in line.here.orders] == ["reported:1"]


def test_a_payment_of_long_ago_is_reported_without_an_order() -> None:
    long_ago = ORDERED.model_copy(update={"at": NOON - timedelta(days=3)})
    line = reported(long_ago)
    assert (line.here.level, line.here.orders) == (Level.RED, [])
    assert CannotBeStopped() in line.facts(FactKind.NOTE)


def test_a_report_reopens_a_case_that_was_settled() -> None:
    line = Line(approves=False)
    line.alert(Level.YELLOW)
    line.outcome(Outcome.FALSE_ALARM)
    line.now += timedelta(minutes=5)
    report(line)
    assert (line.here.settled, line.here.level) == (False, Level.RED)
    assert len(line.here.orders) == 1


def test_the_bank_answers_about_the_payment_by_the_name_under_which_it_was_asked() -> None:
    line = reported()
    line.act(ApproveStopAct(order="stop.0"), by="desk wang", role=StaffRole.RELEASE_DESK)
    line.alert(Level.ORANGE, fed())
    line.bank(BankState.RETURNED, "reported:1", 1_000_000)
    assert line.here.kept["reported:1"].evidence is EvidenceClass.A


def test_a_payment_booked_under_the_reports_name_is_not_booked_again_under_the_feeds() -> None:
    line = reported()
    line.alert(Level.ORANGE, fed())
    line.act(ApproveStopAct(order="stop.0"), by="desk wang", role=StaffRole.RELEASE_DESK)
    line.bank(BankState.RETURNED, "reported:1", 1_000_000)
    ended = {"state": CaseState.CLOSED, "closed_at": NOON, "settled_at": NOON, "steps": []}
    closed = line.here.model_copy(update=ended)
    later = Line(approves=False, at=NOON + timedelta(days=200))
    later.case = closed
    later.alert(Level.RED, payment("bank:1", watched=WatchStatus.CONFIRMED))
    assert later.here.number == 2
    later.bank(BankState.RETURNED, "bank:1", 1_000_000)
    assert later.here.kept == {}


def test_a_loss_is_one_whichever_of_the_payments_names_it_is_told_by() -> None:
    line = reported()
    line.alert(Level.RED, fed())
    line.victim(1_000_000, "reported:1")
    line.victim(1_000_000, "bank:1")
    assert [(loss.id, loss.amount_fen) for loss in line.here.losses] == [("reported:1", 1_000_000)]


def test_acts_and_answers_by_the_feeds_name_are_about_the_reported_payment() -> None:
    line = reported()
    line.alert(Level.RED, fed())
    again = line.act(AskStopAct(transfer="bank:1"), by="desk wang", role=StaffRole.RELEASE_DESK)
    assert not [fact for fact in again.facts if fact.kind is FactKind.REFUSED]
    assert asked(line) == [Action.STOP_PAYMENT]
    line.bank(BankState.IN_FORCE, "bank:1")
    assert line.here.payments[0].stop is not None
    assert line.here.payments[0].stop.state is StopState.IN_FORCE
    kept_c = LossAvoidedClaim(transfer="bank:1", evidence=EvidenceClass.C, amount_fen=400)
    line.act(NoteAct(what="conversation"))
    line.outcome(Outcome.DISSUADED, kept=[kept_c])
    assert line.here.kept["reported:1"].amount_fen == 400
    lifted = ReleaseStopAct(transfer="bank:1", reason="hardship of the man", asked_by="bo")
    line.act(lifted, by="li")
    paid = line.last(Action.STOP_RELEASE).payment
    assert paid is not None
    assert paid.transfer == "reported:1"


def test_what_an_earlier_case_booked_under_the_feeds_name_is_not_booked_under_the_reports() -> None:
    line = reported(told("reported:9"))
    line.alert(Level.RED, fed())
    line.case = line.here.model_copy(update={"booked_before": ["bank:1"]})
    line.victim(1_000_000, "reported:9")
    line.bank(BankState.FROZEN, "reported:9", 1_000_000)
    line.bank(BankState.RETURNED, "reported:9", 1_000_000)
    assert (line.here.losses, line.here.kept, line.here.frozen) == ([], {}, {})


def test_what_was_told_of_the_scammer_and_the_accounts_is_erased_with_the_person() -> None:
    said = ORDERED.reported
    assert said is not None
    told_of = {"holder": "某某", "from_account": "9900000001", "wechat": "wx-1", "scam_link": "https://scam.invalid"}
    line = reported(ORDERED.model_copy(update={"reported": said.model_copy(update=told_of)}))
    left = without(line.here)
    assert not [value for value in told_of.values() if value in left.model_dump_json()]
    assert [each.amount_fen for each in left.payments] == [1_000_000]


def test_the_case_of_a_report_breaks_no_invariant() -> None:
    line = reported()
    assert examine(line.here, kept(line.here), line.rules.policy.plan, NOON, timedelta(minutes=1)) == []


@pytest.mark.parametrize("role", [None, StaffRole.OFFICER])
def test_who_may_not_approve_only_proposes(role: StaffRole | None) -> None:
    line = Line(approves=False)
    given = PaymentReport(
        id="r", at=NOON, resident=RESIDENT, by="officer bo", role=role, payment=ORDERED, profile=profile()
    )
    line.give(given)
    assert line.here.orders[0].approvals == ()


def test_the_same_report_gives_the_same_decision() -> None:
    given = PaymentReport(id="r", at=NOON, resident=RESIDENT, by="li", payment=ORDERED, profile=profile())
    line = Line()
    assert decide(None, given, line.rules, NOON) == decide(None, given, line.rules, NOON)
