"""Standing approvals: one signature may cover later hops that banks' answers confirm, within limits, and no more."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.casework import Decision, Rules
from domain.casework.orders.later_limits import hops_from, remaining, standing_approval
from domain.casework.orders.objections import objection_of
from domain.casework.trail.movements import traced
from domain.policy.approval import ApprovalRule, ApprovalRules
from schemas.casework.acts import OutcomeAct, ReleaseStopAct
from schemas.casework.cases import Case
from schemas.casework.events import FactKind
from schemas.casework.inputs import BankState, ObjectStop
from schemas.casework.movements import OnwardMovement
from schemas.casework.objections import DecideObjectionAct, ObjectionGround, Objector, WrongfulCause
from schemas.casework.orders import (
    ApproveStopAct,
    DeclineStopAct,
    HandOverStopAct,
    LaterLimits,
    OrderState,
    StopOrder,
)
from schemas.codes.any_code import AnyCode
from schemas.codes.danger import DangerCode, PaymentMade
from schemas.codes.money import TracedUnderApproval
from schemas.codes.refusals import (
    AccountOnlyReported,
    ApprovedBefore,
    LaterStopsDecided,
    LaterStopsNotOffered,
    LaterStopsTooWide,
    NoOrder,
    RoleMayNotApprove,
)
from schemas.codes.stop_orders import LaterStopsApproved, LaterStopsEnded, StopApprovedUnder
from schemas.levels import Action, Level, Outcome, OutcomeGround
from schemas.people.staff import StaffRole
from schemas.risk.evidence import EvidenceKind, WatchStatus
from schemas.risk.signals import TransferState
from tests.domain.builders import NOON, RESIDENT, danger, payment, policy
from tests.domain.casework.journal import Journal
from tests.domain.casework.orders.onward import B1, FIRST_HOP, of_account, onward, told
from tests.domain.casework.test_movements import MINUTE, answer, moved

DESK = StaffRole.RELEASE_DESK
LIMITS = LaterLimits(hops=2, accounts=3, amount_fen=2_000_000, hours=6)
WIDE = LaterLimits(hops=9, accounts=20, amount_fen=100_000_000, hours=24)


def signed(limits: LaterLimits = LIMITS, *, watched: WatchStatus | None = WatchStatus.CONFIRMED) -> Journal:
    """A red case whose payment of ¥10,000 has reached a1; Anna has approved its stop, and later stops within limits."""
    line = Journal()
    line.approves = False
    line.alert(Level.RED, payment(amount=1_000_000, state=TransferState.SETTLED, watched=watched))
    line.pass_to(timedelta(minutes=2))
    sign(line, limits)
    return line


def sign(
    line: Journal, limits: LaterLimits | None, by: str = "anna", step: str = "stop.0", role: StaffRole | None = DESK
) -> Decision:
    return line.give(line.report(ApproveStopAct(order=step, later=limits), by, role=role))


def asked_for(line: Journal) -> list[str]:
    """The payees about whom banks were asked, in order."""
    return [out.payment.payee for out in line.sent() if out.payment and out.action is Action.STOP_PAYMENT]


def states(line: Journal) -> dict[str, OrderState]:
    return {order.payee: order.state for order in onward(line.here)}


def refusals(decision: Decision) -> list[AnyCode]:
    return [fact.what for fact in decision.facts if fact.kind is FactKind.REFUSED]


def first(case: Case) -> StopOrder:
    return case.orders[0]


def test_an_account_that_a_banks_answer_confirms_is_stopped_under_the_approving_order() -> None:
    line = signed()
    decision = line.give(answer(line, FIRST_HOP))
    (order,) = onward(line.here)
    approving = first(line.here)
    assert asked_for(line) == ["a1", "b1"]
    assert (order.state, order.under, order.amount_fen) == (OrderState.APPROVED, approving.number, 600_000)
    assert order.number != approving.number
    assert order.ground == TracedUnderApproval("a", 2, approving.number)
    assert [each.by for each in order.approvals] == ["anna"]
    assert StopApprovedUnder(approving.number, "anna") in [fact.what for fact in decision.facts]
    assert remaining(line.here, approving) == (2, 1_400_000)


def test_what_was_signed_is_in_the_journal() -> None:
    line = signed()
    later = first(line.events[-1].case).later
    assert later is not None
    assert (later.limits, later.persons, later.until) == (LIMITS, 1, line.now + timedelta(hours=6))
    assert LaterStopsApproved("anna", 2, 3, 2_000_000, 6) in line.facts(FactKind.STOP)


def test_an_order_without_the_option_covers_nothing() -> None:
    line = signed()
    other = Journal()
    other.approves = False
    other.alert(Level.RED, payment(amount=1_000_000, state=TransferState.SETTLED))
    other.pass_to(timedelta(minutes=2))
    sign(other, None)
    for each in (line, other):
        each.give(answer(each, FIRST_HOP))
    assert (states(line), states(other)) == ({"b1": OrderState.APPROVED}, {"b1": OrderState.PROPOSED})


def test_hops_beyond_the_limit_wait_for_a_person() -> None:
    line = signed()
    line.give(answer(line, FIRST_HOP))
    line.give(told(line, B1, BankState.IN_FORCE, moved("b1", "c1", 500_000, 5), step="stop.t0"))
    line.give(answer(line, moved("c1", "d1", 400_000, 7), name="3"))
    assert states(line) == {"b1": OrderState.APPROVED, "c1": OrderState.APPROVED, "d1": OrderState.PROPOSED}


def test_accounts_beyond_the_limit_wait_and_those_with_most_money_come_first() -> None:
    line = signed(LIMITS.model_copy(update={"accounts": 2}))
    line.give(answer(line, *(moved("a1", f"b{n}", 100_000 + n * 10_000, n) for n in (3, 4, 5))))
    assert states(line) == {"b5": OrderState.APPROVED, "b4": OrderState.APPROVED, "b3": OrderState.PROPOSED}


def test_money_beyond_the_limit_waits() -> None:
    line = signed(LIMITS.model_copy(update={"amount_fen": 700_000}))
    line.give(answer(line, FIRST_HOP, moved("a1", "b2", 200_000, 4)))
    assert states(line) == {"b1": OrderState.APPROVED, "b2": OrderState.PROPOSED}


def test_after_its_hours_an_approval_covers_nothing() -> None:
    line = signed()
    line.pass_to(timedelta(hours=6, seconds=1))
    line.give(answer(line, FIRST_HOP))
    assert states(line) == {"b1": OrderState.PROPOSED}


def test_an_extension_takes_a_person() -> None:
    line = signed()
    line.give(answer(line, FIRST_HOP))
    line.give(told(line, B1, BankState.IN_FORCE, step="stop.t0"))
    line.pass_to(timedelta(hours=47))
    assert of_account(line.here, "b1")[-1].action is Action.STOP_AGAIN
    assert of_account(line.here, "b1")[-1].state is OrderState.PROPOSED


def test_limits_above_what_one_person_may_sign_take_two() -> None:
    line = signed(WIDE)
    line.give(answer(line, FIRST_HOP))
    later = first(line.here).later
    assert later is not None
    assert (asked_for(line), later.persons, later.until) == (["a1"], 2, None), "the order itself did not wait"
    assert refusals(sign(line, WIDE)) == [ApprovedBefore()]
    sign(line, WIDE, by="bo")
    assert asked_for(line) == ["a1", "b1"], "what waited and is covered goes out"
    assert {each.by for each in onward(line.here)[0].approvals} == {"anna", "bo"}


def test_other_limits_of_a_second_person_begin_anew() -> None:
    line = signed(WIDE)
    sign(line, LIMITS, by="bo")
    later = first(line.here).later
    assert later is not None
    assert ([each.by for each in later.approvals], later.limits) == (["bo"], LIMITS)
    assert standing_approval(line.here, first(line.here), line.here.steps, line.now) is later


def test_a_standing_approval_is_over_at_the_end_of_its_hours() -> None:
    line = signed()
    later = first(line.here).later
    assert later is not None
    assert later.until is not None
    assert later.in_force(later.until - timedelta(milliseconds=1))
    assert not later.in_force(later.until)


def test_limits_above_the_policys_are_refused_and_the_order_waits() -> None:
    line = Journal()
    line.approves = False
    line.alert(Level.RED, payment(amount=1_000_000, state=TransferState.SETTLED))
    line.pass_to(timedelta(minutes=2))
    assert refusals(sign(line, WIDE.model_copy(update={"hours": 48, "accounts": 21}))) == [
        LaterStopsTooWide(9, 20, 1_000_000_000, 48)
    ]
    assert first(line.here).state is OrderState.PROPOSED


def test_a_policy_without_limits_has_no_standing_approvals() -> None:
    line = Journal()
    line.approves = False
    stop = policy().plan.stop.model_copy(update={"later": None})
    line.rules = Rules(policy().model_copy(update={"plan": policy().plan.model_copy(update={"stop": stop})}))
    line.alert(Level.RED, payment(amount=1_000_000, state=TransferState.SETTLED))
    line.pass_to(timedelta(minutes=2))
    assert refusals(sign(line, LIMITS)) == [LaterStopsNotOffered()]


def test_a_role_that_may_not_approve_signs_nothing() -> None:
    assert refusals(sign(signed(WIDE), WIDE, by="cy", role=StaffRole.OFFICER)) == [RoleMayNotApprove()]


def test_an_approval_may_be_signed_after_the_order_but_once() -> None:
    line = Journal()
    line.approves = False
    line.alert(Level.RED, payment(amount=1_000_000, state=TransferState.SETTLED))
    line.pass_to(timedelta(minutes=2))
    sign(line, None)
    line.give(answer(line, FIRST_HOP))
    assert refusals(sign(line, None, by="bo")) == [NoOrder()]
    sign(line, LIMITS)
    assert asked_for(line) == ["a1", "b1"]
    assert refusals(sign(line, LIMITS, by="bo")) == [LaterStopsDecided()]


REPORTED: list[DangerCode] = [PaymentMade(EvidenceKind.REPORTED_PAYEE, 30_000, NOON)]


def only_reported() -> Journal:
    """A case whose only ground is another person's report of the account; two persons have approved its stop."""
    line = Journal()
    line.approves = False
    paid = payment(amount=1_000_000, state=TransferState.SETTLED, watched=WatchStatus.REPORTED)
    line.alert(Level.ORANGE, paid, found=danger(Level.ORANGE, of=REPORTED))
    line.outcome(Outcome.ALREADY_DEFRAUDED)
    return line


def test_a_merely_reported_account_never_fans_out_without_a_person() -> None:
    line = only_reported()
    assert refusals(sign(line, LIMITS)) == [AccountOnlyReported()]
    for by in ("anna", "bo"):
        sign(line, None, by=by)
    line.give(answer(line, FIRST_HOP))
    assert refusals(sign(line, LIMITS, step="stop.t0")) == [AccountOnlyReported()], "nor further down"
    sign(line, None, step="stop.t0")
    line.give(answer(line, moved("b1", "c1", 500_000, 5), name="2"))
    assert states(line) == {"b1": OrderState.APPROVED, "c1": OrderState.PROPOSED}


def test_money_of_a_merely_reported_account_is_not_covered_by_another_payments_approval() -> None:
    line = Journal()
    line.approves = False
    good = payment(amount=1_000_000, state=TransferState.SETTLED, watched=WatchStatus.CONFIRMED)
    bad = payment("bank:2", 900_000, TransferState.SETTLED, "a2", watched=WatchStatus.REPORTED)
    line.alert(Level.RED, good, bad, found=danger(Level.RED, of=REPORTED))
    line.outcome(Outcome.ALREADY_DEFRAUDED)
    sign(line, LIMITS)
    line.give(answer(line, moved("a2", "b2", 800_000, 3), moved("a1", "b1", 99_999, 3), moved("b2", "b1", 700_000, 4)))
    assert states(line) == {"b1": OrderState.PROPOSED, "b2": OrderState.PROPOSED}


def test_an_order_that_wants_more_persons_than_have_signed_waits() -> None:
    line = signed()
    rules = ApprovalRules(rules=(ApprovalRule(least_fen=500_000, persons=2), ApprovalRule(persons=1)))
    stop = line.rules.policy.plan.stop.model_copy(update={"approval": rules})
    plan = line.rules.policy.plan.model_copy(update={"stop": stop})
    line.rules = Rules(line.rules.policy.model_copy(update={"plan": plan}))
    line.give(answer(line, FIRST_HOP, moved("a1", "b2", 200_000, 4)))
    assert states(line) == {"b1": OrderState.PROPOSED, "b2": OrderState.APPROVED}


def object_to(line: Journal, step: str, *, upheld: bool) -> None:
    line.give(
        ObjectStop(
            id=f"objection:{step}",
            at=line.now,
            resident=RESIDENT,
            case=line.here.id,
            order=step,
            who=Objector.HOLDER,
            bank="b",
            ground=ObjectionGround.LAWFUL_PAYMENT,
        )
    )
    (found,) = line.here.objections
    assert objection_of(line.here, found.id) is found
    cause = WrongfulCause.LAWFUL_PAYMENT if upheld else None
    act = DecideObjectionAct(objection=found.id, upheld=upheld, reason="goods were sold", cause=cause)
    line.give(line.report(act, "han", role=DESK))


def ended(line: Journal) -> bool:
    """Whether the approval has ended with a fact, and the next account waits for a person."""
    line.give(answer(line, moved("a1", "b9", 200_000, 9), name="after"))
    states_after = [order.state for order in of_account(line.here, "b9")]
    said = [fact for fact in line.facts(FactKind.STOP) if isinstance(fact, LaterStopsEnded)]
    later = first(line.here).later
    assert (later is not None and later.ended_at is not None) is bool(said)
    assert states_after in ([OrderState.PROPOSED], [OrderState.APPROVED], [])
    return bool(said) and OrderState.APPROVED not in states_after


@pytest.mark.parametrize("step", ["stop.0", "stop.t0"])
@pytest.mark.parametrize("upheld", [True, False])
def test_an_objection_that_is_upheld_ends_it_and_one_that_is_rejected_does_not(step: str, *, upheld: bool) -> None:
    line = signed()
    line.give(answer(line, FIRST_HOP))
    object_to(line, step, upheld=upheld)
    assert ended(line) is upheld


@pytest.mark.parametrize("transfer", ["bank:1", B1])
def test_lifting_a_stop_on_the_way_ends_it(transfer: str) -> None:
    line = signed()
    line.give(told(line, "bank:1", BankState.IN_FORCE, FIRST_HOP, step="stop.0"))
    line.give(told(line, B1, BankState.IN_FORCE, step="stop.t0"))
    act = ReleaseStopAct(transfer=transfer, reason="wages of a third person", asked_by="han")
    line.give(line.report(act, "li", role=DESK))
    assert ended(line)


def test_declining_an_account_on_the_way_ends_it() -> None:
    line = signed(LIMITS.model_copy(update={"hops": 1}))
    line.give(answer(line, FIRST_HOP, moved("b1", "c1", 300_000, 5)))
    declined = next(order.step for order in of_account(line.here, "c1"))
    line.give(line.report(DeclineStopAct(order=declined, reason="a shop's account"), "li", role=DESK))
    assert ended(line)


def test_a_bank_that_refuses_the_order_or_lifts_its_stop_or_returns_the_money_ends_it() -> None:
    for state in (BankState.REFUSED, BankState.RELEASED, BankState.RETURNED, BankState.CANCELLED):
        line = signed()
        if state is not BankState.REFUSED:
            line.give(told(line, "bank:1", BankState.IN_FORCE, step="stop.0"))
        line.give(told(line, "bank:1", state, fen=1_000, step="stop.0"))
        assert ended(line), state


def test_handing_the_account_over_and_the_end_of_the_danger_end_it() -> None:
    line = signed()
    line.give(told(line, "bank:1", BankState.IN_FORCE, step="stop.0"))
    act = HandOverStopAct(order="stop.0", decision="decision 17", authority="the city's police")
    line.give(line.report(act, "desk", role=DESK))
    assert ended(line)
    safe = signed()
    act_of_safety = OutcomeAct(outcome=Outcome.FALSE_ALARM, ground=OutcomeGround.BANK)
    safe.give(safe.report(act_of_safety, "li", role=StaffRole.OPERATOR))
    assert ended(safe)


def test_hops_are_counted_in_the_order_of_time() -> None:
    line = signed()
    back = (moved("b1", "c1", 50_000, 2), moved("a1", "b1", 600_000, 3), moved("a1", "c2", 100_000, 4))
    line.give(answer(line, *back, moved("c2", "c3", 80_000, 6)))
    trace = traced(line.here, policy().trace)
    assert hops_from(trace, "a1", {"bank:1"}) == {"b1": 1, "c2": 1, "c3": 2}
    assert hops_from(trace, "c2", {"bank:1"}) == {"c3": 1}
    assert hops_from(trace, "a1", set()) == {}


ACCOUNTS = st.sampled_from(["a1", "b1", "b2", "c1", "c2", "d1"])
MOVED = st.builds(moved, ACCOUNTS, ACCOUNTS, st.integers(1, 900_000), st.integers(1, 30))
ANY_LIMITS = st.builds(
    LaterLimits,
    hops=st.integers(1, 4),
    accounts=st.integers(1, 4),
    amount_fen=st.integers(1, 2_000_000),
    hours=st.integers(1, 3),
)


@given(st.lists(st.lists(MOVED, max_size=6), max_size=5), ANY_LIMITS, st.integers(0, 90))
def test_whatever_banks_answer_no_more_goes_out_unread_than_was_signed(
    answers: list[list[OnwardMovement]], limits: LaterLimits, pause: int
) -> None:
    line = signed(limits)
    began = line.now
    for number, movements in enumerate(answers):
        line.pass_to(pause * MINUTE)
        line.give(answer(line, *movements, name=str(number)))
    made = onward(line.here)
    under = [order for order in made if order.state is OrderState.APPROVED]
    assert sum(order.amount_fen for order in under) <= limits.amount_fen
    assert len({order.payee for order in under}) <= limits.accounts
    assert all(order.asked_at <= began + timedelta(hours=limits.hours) for order in under)
    assert all(order.approvals and order.under == first(line.here).number for order in under)
    asked = {out.payment.transfer for out in line.sent() if out.payment and out.payment.movement}
    assert asked <= {order.transfer for order in under}
