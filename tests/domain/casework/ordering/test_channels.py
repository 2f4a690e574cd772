"""Tests that the automated call comes before the SMS only if past contacts show that it does better, and that nothing
else in the plan changes.
"""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.casework.ordering.channels import is_better, swap_of
from domain.policy.channels.groups import PartOfWeek, contact_group
from domain.policy.channels.order import LEAST_TRIES, ChannelOrder
from domain.policy.schedule import conditions, steps_for
from schemas.casework.cases import Profile
from schemas.casework.events import FactKind
from schemas.casework.inputs import Hold
from schemas.codes.plan import AssignedToArm, ChannelPutFirst
from schemas.levels import Action, Level
from schemas.people.residents import Flag
from tests.domain.builders import NOON, Line, danger, hold, payment, profile
from tests.domain.casework.ordering.channel_orders import HERE, channel_order, every_group, row, under
from tests.domain.experiments.plans import plan

CALL_BETTER = row(HERE, (400, 360), (400, 320))  # 0.9 * 0.3 below 0.8 * 0.5
SMS_BETTER = row(HERE, (400, 360), (400, 120))
ALIKE = row(HERE, (400, 360), (400, 220))  # 0.27 and 0.275
YELLOW_SMS, YELLOW_CALL = timedelta(minutes=3), timedelta(hours=1)
AUTOMATED = {Action.SMS, Action.ROBOT_CALL}


class Ordered(Line):
    """A case under a policy with counts of past contacts."""

    def __init__(self, order: ChannelOrder | None, *holds: Hold, at: datetime = NOON) -> None:
        super().__init__(*holds, at=at)
        self.rules = under(order, self.rules)


def planned(line: Line) -> dict[str, datetime]:
    """When each waiting step of the case is due."""
    return {step.id: step.due for step in line.here.steps if step.due}


def swapped(line: Line) -> bool:
    return any(isinstance(what, ChannelPutFirst) for what in line.facts(FactKind.NOTE))


def test_the_call_comes_first_where_it_does_better_and_the_sms_takes_its_time() -> None:
    line = Ordered(channel_order(CALL_BETTER))
    line.alert(Level.YELLOW)
    assert planned(line)["yellow.call"] == NOON + YELLOW_SMS
    assert planned(line)["yellow.sms"] == NOON + YELLOW_CALL
    assert ChannelPutFirst(Action.ROBOT_CALL, 400, 320, Action.SMS, 400, 360) in line.facts(FactKind.NOTE)
    line.pass_to(timedelta(hours=2))
    sent = [(each.action, each.at - NOON) for each in line.sent() if each.action in AUTOMATED and each.attempt == 1]
    assert sent == [(Action.ROBOT_CALL, YELLOW_SMS), (Action.SMS, YELLOW_CALL)]


@pytest.mark.parametrize("counts", [SMS_BETTER, ALIKE])
def test_the_plans_order_stands_where_the_counts_do_not_show_a_better_one(counts: dict[str, object]) -> None:
    line, without = Ordered(channel_order(counts)), Ordered(None)
    for each in (line, without):
        each.alert(Level.YELLOW)
    assert line.here == without.here


@pytest.mark.parametrize(
    ("order", "at", "of", "more"),
    [
        (channel_order(CALL_BETTER, levels=["blue"]), NOON, profile(), {}),
        (channel_order(CALL_BETTER, until=date(2026, 3, 1)), NOON, profile(), {}),
        (channel_order(CALL_BETTER), NOON + timedelta(hours=6), profile(), {}),  # an evening
        (channel_order(CALL_BETTER), NOON, profile(division="220122"), {}),  # a county
        (channel_order(CALL_BETTER), NOON, profile(Flag.OBJECTS_TO_CALLS), {}),  # no automated call at all
        (channel_order(CALL_BETTER), NOON, profile(), {"found": danger(Level.YELLOW, call_since=NOON)}),
    ],
)
def test_the_plans_order_stands_for_other_cases(
    order: ChannelOrder, at: datetime, of: Profile, more: dict[str, object]
) -> None:
    line, without = Ordered(order, at=at), Ordered(None, at=at)
    for each in (line, without):
        each.alert(Level.YELLOW, of=of, **more)
    assert line.here == without.here


def test_the_plans_order_stands_while_a_payment_is_under_way() -> None:
    line = Ordered(channel_order(CALL_BETTER))
    line.alert(Level.YELLOW, payment())
    assert not swapped(line)


@pytest.mark.parametrize("held", [hold(channel="phone"), hold(action="sms"), hold()])
def test_the_plans_order_stands_while_a_hold_keeps_one_of_the_two_back(held: Hold) -> None:
    line = Ordered(channel_order(CALL_BETTER), held)
    line.alert(Level.YELLOW)
    assert not swapped(line)


def test_red_is_never_reordered() -> None:
    with pytest.raises(ValidationError):
        channel_order(CALL_BETTER, levels=["red"])
    line, without = Ordered(channel_order(CALL_BETTER)), Ordered(None)
    for each in (line, without):
        each.alert(Level.RED, payment(), of=profile(contacts=1))
    assert line.here == without.here


def test_a_contact_is_not_put_back_into_the_night() -> None:
    at = NOON + timedelta(hours=9, minutes=20)  # 21:20: the call would be due at 22:20
    evening = row(HERE._replace(part=PartOfWeek.EVENING), (400, 360), (400, 320))
    line = Ordered(channel_order(evening), at=at)
    line.alert(Level.YELLOW)
    assert not swapped(line)
    assert planned(line)["yellow.sms"] == at + YELLOW_SMS


def test_who_is_in_an_experiment_has_its_order() -> None:
    line = Ordered(channel_order(CALL_BETTER))
    experiments = {"wording": plan()}
    line.rules = replace(line.rules, policy=line.rules.policy.model_copy(update={"experiments": experiments}))
    line.alert(Level.YELLOW)
    assert any(isinstance(what, AssignedToArm) for what in line.facts(FactKind.NOTE))
    assert not swapped(line)
    assert planned(line)["yellow.sms"] == NOON + YELLOW_SMS


def test_a_replay_decides_alike() -> None:
    one, other = Ordered(channel_order(CALL_BETTER)), Ordered(channel_order(CALL_BETTER))
    for line in (one, other):
        line.alert(Level.YELLOW)
        line.pass_to(timedelta(days=2))
    assert (one.here, one.sent()) == (other.here, other.sent())


def test_a_share_of_the_cases_keeps_the_plans_order() -> None:
    """2,000 cases of other ids: the share is within four standard errors of a tenth."""
    line = Ordered(channel_order(CALL_BETTER, keeps=0.1))
    line.alert(Level.YELLOW)
    steps = list(steps_for(line.rules.policy.plan.levels[Level.YELLOW], conditions(profile(), money_at_risk=False)))
    cases = [line.here.model_copy(update={"id": f"{line.here.resident}:{number}"}) for number in range(2_000)]
    kept = sum(swap_of(case, line.rules.policy, steps, NOON) is None for case in cases)
    assert abs(kept / len(cases) - 0.1) < 4 * (0.1 * 0.9 / len(cases)) ** 0.5


def test_the_better_channel_is_first_in_every_group_with_enough_data() -> None:
    """Planted shares: in half of the groups 8 of 10 calls are answered, in half 4 of 10; 9 of 10 messages arrive."""
    groups = list(every_group())
    answered = {group: 320 if number % 2 else 160 for number, group in enumerate(groups)}
    order = channel_order(*(row(group, (400, 360), (400, answered[group])) for group in groups))
    first = {
        group: is_better(Action.ROBOT_CALL, Action.SMS, counts, order)
        for group in groups
        if (counts := order.counts_of(group))
    }
    assert first == {group: answered[group] == 320 for group in groups}
    assert len(first) == 72


def test_groups_with_too_few_contacts_are_refused() -> None:
    with pytest.raises(ValidationError):
        channel_order(row(HERE, (LEAST_TRIES - 1, 50), (400, 320)))
    with pytest.raises(ValidationError):
        channel_order(row(HERE, (400, 401), (400, 320)))
    with pytest.raises(ValidationError):
        channel_order(CALL_BETTER, CALL_BETTER)


counts = st.integers(LEAST_TRIES, 2_000).flatmap(lambda tries: st.tuples(st.just(tries), st.integers(0, tries)))


@given(
    sms=counts,
    call=counts,
    level=st.sampled_from(Level),
    minutes=st.integers(0, 14 * 24 * 60),
    flags=st.sets(st.sampled_from(Flag)),
    contacts=st.integers(0, 2),
)
def test_nothing_is_left_out_or_later_than_the_plans_last_automated_contact(
    sms: tuple[int, int], call: tuple[int, int], level: Level, minutes: int, flags: set[Flag], contacts: int
) -> None:
    at, of = NOON + timedelta(minutes=minutes), profile(*flags, contacts=contacts)
    group = contact_group(of, at, timedelta(hours=8))
    levels = [Level.ORANGE, Level.YELLOW, Level.BLUE]
    line, without = Ordered(channel_order(row(group, sms, call), levels=levels), at=at), Ordered(None, at=at)
    for each in (line, without):
        each.alert(level, of=of)
    before, after = planned(without), planned(line)
    automated = {step.id for step in without.here.steps if step.action in AUTOMATED}
    assert after.keys() == before.keys()
    assert {name: at for name, at in after.items() if name not in automated} == {
        name: at for name, at in before.items() if name not in automated
    }
    assert sorted(after[name] for name in automated & after.keys()) == sorted(
        before[name] for name in automated & before.keys()
    )
    if level is Level.RED:
        assert line.here == without.here
