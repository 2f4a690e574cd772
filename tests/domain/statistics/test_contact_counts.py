"""Past contacts in the journal become counts, the counts a policy, and the policy another order of two steps."""

import random
from collections.abc import Iterable, Mapping
from datetime import date, timedelta

import pytest

from domain.casework import Decision, Rules
from domain.policy import load
from domain.policy.channels.order import LEAST_TRIES
from domain.policy.channels.proposal import (
    OnePersonError,
    OtherTableError,
    channel_order_text,
    check_channel_order,
    proposed_order,
    with_channel_order,
)
from domain.statistics.contact_counts import ContactHistory, GroupTally, enough
from schemas.casework.events import CaseEvent
from schemas.levels import Action, Level, Result
from tests.domain import builders
from tests.domain.builders import NOON, Line
from tests.domain.casework.ordering.channel_orders import HERE, channel_order, row

DAY = date(2026, 3, 2)


def journal(sms: Result | None, call: Result | None, rules: Rules | None = None, after: int = 0) -> list[CaseEvent]:
    """Return the journal of a yellow case. `sms`, `call`: the results of the first SMS and automated call, which come
    `after` minutes after each was sent; None: no result comes.
    """
    line = Line()
    line.rules = rules or line.rules
    line.alert(Level.YELLOW)
    answers = {Action.SMS: sms, Action.ROBOT_CALL: call}
    for _ in range(70):
        line.pass_to(timedelta(minutes=1))
        waits = [each for each in line.sent() if each.attempt == 1 and line.now - each.at >= timedelta(minutes=after)]
        for dispatch in waits:
            if (result := answers.pop(dispatch.action, None)) is not None:
                line.result(result, of=dispatch)
    return [_event(number, decision) for number, decision in enumerate(line.decisions)]


def _event(number: int, decision: Decision) -> CaseEvent:
    assert decision.case is not None
    made = {"facts": decision.facts, "dispatches": decision.dispatches}
    return builders.event(decision.case, number).model_copy(update=made)


def of_another(events: Iterable[CaseEvent], number: int) -> list[CaseEvent]:
    """The same journal, of another case."""
    case = f"{builders.RESIDENT}-{number}"
    return [
        event.model_copy(
            update={
                "case": event.case.model_copy(update={"id": case}),
                "dispatches": [each.model_copy(update={"case": case}) for each in event.dispatches],
            }
        )
        for event in events
    ]


def history(*journals: Iterable[CaseEvent]) -> ContactHistory:
    found = ContactHistory(builders.policy().plan)
    for number, events in enumerate(journals, 1):
        for event in of_another(events, number):
            found.add(event)
    return found


def counted(*journals: Iterable[CaseEvent]) -> Mapping[Action, GroupTally]:
    return history(*journals).tallies(DAY, DAY).get(HERE, {})


def test_contacts_are_counted_by_the_policys_own_results() -> None:
    found = counted(
        journal(Result.DELIVERED, Result.ACKNOWLEDGED),
        journal(Result.UNDELIVERED, Result.HUNG_UP),
        journal(None, Result.NO_ANSWER),
    )
    assert found == {Action.SMS: GroupTally(3, 1), Action.ROBOT_CALL: GroupTally(3, 2)}


def test_a_result_after_its_time_does_not_count_as_reached() -> None:
    assert counted(journal(Result.DELIVERED, None, after=2))[Action.SMS] == GroupTally(1, 0)


@pytest.mark.parametrize("result", [Result.NOT_SENT, Result.FAILED, Result.IN_DOUBT])
def test_a_contact_that_was_not_made_is_no_try(result: Result) -> None:
    assert counted(journal(result, Result.ACKNOWLEDGED)) == {
        Action.SMS: GroupTally(0, 0),
        Action.ROBOT_CALL: GroupTally(1, 1),
    }


def test_the_order_and_the_repetition_of_events_change_nothing() -> None:
    events = [*journal(Result.DELIVERED, Result.REFUSED), *of_another(journal(None, Result.HUNG_UP), 2)]
    one, other = ContactHistory(builders.policy().plan), ContactHistory(builders.policy().plan)
    for event in events:
        one.add(event)
    for event in random.Random(1).sample(events * 2, 2 * len(events)):
        other.add(event)
    assert one.tallies(DAY, DAY) == other.tallies(DAY, DAY)


def test_red_cases_and_other_days_are_not_counted() -> None:
    line = Line()
    line.alert(Level.RED)
    line.pass_to(timedelta(hours=1))
    red = [_event(number, decision) for number, decision in enumerate(line.decisions)]
    assert counted(red) == {}
    yellow = history(journal(Result.DELIVERED, None))
    assert yellow.tallies(DAY + timedelta(days=1), DAY + timedelta(days=9)) == {}


def test_nothing_is_told_of_a_group_with_fewer_contacts_than_the_least() -> None:
    events = journal(Result.DELIVERED, Result.ACKNOWLEDGED)
    few, sufficient = (history(*[events] * number).tallies(DAY, DAY) for number in (LEAST_TRIES - 1, LEAST_TRIES))
    assert enough(few) == []
    assert [each.group for each in enough(sufficient)] == [HERE]


def test_the_counts_of_the_journal_change_the_order_of_two_steps() -> None:
    """From results to a policy that is loaded anew: the next case is called before it gets a message."""
    answered, unanswered = journal(Result.DELIVERED, Result.ACKNOWLEDGED), journal(Result.DELIVERED, Result.NO_ANSWER)
    groups = enough(history(*[answered] * 270, *[unanswered] * 30).tallies(DAY, DAY))
    text = with_channel_order(builders.policy_text(), proposed_order(groups, DAY, DAY, None))
    line = Line()
    line.rules = Rules(load(text))
    line.alert(Level.YELLOW)
    sent = [each for each in line.pass_to(timedelta(hours=2)) if each.action in (Action.SMS, Action.ROBOT_CALL)]
    assert [(each.action, each.at - NOON) for each in sent[:2]] == [
        (Action.ROBOT_CALL, timedelta(minutes=3)),
        (Action.SMS, timedelta(hours=1)),
    ]


def test_a_proposal_replaces_the_table_and_leaves_the_rest_as_it_was() -> None:
    text, old, new = builders.policy_text(), channel_order(row(HERE, (400, 360), (400, 320))), channel_order()
    once = with_channel_order(text, old)
    assert once.startswith(text.rstrip())
    assert load(once).channel_order == old
    assert with_channel_order(once, new) == with_channel_order(text, new)


def test_a_proposal_keeps_the_levels_and_the_worth_in_force() -> None:
    before = channel_order(levels=["orange"], worth={"sms": 0.2, "robot_call": 0.4}, keeps=0.2)
    found = proposed_order([], DAY, DAY, before)
    assert (found.levels, found.worth, found.keeps) == (before.levels, before.worth, before.keeps)


def test_a_table_written_by_hand_in_another_way_is_not_replaced() -> None:
    order = channel_order(row(HERE, (400, 360), (400, 320)))
    text = f"{builders.policy_text()}\n{channel_order_text(order).replace('[channel_order]', '[ channel_order ]')}"
    with pytest.raises(OtherTableError):
        with_channel_order(text, order)


def test_two_persons_approve_new_counts_and_one_takes_them_out() -> None:
    without = builders.policy()
    some = without.model_copy(update={"channel_order": channel_order(row(HERE, (400, 360), (400, 320)))})
    others = without.model_copy(update={"channel_order": channel_order(row(HERE, (400, 360), (400, 120)))})
    with pytest.raises(OnePersonError):
        check_channel_order(some, [without], {"li"})
    with pytest.raises(OnePersonError):
        check_channel_order(others, [some, without], {"li"})
    check_channel_order(some, [without], {"li", "wang"})
    check_channel_order(some, [others, some], {"li"})  # they were approved before
    check_channel_order(without, [some], {"li"})
