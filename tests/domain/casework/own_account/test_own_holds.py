"""Holds on the resident's own account: the last resort, by two persons, for a time, with money to live on."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.dispatches.validity import validity
from domain.identity.personal import WITHHELD, without
from schemas.casework.acts import CloseAct, LowerAct
from schemas.casework.cases import StepState
from schemas.casework.events import FactKind
from schemas.casework.own_account import AllowanceSpan, OwnHoldAnswerState, OwnHoldState, ProposeHoldAct
from schemas.codes.own_account import (
    HoldNotOfRole,
    HoldOnlyInRed,
    MostOwnHolds,
    NoOwnHold,
    NoSuchAccount,
    NotLastResort,
    OwnAccountOff,
    OwnHoldEnded,
    OwnHoldInForce,
    OwnHoldLiftRefused,
    OwnHoldOrdered,
    OwnHoldProposed,
    OwnHoldStands,
    ProposedHoldItself,
)
from schemas.codes.refusals import ApprovedBefore
from schemas.levels import Action, LastResort, Level, Outcome, Result
from schemas.people.staff import StaffRole
from tests.domain.builders import NOON, Line, policy
from tests.domain.casework.own_account.holdworld import (
    GROUND,
    answer,
    approve,
    asked,
    decline,
    enabled,
    held,
    hold,
    in_danger,
    lift,
    ordered,
    propose,
    talked,
)

MONTH = timedelta(days=30)
DAY = timedelta(days=1)
IN_FORCE, REFUSED, LIFTED = OwnHoldAnswerState.IN_FORCE, OwnHoldAnswerState.REFUSED, OwnHoldAnswerState.LIFTED


def refusals(line: Line) -> list[object]:
    return list(line.facts(FactKind.REFUSED))


def test_a_province_whose_policy_does_not_enable_it_has_no_holds() -> None:
    line = talked(in_danger(policy=policy()))
    propose(line)
    propose(line, duress=True)
    assert refusals(line) == [OwnAccountOff(), OwnAccountOff()]
    assert line.here.own_holds == []


def test_a_hold_is_the_last_resort_after_somebody_has_talked_with_the_resident_in_vain() -> None:
    line = in_danger()
    propose(line)
    assert refusals(line) == [NotLastResort()]
    talked(line)
    propose(line)
    (made,) = line.here.own_holds
    assert (made.state, made.resort, made.own_account) == (OwnHoldState.PROPOSED, LastResort.NOT_DISSUADED, "mine")
    assert (made.law, made.days, made.allowance_fen, made.allowance_span) == (GROUND, 30, 20_000, AllowanceSpan.DAY)
    assert made.number.startswith("吉公反诈止付户〔2026〕")
    assert OwnHoldProposed(LastResort.NOT_DISSUADED, 2, "坚持要转账") in line.facts(FactKind.OWN_ACCOUNT)
    assert asked(line) == [], "no bank knows of a proposal"


def test_a_message_that_was_delivered_is_no_talk() -> None:
    line = in_danger()
    line.result(Result.DELIVERED, Action.FLASH_SMS)
    propose(line)
    assert refusals(line) == [NotLastResort()]


def test_an_outcome_that_says_not_dissuaded_is_enough() -> None:
    line = talked(in_danger())
    line.outcome(Outcome.NOT_PERSUADED)
    propose(line)
    assert hold(line).resort is LastResort.NOT_DISSUADED


def test_a_resident_under_duress_may_be_protected_before_anybody_has_talked_with_them() -> None:
    line = in_danger()
    propose(line, duress=True)
    assert hold(line).resort is LastResort.DURESS


@pytest.mark.parametrize("level", [Level.ORANGE, Level.YELLOW, Level.BLUE])
def test_only_a_red_case_may_have_one(level: Level) -> None:
    line = talked(in_danger(level))
    propose(line)
    assert refusals(line) == [HoldOnlyInRed()]


def test_an_account_that_the_case_does_not_have_is_refused() -> None:
    line = talked(in_danger())
    propose(line, account=2)
    assert refusals(line) == [NoSuchAccount()]


def test_a_program_and_the_release_desk_propose_nothing() -> None:
    line = talked(in_danger())
    for role in (None, StaffRole.RELEASE_DESK, StaffRole.OFFICER):
        line.act(ProposeHoldAct(account=0, reason="坚持要转账"), "somebody", role=role)
    assert refusals(line) == [HoldNotOfRole()] * 3


def test_the_bank_is_asked_once_when_two_others_have_approved() -> None:
    line = talked(in_danger())
    propose(line)
    approve(line, "zhou")
    assert asked(line) == []
    decision = approve(line, "sun")
    (out,) = decision.dispatches
    assert (out.action, out.step, out.payment) == (Action.HOLD_OUTGOING, "own.1", None)
    assert out.own_hold is not None
    assert (out.own_hold.own_account, out.own_hold.allowance_fen, out.own_hold.until) == ("mine", 20_000, NOON + MONTH)
    approve(line, "qian")
    assert refusals(line) == [NoOwnHold()]
    assert len(asked(line)) == 1


def test_neither_the_proposer_nor_the_same_person_twice_nor_another_role_approves() -> None:
    line = talked(in_danger())
    propose(line, by="zhou")
    approve(line, "zhou")
    approve(line, "sun")
    approve(line, "sun")
    approve(line, "wang", StaffRole.OPERATOR)
    assert refusals(line) == [ProposedHoldItself(), ApprovedBefore(), HoldNotOfRole()]
    assert (hold(line).state, asked(line)) == (OwnHoldState.PROPOSED, [])


def test_a_proposal_that_is_declined_or_lacks_approvals_in_time_never_reaches_a_bank() -> None:
    line = talked(in_danger())
    propose(line)
    decline(line)
    assert hold(line).state is OwnHoldState.DECLINED
    propose(line, account=1)
    approve(line, "zhou", hold="own.2")
    line.pass_to(timedelta(hours=4))
    assert hold(line, 1).state is OwnHoldState.UNDECIDED
    approve(line, "sun", hold="own.2")
    assert asked(line) == []


def test_a_policy_that_was_switched_off_meanwhile_imposes_nothing() -> None:
    line = talked(in_danger())
    propose(line)
    approve(line, "zhou")
    line.rules = type(line.rules)(policy())
    approve(line, "sun")
    assert (refusals(line), asked(line)) == ([OwnAccountOff()], [])


def test_the_bank_confirms_and_the_hold_ends_by_its_clock_without_renewal() -> None:
    line = held()
    assert OwnHoldInForce(NOON + MONTH) in line.facts(FactKind.OWN_ACCOUNT)
    assert (hold(line).state, hold(line).bank) == (OwnHoldState.IN_FORCE, "icbc")
    assert line.step("own.1").state is StepState.DONE
    line.pass_to(NOON + MONTH - DAY)
    assert (line.here.open, hold(line).state) == (True, OwnHoldState.IN_FORCE), "the plan's end does not lift it"
    line.pass_to(NOON + MONTH)
    assert hold(line).state is OwnHoldState.ENDED
    assert line.facts(FactKind.OWN_ACCOUNT)[-1] == OwnHoldEnded()
    assert len(line.here.own_holds) == len(asked(line)) == 1
    assert asked(line, Action.LIFT_HOLD) == []
    line.pass_to(NOON + 2 * MONTH)
    assert not line.here.open, "the case is closed after it"


def test_a_bank_may_end_it_sooner_and_not_later_than_ordered() -> None:
    sooner = ordered()
    answer(sooner, IN_FORCE, days=7)
    assert hold(sooner).until == sooner.now + 7 * DAY
    later = ordered()
    answer(later, IN_FORCE, days=300)
    assert hold(later).until == NOON + MONTH


def test_a_repeated_confirmation_does_not_make_it_longer() -> None:
    line = ordered()
    answer(line, IN_FORCE, days=7)
    ends = hold(line).until
    line.pass_to(DAY)
    again = answer(line, IN_FORCE, days=29)
    assert (again.facts, hold(line).until) == ([], ends)


def test_a_second_hold_needs_a_new_proposal_and_is_limited_by_the_policy() -> None:
    line = held()
    propose(line)
    assert refusals(line) == [OwnHoldStands()]
    lift(line)
    answer(line, LIFTED)
    propose(line)
    assert refusals(line) == [OwnHoldStands(), MostOwnHolds(1)]
    twice = held(ordered())
    twice.rules = type(twice.rules)(enabled("times = 2\n"))
    lift(twice)
    answer(twice, LIFTED)
    propose(twice)
    assert (hold(twice, 1).state, hold(twice, 1).approvals) == (OwnHoldState.PROPOSED, ())


def test_one_person_of_the_release_desk_lifts_it_early() -> None:
    line = held()
    lift(line, by="wang", role=StaffRole.OPERATOR)
    assert refusals(line) == [HoldNotOfRole()]
    decision = lift(line)
    (out,) = decision.dispatches
    assert (out.action, out.own_hold and out.own_hold.id) == (Action.LIFT_HOLD, "own.1")
    assert hold(line).state is OwnHoldState.LIFTING
    answer(line, LIFTED)
    assert (hold(line).state, line.step(out.step).state) == (OwnHoldState.LIFTED, StepState.DONE)
    assert len(asked(line, Action.LIFT_HOLD)) == 1


def test_a_refusal_ends_it_and_a_bank_that_does_not_answer_leaves_it_unconfirmed() -> None:
    line = ordered()
    answer(line, REFUSED)
    assert (hold(line).state, line.step("own.1").state) == (OwnHoldState.REFUSED, StepState.FAILED)
    silent = ordered()
    silent.pass_to(DAY)
    assert hold(silent).state is OwnHoldState.UNCONFIRMED
    answer(silent, IN_FORCE)
    assert (hold(silent).state, hold(silent).until) == (OwnHoldState.IN_FORCE, NOON + MONTH)


def test_an_order_that_could_not_be_sent_fails_and_does_not_count() -> None:
    line = ordered()
    for _ in range(60):
        if hold(line).state is OwnHoldState.FAILED:
            break
        line.result(Result.FAILED, Action.HOLD_OUTGOING)
        line.pass_to(line.step("own.1").due or line.now)  # when it is tried again
    assert hold(line).state is OwnHoldState.FAILED
    propose(line)
    assert hold(line, 1).state is OwnHoldState.PROPOSED


def test_an_order_that_the_bank_may_have_is_lifted_though_its_next_attempt_waits() -> None:
    line = ordered()
    line.pass_to(timedelta(minutes=11))  # no answer in time: it will be asked again
    assert (line.step("own.1").state, line.step("own.1").attempt) == (StepState.PENDING, 2)
    line.dissuaded()
    assert hold(line).state is OwnHoldState.LIFTING
    assert len(asked(line, Action.LIFT_HOLD)) == 1


def test_a_bank_that_refuses_to_lift_is_recorded_and_the_hold_still_ends() -> None:
    line = held()
    lift(line)
    answer(line, REFUSED)
    assert line.facts(FactKind.OWN_ACCOUNT)[-1] == OwnHoldLiftRefused()
    assert hold(line).state is OwnHoldState.LIFTING
    line.pass_to(NOON + MONTH + DAY)
    assert hold(line).state is OwnHoldState.ENDED


def test_a_hold_is_lifted_when_its_ground_is_gone() -> None:
    dissuaded = held()
    dissuaded.dissuaded()
    lowered = held()
    lowered.act(LowerAct(level=Level.ORANGE, reason="核实后降级"))
    closed = held()
    closed.act(CloseAct(reason="办结"))
    for line in (dissuaded, lowered, closed):
        assert hold(line).state is OwnHoldState.LIFTING
        out = line.last(Action.LIFT_HOLD)
        assert validity(out, line.here, line.now) is None, "the bank is asked although the case has ended"
        answer(line, LIFTED)
        assert hold(line).state is OwnHoldState.LIFTED


def test_a_proposal_of_a_resident_who_is_safe_meanwhile_is_withdrawn() -> None:
    line = talked(in_danger())
    propose(line)
    line.dissuaded()
    assert hold(line).state is OwnHoldState.WITHDRAWN
    approve(line, "zhou")
    approve(line, "sun")
    assert asked(line) == []


def test_a_bank_that_confirms_after_the_resident_was_dissuaded_is_asked_to_lift() -> None:
    line = ordered()
    line.dissuaded()
    assert hold(line).state is OwnHoldState.LIFTING
    answer(line, IN_FORCE, step="own.1")
    assert hold(line).state is OwnHoldState.LIFTING
    assert len(asked(line, Action.LIFT_HOLD)) == 1


def test_a_bank_that_never_lifts_it_holds_it_no_longer_than_ordered() -> None:
    line = held()
    lift(line)
    line.pass_to(NOON + MONTH + DAY)
    assert hold(line).state is OwnHoldState.ENDED


def test_an_answer_to_an_unknown_order_is_recorded_as_refused() -> None:
    line = ordered()
    answer(line, IN_FORCE, step="own.7")
    assert refusals(line) == [NoOwnHold()]


def test_the_order_names_its_number_and_end_and_erasure_removes_the_account() -> None:
    line = held()
    assert OwnHoldOrdered(hold(line).number, NOON + MONTH) in line.facts(FactKind.OWN_ACCOUNT)
    left = without(line.here).own_holds[0]
    assert (left.own_account, left.reason) == (WITHHELD, WITHHELD)


Happening = Callable[[Line], object]
PERSONS = st.sampled_from(["zhou", "sun", "qian", "operator li"])
ROLES = st.sampled_from([StaffRole.RELEASE_DESK, StaffRole.OPERATOR, StaffRole.SUPERVISOR])


def _proposed(account: int, duress: bool) -> Happening:
    return lambda line: propose(line, account, duress=duress)


def _approved(by: str, role: StaffRole) -> Happening:
    return lambda line: [approve(line, by, role, each.id) for each in line.here.own_holds]


def _declined(by: str, role: StaffRole) -> Happening:
    return lambda line: decline(line, by, role)


def _lifted(by: str, role: StaffRole) -> Happening:
    return lambda line: lift(line, by, role)


def _answered(state: OwnHoldAnswerState, days: int | None) -> Happening:
    return lambda line: answer(line, state, days) if asked(line) else None


def _passed(hours: int) -> Happening:
    return lambda line: line.pass_to(timedelta(hours=hours))


HAPPENINGS: st.SearchStrategy[Happening] = st.one_of(
    st.builds(_proposed, st.sampled_from([0, 1]), st.booleans()),
    st.builds(_approved, PERSONS, ROLES),
    st.builds(_declined, PERSONS, ROLES),
    st.builds(_lifted, PERSONS, ROLES),
    st.builds(_answered, st.sampled_from(OwnHoldAnswerState), st.sampled_from([None, 1, 29, 90])),
    st.builds(_passed, st.sampled_from([1, 5, 200, 800])),
    st.just(lambda line: line.dissuaded()),
    st.just(talked),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(HAPPENINGS, max_size=14))
def test_no_bank_gets_a_hold_without_two_others_and_none_is_longer_than_30_days(happenings: list[Happening]) -> None:
    line = in_danger(policy=enabled("times = 6\n"))
    for each in happenings:
        each(line)
    out = [each.own_hold for each in line.sent() if each.action is Action.HOLD_OUTGOING]
    for order in out:
        assert order is not None
        assert order.until is not None
        people = {approval.by for approval in order.approvals}
        assert len(people) >= 2
        assert order.asked_by not in people
        assert {approval.role for approval in order.approvals} == {StaffRole.RELEASE_DESK}
        assert order.until - order.approvals[-1].at <= MONTH
        assert (order.allowance_fen, order.allowance_span, order.law) == (20_000, AllowanceSpan.DAY, GROUND)
    running = [made for made in line.here.own_holds if made.state is OwnHoldState.IN_FORCE]
    assert all(made.until is not None and made.until > line.now for made in running)
