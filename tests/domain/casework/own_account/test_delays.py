"""A bank delays outgoing transfers while an operator talks: for hours, until a person or the danger ends it."""

import dataclasses
from datetime import timedelta

import pytest

from domain.casework.own_account.delays import may_be_delayed, may_not_delay, open_delays
from domain.casework.own_account.last_resort import may_not_propose
from domain.payments.ledger import of_case
from domain.policy import Policy, PolicyError
from domain.policy.approval import DelayRules
from schemas.casework.acts import NoteAct, OutcomeAct
from schemas.casework.events import FactKind
from schemas.casework.own_account import (
    MOST_KEPT_HOLDS,
    MOST_OWN_HOLDS,
    DelayOutgoingAct,
    EndDelayAct,
    OwnHoldAnswerState,
    OwnHoldState,
)
from schemas.codes.any_code import AnyCode
from schemas.codes.own_account import (
    DelayOnlyInCall,
    HoldNotOfRole,
    HoldOnlyInRed,
    MostOwnHolds,
    NoOwnHold,
    NoSuchAccount,
    OwnDelayAsked,
    OwnDelayGivenUp,
    OwnDelayLapsed,
    OwnDelayOff,
    OwnHoldStands,
)
from schemas.levels import Action, LastResort, Level, Outcome
from schemas.people.staff import StaffRole
from tests.domain.builders import Line
from tests.domain.builders import hold as outreach_hold
from tests.domain.casework.own_account.holdworld import (
    GROUND,
    answer,
    approve,
    asked,
    enabled,
    hold,
    in_danger,
    propose,
    talked,
)

LI = "operator li"


def with_delays(hours: int = 24, more: str = "") -> Policy:
    text = f'[own_account.delay]\nground = "{GROUND}"\nhours = {hours}\nallowance_fen = 20_000\n{more}'
    return enabled(text)


def in_call(policy: Policy | None = None, level: Level = Level.RED, own: tuple[str, ...] = ("mine",)) -> Line:
    """An operator talks with the resident of a red case."""
    line = in_danger(level, policy or with_delays(), own)
    line.act(NoteAct(what="conversation"), LI, role=StaffRole.OPERATOR)
    return line


def delay(line: Line, by: str = LI, role: StaffRole = StaffRole.OPERATOR) -> list[AnyCode]:
    """Ask for a delay; the refusals."""
    decision = line.act(DelayOutgoingAct(), by, role=role)
    return [fact.what for fact in decision.facts if fact.kind is FactKind.REFUSED]


def delayed(hours: int = 24) -> Line:
    line = in_call(with_delays(hours))
    assert delay(line) == []
    return line


def test_one_key_asks_the_banks_of_all_own_accounts_for_a_bounded_delay() -> None:
    line = in_call(own=("mine", "other"))
    assert delay(line) == []
    assert asked(line) == [out.id for out in line.sent() if out.own_hold]
    orders = [out.own_hold for out in line.sent() if out.own_hold]
    assert [each.own_account for each in orders] == ["mine", "other"]
    assert all(each.is_delay and each.law == GROUND and each.resort is LastResort.TALKING for each in orders)
    assert all(each.until == line.now + timedelta(hours=24) for each in orders)
    assert OwnDelayAsked(LI, 2, 24) in line.facts(FactKind.OWN_ACCOUNT)


def test_the_bank_grants_or_refuses_it() -> None:
    line = delayed()
    answer(line, OwnHoldAnswerState.IN_FORCE)
    assert hold(line).state is OwnHoldState.IN_FORCE
    refused = delayed()
    answer(refused, OwnHoldAnswerState.REFUSED)
    assert hold(refused).state is OwnHoldState.REFUSED


@pytest.mark.parametrize("hours", [1, 24])
def test_it_ends_by_itself_after_the_policys_hours(hours: int) -> None:
    line = delayed(hours)
    answer(line, OwnHoldAnswerState.IN_FORCE, days=30)
    line.pass_to(timedelta(hours=hours) - timedelta(seconds=1))
    assert hold(line).state is OwnHoldState.IN_FORCE
    line.pass_to(timedelta(seconds=1))
    assert hold(line).state is OwnHoldState.ENDED


def test_the_operator_ends_it_and_the_bank_is_asked_to_lift_it() -> None:
    line = delayed()
    answer(line, OwnHoldAnswerState.IN_FORCE)
    line.act(EndDelayAct(), "operator wu", role=StaffRole.OPERATOR)
    assert OwnDelayGivenUp("operator wu") in line.facts(FactKind.OWN_ACCOUNT)
    assert len(asked(line, Action.LIFT_HOLD)) == 1
    answer(line, OwnHoldAnswerState.LIFTED)
    assert hold(line).state is OwnHoldState.LIFTED
    decision = line.act(EndDelayAct(), LI, role=StaffRole.OPERATOR)
    assert [fact.what for fact in decision.facts] == [NoOwnHold()]


@pytest.mark.parametrize("outcome", [Outcome.DISSUADED, Outcome.FALSE_ALARM])
def test_it_ends_when_the_resident_is_safe(outcome: Outcome) -> None:
    line = delayed()
    answer(line, OwnHoldAnswerState.IN_FORCE)
    line.outcome(outcome)
    assert hold(line).state is OwnHoldState.LIFTING
    assert len(asked(line, Action.LIFT_HOLD)) == 1


def test_no_money_is_frozen_or_booked_by_it() -> None:
    line = delayed()
    before = of_case(line.here)
    answer(line, OwnHoldAnswerState.IN_FORCE)
    assert of_case(line.here) == before
    assert (line.here.frozen, line.here.kept) == ({}, {})


def test_a_key_that_is_pressed_twice_asks_once() -> None:
    line = delayed()
    assert delay(line) == [OwnHoldStands()]
    assert len(asked(line)) == 1


def test_an_account_is_delayed_as_often_as_the_policy_says() -> None:
    line = delayed(1)
    answer(line, OwnHoldAnswerState.IN_FORCE)
    line.pass_to(timedelta(hours=1))
    line.act(NoteAct(what="conversation"), LI, role=StaffRole.OPERATOR)
    assert delay(line) == [MostOwnHolds(1)]


def test_a_delay_stands_in_the_way_of_no_hold() -> None:
    line = delayed()
    answer(line, OwnHoldAnswerState.IN_FORCE)
    propose(talked(line))
    assert [each.is_delay for each in line.here.own_holds] == [True, False]
    approve(line, "zhou", hold="own.2")
    approve(line, "sun", hold="own.2")
    assert len(asked(line)) == 2


def test_a_policy_that_wants_an_approval_lets_no_bank_know_before() -> None:
    line = in_call(with_delays(more="persons = 1\n"))
    assert delay(line) == []
    assert (asked(line), hold(line).state) == ([], OwnHoldState.PROPOSED)
    approve(line, "zhou")
    assert (len(asked(line)), hold(line).state) == (1, OwnHoldState.ASKED)


APPROVED_FIRST = "persons = 1\n"


@pytest.mark.parametrize("how", ["ended", "another talks", "outcome"])
def test_one_that_waits_for_approval_lapses_when_the_talk_is_over(how: str) -> None:
    line = in_call(with_delays(more=APPROVED_FIRST))
    delay(line)
    match how:
        case "ended":
            line.act(NoteAct(what="conversation_ended"), LI, role=StaffRole.OPERATOR)
        case "another talks":
            line.act(NoteAct(what="conversation"), "operator wu", role=StaffRole.OPERATOR)
        case _:
            line.act(OutcomeAct(outcome=Outcome.NOT_PERSUADED), LI, role=StaffRole.OPERATOR)
    assert (hold(line).state, line.facts(FactKind.OWN_ACCOUNT)[-1]) == (OwnHoldState.WITHDRAWN, OwnDelayLapsed())
    decision = approve(line, "zhou")
    assert [fact.what for fact in decision.facts if fact.kind is FactKind.REFUSED] == [OwnDelayLapsed()]
    assert (asked(line), hold(line).approvals) == ([], ())


def test_after_it_has_lapsed_a_new_talk_can_ask_anew() -> None:
    line = in_call(with_delays(more=APPROVED_FIRST))
    delay(line)
    line.act(NoteAct(what="conversation_ended"), LI, role=StaffRole.OPERATOR)
    line.act(NoteAct(what="conversation"), LI, role=StaffRole.OPERATOR)
    assert delay(line) == []
    approve(line, "zhou", hold="own.2")
    assert (len(asked(line)), hold(line, 1).state) == (1, OwnHoldState.ASKED)


def test_one_that_was_approved_during_the_talk_outlives_it() -> None:
    line = in_call(with_delays(more=APPROVED_FIRST))
    delay(line)
    approve(line, "zhou")
    line.act(NoteAct(what="conversation_ended"), LI, role=StaffRole.OPERATOR)
    assert hold(line).state is OwnHoldState.ASKED
    assert OwnDelayLapsed() not in line.facts(FactKind.OWN_ACCOUNT)


def test_one_that_was_kept_back_during_the_talk_is_not_sent_after_it() -> None:
    line = in_call()
    kept_back = outreach_hold("of-delays", line.now + timedelta(hours=3), action=Action.HOLD_OUTGOING)
    line.rules = dataclasses.replace(line.rules, holds=(kept_back,))
    assert delay(line) == []
    assert (asked(line), hold(line).state) == ([], OwnHoldState.ASKED)
    line.act(NoteAct(what="conversation_ended"), LI, role=StaffRole.OPERATOR)
    assert (hold(line).state, line.facts(FactKind.OWN_ACCOUNT)[-1]) == (OwnHoldState.WITHDRAWN, OwnDelayLapsed())
    line.pass_to(timedelta(hours=4))
    assert asked(line) == []


def given_up(line: Line, times: int) -> None:
    """A delay is asked for and given up before anybody has approved it, so many times."""
    for _ in range(times):
        assert delay(line) == []
        line.act(EndDelayAct(), LI, role=StaffRole.OPERATOR)
        assert line.here.own_holds[-1].state is OwnHoldState.WITHDRAWN


def test_those_that_never_took_effect_use_up_nothing() -> None:
    line = in_call(with_delays(more=APPROVED_FIRST))
    given_up(line, 3 * MOST_OWN_HOLDS)
    assert len(line.here.own_holds) == MOST_KEPT_HOLDS
    assert delay(line) == []
    approve(line, "zhou", hold=line.here.own_holds[-1].id)
    assert len(asked(line)) == 1


def test_the_numbers_of_orders_are_never_used_twice_and_those_that_took_effect_stay() -> None:
    line = in_call(with_delays(more=f"{APPROVED_FIRST}times = 6\n"))
    delay(line)
    approve(line, "zhou")
    answer(line, OwnHoldAnswerState.IN_FORCE)
    line.act(EndDelayAct(), LI, role=StaffRole.OPERATOR)
    answer(line, OwnHoldAnswerState.LIFTED)
    first, numbers = hold(line), set[str]()
    for _ in range(2 * MOST_KEPT_HOLDS):
        given_up(line, 1)
        numbers.add(line.here.own_holds[-1].number)
    assert hold(line) == first
    assert len(numbers) == 2 * MOST_KEPT_HOLDS
    assert line.here.own_holds[-1].id == f"own.{2 * MOST_KEPT_HOLDS + 1}"


def test_those_that_took_effect_use_up_the_case() -> None:
    own = tuple(f"account-{number}" for number in range(MOST_OWN_HOLDS + 1))
    line = in_call(own=own)
    assert delay(line) == []
    assert len(asked(line)) == MOST_OWN_HOLDS
    assert may_be_delayed(line.here, rules_of(line)) == []
    assert may_not_propose(line.here, line.rules.policy.own_account, MOST_OWN_HOLDS, duress=True) == MostOwnHolds(
        MOST_OWN_HOLDS
    )


def rules_of(line: Line) -> DelayRules:
    rules = line.rules.policy.own_account.delay
    assert rules is not None
    return rules


def test_it_is_refused_without_a_talk_without_red_without_an_account_and_to_others() -> None:
    silent = in_danger(Level.RED, with_delays(), ("mine",))
    assert delay(silent) == [DelayOnlyInCall()]
    assert delay(in_call(level=Level.ORANGE)) == [HoldOnlyInRed()]
    assert delay(in_call(own=())) == [NoSuchAccount()]
    assert delay(in_call(), "operator wu") == [DelayOnlyInCall()], "another one talks"
    assert delay(in_call(), role=StaffRole.RELEASE_DESK) == [HoldNotOfRole()]
    ended = in_call()
    ended.act(NoteAct(what="conversation_ended"), LI, role=StaffRole.OPERATOR)
    assert delay(ended) == [DelayOnlyInCall()]


def test_a_policy_without_the_section_has_no_delays() -> None:
    line = in_call(enabled())
    assert delay(line) == [OwnDelayOff()]
    assert may_not_delay(line.here, line.rules.policy.own_account) == OwnDelayOff()
    assert open_delays(line.here) == []


@pytest.mark.parametrize("wrong", ["hours = 25", "hours = 0", 'ground = "x"', "allowance_fen = 0"])
def test_a_policy_without_a_ground_or_with_more_than_a_day_is_refused(wrong: str) -> None:
    key = wrong.partition(" ")[0]
    right = {"ground": f'ground = "{GROUND}"', "hours": "hours = 24", "allowance_fen": "allowance_fen = 1"}
    with pytest.raises(PolicyError):
        enabled("[own_account.delay]\n" + "\n".join({**right, key: wrong}.values()) + "\n")
