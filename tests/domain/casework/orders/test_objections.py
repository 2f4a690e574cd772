"""Objections to stop orders: one clock, one review by somebody who had no part in it, and the stop is lifted once."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from domain.casework import Rules
from domain.casework.orders.objections import UNDECIDED
from domain.desk.attention import Concern, objections_late
from domain.identity.personal import WITHHELD, without
from domain.payments.bank_book import BankBook, SourceRecord
from domain.policy import PolicyError, load
from domain.statistics.counts import of_event
from domain.wording.codes import in_language
from schemas.casework.acts import AskStopAct, CloseAct, ReleaseStopAct
from schemas.casework.cases import CaseState, StepState, StopState
from schemas.casework.events import FactKind
from schemas.casework.inputs import BankState, Erase
from schemas.casework.objections import (
    MOST_OBJECTIONS,
    DecideObjectionAct,
    ObjectionGround,
    ObjectionState,
    WrongfulCause,
)
from schemas.casework.orders import ApproveStopAct, DeclineStopAct, OrderState
from schemas.codes.any_code import StopNotExtended
from schemas.codes.money import NoLongerAvoided
from schemas.codes.objections import ObjectionMade, ObjectionOverdue, ObjectionRejected, ObjectionUpheld, ReportFalse
from schemas.codes.refusals import (
    EarlierCase,
    LiftAskedAlready,
    MostObjections,
    NoObjection,
    NothingToObjectTo,
    ObjectionWaits,
    ObjectionWaitsForReview,
    RoleMayNotReview,
    TookPart,
    UpheldAlready,
)
from schemas.codes.stop_orders import StopLapsed
from schemas.levels import Action, Level
from schemas.people.staff import StaffRole
from schemas.risk.evidence import WatchStatus
from tests.domain.builders import RESIDENT, Line, event, payment, policy_text
from tests.domain.casework.orders.objecting import (
    DESK,
    HOUR,
    REVIEWER,
    decide,
    lifts,
    object_to,
    objected,
    objection,
    reject,
    uphold,
)
from tests.domain.casework.orders.onward import B1, FIRST_HOP, paid, told
from tests.domain.casework.orders.test_orders_of_an_account import stop, stopped
from tests.domain.casework.test_movements import answer, moved
from tests.domain.casework.test_payment_reports import report
from tests.domain.casework.test_stop_orders import asked, automatic, proposed


def test_an_objection_is_recorded_with_who_which_order_when_and_a_clock_of_four_hours() -> None:
    line = stopped()
    assert object_to(line) == [ObjectionMade("bank", ObjectionGround.LAWFUL_PAYMENT)]
    made = objection(line)
    assert (made.order, made.transfer, made.who, made.bank, made.receipt) == (
        "stop.0",
        "bank:1",
        "holder",
        "bank",
        "Y-17",
    )
    assert (made.at, made.due - made.at, made.state) == (line.now, 4 * HOUR, ObjectionState.WAITING)
    assert stop(line).state is StopState.IN_FORCE, "an objection alone lifts nothing"


def test_the_clock_of_a_review_is_the_policys() -> None:
    line = stopped()
    line.rules = Rules(load(policy_text().replace('within = "4h"', 'within = "90m"')))
    object_to(line)
    assert objection(line).due - line.now == timedelta(minutes=90)
    for wrong in ('within = "25h"', 'within = "0s"', 'within = "4h"\nroles = []\n#'):
        with pytest.raises(PolicyError):
            load(policy_text().replace('within = "4h"', wrong))


@pytest.mark.parametrize("line", [proposed(), stopped()])
def test_nobody_objects_to_an_order_that_no_bank_has(line: Line) -> None:
    order = "stop.0" if not line.approves else "stop.7"
    before = line.here.objections
    assert object_to(line, order=order) == [NothingToObjectTo()]
    assert line.here.objections == before


def test_a_declined_order_cannot_be_objected_to_and_a_lapsed_one_can() -> None:
    line = proposed()
    line.act(DeclineStopAct(order="stop.0", reason="核实为误报"), role=DESK)
    assert object_to(line) == [NothingToObjectTo()]
    lapsed = automatic()
    lapsed.pass_to(timedelta(minutes=20))
    assert StopLapsed() in lapsed.facts(FactKind.STOP)
    object_to(lapsed)
    decide(lapsed, uphold())
    assert objection(lapsed).cause is WrongfulCause.LAWFUL_PAYMENT
    assert lifts(lapsed) == 1, "the lapse has lifted it already"


def test_the_same_objection_twice_is_one_and_another_joins_the_one_that_waits() -> None:
    line = objected()
    assert object_to(line) == []
    assert object_to(line, "o2") == [ObjectionWaits()]
    assert len(line.here.objections) == 1


def test_who_asked_for_the_order_that_the_plan_had_proposed_does_not_review_its_objection() -> None:
    line = proposed()
    line.act(AskStopAct(transfer="bank:1"), "officer wu")
    line.act(ApproveStopAct(order="stop.0"), "anna", role=StaffRole.OPERATOR)
    line.bank(BankState.IN_FORCE)
    object_to(line)
    assert decide(line, uphold(), "officer wu") == [TookPart()]
    assert decide(line, uphold()) != [TookPart()]


def test_who_proposed_or_approved_the_stop_or_took_the_objection_down_does_not_review_it() -> None:
    line = stopped()
    line.act(AskStopAct(transfer="bank:1"), "supervisor he", role=StaffRole.OPERATOR)
    object_to(line, by="release desk 8")
    took_part = {each.by for order in line.here.orders for each in order.approvals}
    assert took_part
    for by in (*took_part, "supervisor he", "release desk 8"):
        assert decide(line, uphold(), by) == [TookPart()]
    assert objection(line).waits
    assert lifts(line) == 0
    decide(line, uphold())
    assert (objection(line).state, objection(line).decided_by) == (ObjectionState.UPHELD, REVIEWER)


@pytest.mark.parametrize("role", [None, StaffRole.OPERATOR, StaffRole.OFFICER, StaffRole.SERVICE, StaffRole.AUDITOR])
def test_only_the_policys_roles_review(role: StaffRole | None) -> None:
    line = objected()
    assert decide(line, uphold(), role=role) == [RoleMayNotReview()]
    assert objection(line).waits


def test_an_upheld_objection_lifts_the_stop_and_records_its_cause_and_compensation() -> None:
    line = objected()
    line.pass_to(HOUR)
    facts = decide(line, uphold())
    why = ObjectionUpheld(REVIEWER, WrongfulCause.LAWFUL_PAYMENT, 20_000, "工资流水已核对")
    assert facts[0] == why
    made = objection(line)
    assert (made.cause, made.compensation_fen, made.decided_at, made.source) == (why.cause, 20_000, line.now, None)
    assert line.here.orders[0].state is OrderState.OVERTURNED
    assert lifts(line) == 1
    line.bank(BankState.RELEASED)
    assert stop(line).state is StopState.RELEASED
    assert not any(step.id.startswith(UNDECIDED) for step in line.here.steps), "its clock has ended"


def test_what_a_bank_froze_by_a_wrongful_stop_is_no_loss_avoided() -> None:
    line = stopped()
    line.bank(BankState.FROZEN, amount=600_000)
    assert (line.here.kept["bank:1"].amount_fen, line.here.frozen) == (600_000, {"bank:1": 600_000})
    object_to(line)
    decide(line, reject())
    assert line.here.frozen, "a rejected objection changes no figure"
    object_to(line, "o2")
    facts = decide(line, uphold("o2"))
    assert NoLongerAvoided(600_000) in facts
    line.bank(BankState.RETURNED, amount=600_000)
    assert ("bank:1" in line.here.kept, line.here.frozen) == (False, {})


def test_a_rejected_objection_leaves_the_stop_and_a_new_one_may_follow() -> None:
    line = objected()
    assert decide(line, reject())[0] == ObjectionRejected(REVIEWER, "资金来源不明")
    assert (stop(line).state, lifts(line)) == (StopState.IN_FORCE, 0)
    assert (line.here.orders[0].state, objection(line).compensation_fen) == (OrderState.APPROVED, 0)
    object_to(line, "o2")
    assert objection(line).waits


def test_an_objection_is_decided_once() -> None:
    line = objected()
    decide(line, uphold())
    for act in (uphold(), reject()):
        assert decide(line, act, "release desk 10") == [NoObjection()]
    assert (lifts(line), objection(line).decided_by) == (1, REVIEWER)
    assert decide(line, uphold("o9")) == [NoObjection()]
    assert object_to(line, "o2") == [UpheldAlready()]


def test_every_stop_of_the_account_is_lifted_and_no_other() -> None:
    line = Line()
    others = payment("bank:2"), payment("bank:3", payee="a2")
    line.alert(Level.RED, payment(watched=WatchStatus.CONFIRMED), *others)
    line.pass_to(timedelta(minutes=2))
    for transfer in ("bank:1", "bank:2", "bank:3"):
        line.bank(BankState.IN_FORCE, transfer)
    object_to(line)
    decide(line, uphold())
    lifted = [out.payment.transfer for out in line.sent() if out.action is Action.STOP_RELEASE and out.payment]
    assert lifted == ["bank:1", "bank:2"]
    assert {each.transfer: each.state for each in line.here.orders}["bank:3"] is OrderState.APPROVED


def test_a_stop_that_is_on_its_way_is_called_back_and_one_that_waits_is_not_sent() -> None:
    line = Line()
    line.alert(Level.RED, payment(watched=WatchStatus.CONFIRMED))
    line.pass_to(timedelta(minutes=2))  # sent, and not answered
    object_to(line)
    decide(line, uphold())
    assert (line.step("stop.0").state, lifts(line)) == (StepState.WITHDRAWN, 1)
    waiting = stopped()
    waiting.approves = False
    waiting.act(AskStopAct(transfer="bank:1"), role=StaffRole.OFFICER)
    object_to(waiting)
    decide(waiting, uphold())
    assert [each.state for each in waiting.here.orders] == [OrderState.OVERTURNED, OrderState.WITHDRAWN]
    assert asked(waiting).count(Action.STOP_AGAIN) == 0


def test_no_rule_stops_the_account_again_and_a_person_may() -> None:
    line = automatic()
    line.act(ApproveStopAct(order="stop.0"), role=DESK)
    line.bank(BankState.IN_FORCE)
    object_to(line)
    decide(line, uphold())
    line.pass_to(44 * HOUR)  # the bank does not answer: the stop runs on
    told = line.facts(FactKind.STOP_REMINDER)[-1]
    assert isinstance(told, StopNotExtended)
    assert told.why == UpheldAlready()
    line.bank(BankState.RELEASED)
    line.alert(Level.RED, payment("bank:2", watched=WatchStatus.CONFIRMED, at=line.now))
    line.pass_to(HOUR)
    assert asked(line).count(Action.STOP_PAYMENT) == 1
    line.act(AskStopAct(transfer="bank:2"), role=StaffRole.OFFICER)
    assert line.here.orders[-1].state is OrderState.PROPOSED, "it waits for persons, whatever the policy says"


def test_a_release_that_two_persons_approved_and_an_upheld_objection_reach_the_bank_once() -> None:
    line = objected()
    line.act(
        ReleaseStopAct(transfer="bank:1", reason="生活困难", asked_by="release desk 3"), "release desk 4", role=DESK
    )
    decide(line, uphold())
    assert lifts(line) == 1
    other = objected()
    decide(other, uphold())
    act = ReleaseStopAct(transfer="bank:1", reason="生活困难", asked_by="release desk 3")
    assert decide(other, act, "release desk 4") == [LiftAskedAlready()]
    assert lifts(other) == 1


def test_a_false_report_counts_against_its_source_and_a_mistaken_one_does_not() -> None:
    line = Line()
    report(line)
    line.pass_to(timedelta(minutes=1))
    object_to(line)
    facts = decide(line, uphold(cause=WrongfulCause.FALSE_REPORT))
    assert ReportFalse("96110") in facts
    assert objection(line).source == "96110"
    fed = objected()
    decide(fed, uphold(cause=WrongfulCause.FALSE_REPORT))
    assert objection(fed).source == "bank"
    mistaken = objected()
    assert ReportFalse("bank") not in decide(mistaken, uphold(cause=WrongfulCause.MISTAKEN_REPORT))
    book = BankBook()
    for number, each in enumerate((line, fed, mistaken), 1):
        case = each.here.model_copy(update={"id": f"{RESIDENT}-{number}", "number": number})
        book.add(event(case))
    sees = book.false_reports(lambda division: True)
    assert sees == [SourceRecord("96110", 1, 1), SourceRecord("bank", 2, 1)]
    assert book.false_reports(lambda division: False) == []


def test_an_account_that_the_money_reached_is_not_stopped_again_and_its_false_report_is_the_senders() -> None:
    line = paid()
    line.give(answer(line, FIRST_HOP))
    line.approve()
    line.give(told(line, B1, BankState.IN_FORCE, fen=600_000, step="stop.t0"))
    object_to(line, order="stop.t0")
    decide(line, uphold(cause=WrongfulCause.FALSE_REPORT))
    assert (objection(line).transfer, objection(line).source) == (B1, "a")
    assert [out.payment.transfer for out in line.sent() if out.action is Action.STOP_RELEASE and out.payment] == [B1]
    line.give(told(line, B1, BankState.RELEASED))
    line.give(answer(line, moved("a1", "b1", 400_000, 9), name="more"))
    assert [order.state for order in line.here.orders if order.payee == "b1"] == [OrderState.OVERTURNED]


def test_after_four_hours_the_case_says_once_that_nobody_decided_and_the_objection_goes_on_waiting() -> None:
    line, book = objected(), BankBook()
    book.add(event(line.here))
    waiting = book.unreviewed(lambda division: True)
    assert objections_late(waiting, line.now + timedelta(hours=3, minutes=59)) == []
    (matter,) = objections_late(waiting, line.now + 4 * HOUR)
    assert (matter.topic, matter.at, matter.about) == (Concern.OBJECTION, objection(line).due, waiting[0])
    line.pass_to(4 * HOUR)
    assert line.facts(FactKind.STOP_REMINDER) == [ObjectionOverdue()]
    line.pass_to(4 * HOUR)
    assert line.facts(FactKind.STOP_REMINDER) == [ObjectionOverdue()]
    decide(line, uphold())
    assert lifts(line) == 1


def test_the_clock_runs_on_in_a_closed_case_which_is_erased_and_followed_only_after_the_review() -> None:
    line = objected()
    line.act(CloseAct(reason="办结归档"), role=StaffRole.SUPERVISOR)
    line.pass_to(10 * HOUR)
    erase = Erase(id="erase:1", at=line.now, resident=RESIDENT, by="keeper")
    assert [fact.what for fact in line.give(erase).facts] == [ObjectionWaitsForReview()]
    line.pass_to(line.now + timedelta(days=60))
    assert ObjectionOverdue() in line.facts(FactKind.STOP_REMINDER)
    line.alert(Level.RED, payment("bank:2", payee="a2", at=line.now))
    assert (line.here.number, line.state()) == (1, CaseState.CONTACTING), "reopened, so that the objection is not lost"
    facts = decide(line, uphold())
    assert isinstance(facts[0], ObjectionUpheld)
    assert lifts(line) == 0, "the stop has ended by itself; that it was wrong is recorded"


def test_a_decision_for_an_earlier_case_is_refused() -> None:
    line = objected()
    given = line.report(uphold(), REVIEWER, role=DESK).model_copy(update={"case": f"{RESIDENT}-9"})
    assert [fact.what for fact in line.give(given).facts] == [EarlierCase(f"{RESIDENT}-9")]


def test_a_case_takes_so_many_objections_and_no_more() -> None:
    line = stopped()
    for number in range(MOST_OBJECTIONS):
        object_to(line, f"n{number}")
        decide(line, reject(f"n{number}"))
    assert object_to(line, "one more") == [MostObjections(MOST_OBJECTIONS)]
    assert len(line.here.objections) == MOST_OBJECTIONS


def test_compensation_and_a_cause_are_for_an_upheld_objection_only() -> None:
    for wrong in (
        {"upheld": True, "reason": "没有原因"},
        {"upheld": False, "reason": "不成立", "cause": WrongfulCause.OTHER},
        {"upheld": False, "reason": "不成立", "compensation_fen": 1},
        {"upheld": True, "reason": "x", "cause": WrongfulCause.OTHER},
        {"upheld": True, "reason": "负数", "cause": WrongfulCause.OTHER, "compensation_fen": -1},
    ):
        with pytest.raises(ValidationError):
            DecideObjectionAct.model_validate({"objection": "o1", **wrong})


def test_what_the_holder_said_is_erased_with_the_case_and_the_figures_stay() -> None:
    line = objected()
    decide(line, uphold())
    left = without(line.here).objections[0]
    assert (left.text, left.reason, left.receipt) == (WITHHELD,) * 3
    assert (left.cause, left.compensation_fen) == (WrongfulCause.LAWFUL_PAYMENT, 20_000)


def test_objections_are_counted_by_outcome_and_cause() -> None:
    line = objected()
    made = line.decisions[-1]
    decide(line, uphold(cause=WrongfulCause.FALSE_REPORT))
    ended = line.decisions[-1]
    told = [of_event(event(line.here).model_copy(update={"facts": each.facts})) for each in (made, ended)]
    assert told[0] == {"objection|made|": 1}
    assert (told[1]["objection|upheld|false_report"], told[1]["false_report|bank"]) == (1, 1)


def test_the_sentences_have_the_ground_the_cause_and_the_sum() -> None:
    say = in_language("en").sentence
    assert "a lawful payment" in say(ObjectionMade("bank", ObjectionGround.LAWFUL_PAYMENT))
    upheld = say(ObjectionUpheld("li", WrongfulCause.FALSE_REPORT, 20_000, "checked"))
    assert "false report" in upheld
    assert "¥200" in upheld
    assert "checked" in upheld
