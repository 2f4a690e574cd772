"""What needs a supervisor: each matter once, the gravest first, a few of each topic."""

from datetime import timedelta

import hypothesis
import pytest
from hypothesis import strategies as st

from domain.casework.triage import weigh
from domain.desk.attention import (
    SHOWN,
    Concern,
    Matter,
    Urgency,
    attention,
    complaints_late,
    matter_of,
    orders_waiting,
    silences,
    stops_ending,
    wrong_numbers,
)
from domain.desk.open_deadline import deadline
from domain.payments.bank_book import BankBook
from domain.payments.headline import HeadlineKind
from schemas.casework.acts import AskStopAct, ClaimAct
from schemas.casework.cases import Step, StepState, Stop, StopState
from schemas.casework.inputs import BankState
from schemas.casework.orders import Approval
from schemas.levels import Action, Level
from schemas.people.staff import StaffRole
from schemas.risk.feeds import Silence
from tests.domain.builders import NOON, Line, at_the_desk, danger, payment, policy
from tests.domain.casework.journal import red_with_money
from tests.domain.casework.test_triage import DUE, case, on_desk
from tests.domain.desk.test_complaints import complaint

MANY = (
    *((Level.RED, 100, "a"), (Level.RED, 9_000_000, "b"), (Level.RED, 5_000_000, "c")),
    *((Level.ORANGE, 90_000_000, "d"), (Level.RED, 0, "e"), (Level.BLUE, 0, "f")),
)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def matter(line: Line, later: timedelta = timedelta(0)) -> Matter | None:
    return matter_of(line.here, weigh(line.here, policy()), line.now + later)


def test_a_red_case_that_nobody_has_claimed_needs_the_supervisor_at_once() -> None:
    line = at_the_desk()
    found = matter(line)
    assert found is not None
    assert (found.topic, found.at) == (Concern.UNCLAIMED, line.here.offered_at)
    line.act(ClaimAct(do="claim"))
    assert matter(line) is None


def test_a_case_whose_residents_number_is_wrong_needs_the_supervisor_until_somebody_has_seen_it() -> None:
    line = at_the_desk()
    assert wrong_numbers([line.here]) == []
    marked = line.here.model_copy(update={"wrong_number_at": line.now})
    (found,) = wrong_numbers([marked])
    assert (found.topic, found.rank, found.at, found.assignable) == (Concern.NUMBER, Level.RED.rank, line.now, True)


def test_a_step_past_its_due_time_needs_the_supervisor_from_then_on() -> None:
    line = at_the_desk()
    line.act(ClaimAct(do="claim"))
    found = matter(line, HOUR)
    assert found is not None
    assert found.topic is Concern.OVERDUE
    assert found.step is not None
    assert found.at == found.step.due == min(step.due for step in line.here.steps if step.due)


def test_a_call_that_an_operator_owes_needs_the_supervisor_in_its_last_minute() -> None:
    given = case(Level.RED, steps=on_desk(), claimed_by="op1")
    weight = weigh(given, policy())
    assert matter_of(given, weight, DUE - MINUTE) is None
    found = matter_of(given, weight, DUE - MINUTE / 2)
    assert found is not None
    assert (found.topic, found.at, found.step) == (Concern.EXPIRING, DUE, given.steps[0])


@pytest.mark.parametrize("state", [StepState.PENDING, StepState.SENT])
def test_a_message_that_goes_out_or_awaits_its_receipt_needs_nobody(state: StepState) -> None:
    steps = [Step(id="red.sms", action=Action.SMS, state=state, due=NOON + MINUTE / 2)]
    given = case(Level.RED, steps=steps, claimed_by="op1")
    assert matter_of(given, weigh(given, policy()), NOON) is None


def test_a_claim_that_no_page_renews_needs_the_supervisor_in_its_last_minute() -> None:
    line = at_the_desk()
    line.act(ClaimAct(do="claim"))
    weight = weigh(line.here, policy())
    assert matter_of(line.here, weight, line.now, line.now + MINUTE) is None
    found = matter_of(line.here, weight, line.now, line.now + MINUTE / 2)
    assert found is not None
    assert (found.topic, found.at, found.step) == (Concern.EXPIRING, line.now + MINUTE / 2, None)


def test_a_stop_order_waits_for_those_who_may_approve_it_and_have_not() -> None:
    line = Line(approves=False)
    line.alert(Level.RED, payment(amount=1_000_000))
    line.act(AskStopAct(transfer="bank:1"))
    (order,) = line.here.orders
    (found,) = orders_waiting([line.here], "s1", StaffRole.SUPERVISOR)
    assert (found.topic, found.at, found.about, found.assignable) == (Concern.APPROVAL, order.due, order, False)
    assert orders_waiting([line.here], "a1", StaffRole.AUDITOR) == []
    approved = Approval(by="s1", role=StaffRole.SUPERVISOR, at=line.now)
    signed = line.here.model_copy(update={"orders": [order.model_copy(update={"approvals": (approved,)})]})
    assert orders_waiting([signed], "s1", StaffRole.SUPERVISOR) == []
    assert orders_waiting([signed], "s2", StaffRole.SUPERVISOR) != []


def test_what_is_gone_within_a_minute_stands_before_what_has_waited_longest() -> None:
    given = case(Level.BLUE, steps=on_desk(), claimed_by="op1")
    soon = matter_of(given, weigh(given, policy()), DUE - MINUTE / 2)
    assert soon is not None
    waits = Matter(Concern.UNCLAIMED, Level.RED.rank, NOON - HOUR, case(Level.RED, letter="b", steps=on_desk()))
    assert [each.topic for each in attention([waits, soon]).shown] == [Concern.EXPIRING, Concern.UNCLAIMED]


def waiting(level: Level, amount: int = 0, letter: str = "a", minutes: int = 1) -> Matter:
    """A case that waits for an operator, with so much money under way."""
    given = case(level, amount, letter, steps=on_desk(), offered_at=NOON - minutes * MINUTE)
    return Matter(Concern.UNCLAIMED, level.rank, given.offered_at, given)


def test_a_red_case_with_money_under_way_stands_before_one_that_has_waited_longer_without() -> None:
    waits, goes = waiting(Level.RED, minutes=30), waiting(Level.RED, 5_000_000, "b")
    orange = waiting(Level.ORANGE, 90_000_000, "c", minutes=60)
    assert attention([orange, waits, goes]).shown == [goes, waits, orange]


def test_of_red_cases_with_money_under_way_the_largest_amount_comes_first() -> None:
    small, large = waiting(Level.RED, 400_00, minutes=30), waiting(Level.RED, 80_000_00, "b")
    assert attention([small, large]).shown == [large, small]


def test_a_stop_order_and_an_expiring_red_case_with_money_stand_before_all_else() -> None:
    line = Line(approves=False)
    line.alert(Level.RED, payment(amount=1_000_000))
    line.act(AskStopAct(transfer="bank:1"))
    (order,) = orders_waiting([line.here], "s1", StaffRole.SUPERVISOR)
    step = Step(id="red.operator", action=Action.OPERATOR_CALL, state=StepState.SENT, due=NOON)
    expiring = Matter(Concern.EXPIRING, Level.RED.rank, NOON, case(Level.RED, 2_000_000, "c"), step)
    goes = waiting(Level.RED, 90_000_000, "b", minutes=60)
    assert attention([goes, order, expiring]).shown == [expiring, order, goes]
    assert [each.urgency for each in (order, goes)] == [Urgency.DUE, Urgency.MONEY]


def test_without_money_under_way_what_expires_soonest_comes_first_whatever_its_level() -> None:
    blue = Matter(Concern.EXPIRING, Level.BLUE.rank, NOON + MINUTE / 4, case(Level.BLUE, letter="b"))
    red = Matter(Concern.EXPIRING, Level.RED.rank, NOON + MINUTE / 2, case(Level.RED, letter="c"))
    assert attention([waiting(Level.RED, minutes=60), red, blue]).shown[:2] == [blue, red]


def test_no_clock_stands_above_one_that_has_run_out_whatever_the_levels_and_amounts() -> None:
    step = on_desk()[0]
    unclaimed = {
        letter: case(Level.RED, amount, letter, steps=[step.model_copy(update={"due": DUE + after})])
        for letter, amount, after in (("a", 90_000_000, 4 * MINUTE), ("b", 500, MINUTE / 2), ("c", 0, MINUTE / 4))
    }
    overdue = case(
        Level.YELLOW, letter="d", steps=[step.model_copy(update={"due": DUE - 2 * MINUTE})], claimed_by="op1"
    )
    given = [matter_of(each, weigh(each, policy()), DUE) for each in (*unclaimed.values(), overdue)]
    found = attention(each for each in given if each is not None)
    assert [each.case.id for each in found.shown if each.case] == [
        each.id for each in (overdue, unclaimed["c"], unclaimed["b"], unclaimed["a"])
    ]


def test_a_matter_says_how_much_money_it_is_about_and_whether_that_is_an_estimate() -> None:
    goes, waits = waiting(Level.RED, 5_000_000), waiting(Level.RED)
    assert (goes.amount_fen, goes.estimated) == (5_000_000, False)
    assert waits.case is not None
    assert (waits.amount_fen, waits.estimated) == (waits.case.danger.exposure_fen or None, True)
    (silent,) = silences([Silence(source="unicom", since=NOON, expected=9.0, at=NOON, words="nothing came")])
    assert (silent.amount_fen, silent.estimated) == (None, False)


@hypothesis.given(st.permutations([waiting(level, amount, letter) for level, amount, letter in MANY]))
def test_the_order_does_not_depend_on_how_the_matters_came(matters: list[Matter]) -> None:
    shown = attention(matters).shown
    assert shown == sorted(shown, key=lambda each: each.place)
    assert [each.amount_fen for each in shown] == [9_000_000, 5_000_000, 100, *(each.amount_fen for each in shown[3:])]


def test_money_whose_stop_is_in_force_is_no_money_under_way() -> None:
    moving = payment(amount=5_000_000)
    held = moving.model_copy(update={"stop": Stop(state=StopState.IN_FORCE)})
    urgencies = []
    for each in (moving, held):
        given = case(Level.RED, steps=on_desk(), payments=[each])
        matter = Matter(Concern.UNCLAIMED, Level.RED.rank, NOON, given)
        assert matter.headline is not None
        urgencies.append((matter.urgency, matter.headline.kind))
    assert urgencies == [(Urgency.MONEY, HeadlineKind.AT_STAKE), (Urgency.OTHER, HeadlineKind.STOPPED)]


def partly_stopped(letter: str, stopped: int, moving: int) -> Matter:
    """An unclaimed red case with these sums (fen)."""
    held = payment("bank:9", amount=stopped).model_copy(update={"stop": Stop(state=StopState.IN_FORCE)})
    payments = [held, *([payment(amount=moving)] if moving else [])]
    given = case(Level.RED, letter=letter, steps=on_desk(), offered_at=NOON - MINUTE, payments=payments)
    return Matter(Concern.UNCLAIMED, Level.RED.rank, given.offered_at, given)


def test_the_desk_sorts_and_marks_by_the_money_that_nothing_has_stopped_as_it_shows_it() -> None:
    mostly, goes = partly_stopped("a", 100_000_000, 100_00), waiting(Level.RED, 50_000_000, "b")
    held = partly_stopped("c", 200_000_000, 0)
    found = attention([held, mostly, goes])
    assert (found.shown, found.largest) == ([goes, mostly, held], goes)
    assert [each.amount_fen for each in found.shown] == [50_000_000, 100_00, None]
    assert attention([held]).largest is None, "stopped money is not what the free operator is needed for"


def test_the_red_case_that_waits_longest_and_the_largest_are_always_shown() -> None:
    many = [waiting(Level.RED, 10_000 + n, letter) for n, letter in enumerate("cdefgh")]
    longest, estimate = waiting(Level.RED, 1, "a", minutes=40), case(Level.RED, letter="b", steps=on_desk())
    estimate = estimate.model_copy(update={"danger": danger(Level.RED, exposure=90_000)})
    large = Matter(Concern.UNCLAIMED, Level.RED.rank, NOON, estimate)
    found = attention([*many, longest, large])
    assert (found.longest, found.largest) == (longest, large)
    assert found.shown[SHOWN:] == [longest, large], "an estimate stands behind all money that is known to be under way"
    assert found.more == {Concern.UNCLAIMED: 2}


def test_a_case_with_several_matters_is_shown_once_with_the_topics_of_the_others() -> None:
    waits, other = waiting(Level.RED, 5_000), waiting(Level.RED, 1_000, "b")
    assert waits.case is not None
    assert other.case is not None
    order = Matter(Concern.APPROVAL, Level.RED.rank, NOON, waits.case)
    wrong = Matter(Concern.NUMBER, Level.RED.rank, NOON, waits.case)
    for matters in ([waits, order, other, wrong], [wrong, other, order, waits]):
        found = attention(matters)
        assert found.shown == [order, other]
        assert found.also == {waits.case.id: [wrong, waits], other.case.id: []}
        assert not found.more
        assert not {Concern.UNCLAIMED, Concern.NUMBER, Concern.APPROVAL} & set(found.fine)


def test_an_unclaimed_case_says_how_long_its_nearest_deadline_is_off() -> None:
    found = waiting(Level.RED)
    assert found.left is not None
    assert found.left.at == DUE
    claimed = Matter(Concern.EXPIRING, Level.RED.rank, NOON, found.case)
    assert claimed.left is None


def test_an_unclaimed_case_counts_down_to_the_deadline_that_its_row_in_the_queue_shows() -> None:
    stop = Step(id="red.stop", action=Action.STOP_PAYMENT, state=StepState.PENDING, due=DUE - MINUTE)
    given = case(Level.RED, steps=[stop, *on_desk()])
    found = Matter(Concern.UNCLAIMED, Level.RED.rank, NOON, given)
    assert found.left == deadline(given) == (stop.due, stop)


def test_an_unclaimed_case_whose_shown_deadline_expires_within_a_minute_stands_before_a_larger_one() -> None:
    soon, later = (case(Level.RED, amount, letter, steps=on_desk()) for amount, letter in ((100, "a"), (900, "b")))
    late = later.model_copy(update={"steps": [on_desk()[0].model_copy(update={"due": DUE + MINUTE})]})
    matters = [matter_of(each, weigh(each, policy()), DUE - MINUTE / 2) for each in (soon, late)]
    found = attention([each for each in matters if each is not None])
    assert [each.case for each in found.shown] == [soon, late]
    assert [each.urgency for each in found.shown] == [Urgency.DUE, Urgency.MONEY]
    early = attention(each for each in (matter_of(c, weigh(c, policy()), NOON) for c in (soon, late)) if each)
    assert [each.case for each in early.shown] == [late, soon], "of two that wait, the larger amount"


def test_of_unclaimed_cases_without_known_money_the_one_that_expires_soonest_comes_first() -> None:
    first, second = (case(Level.RED, 0, letter, steps=on_desk(), offered_at=NOON) for letter in "ab")
    sooner = second.model_copy(update={"steps": [on_desk()[0].model_copy(update={"due": DUE - MINUTE / 4})]})
    matters = [matter_of(each, weigh(each, policy()), DUE - MINUTE / 2) for each in (first, sooner)]
    assert [each.case for each in attention([each for each in matters if each]).shown] == [sooner, first]


def test_a_stop_needs_the_supervisor_before_it_expires() -> None:
    line, book = red_with_money(), BankBook()
    line.pass_to(timedelta(minutes=2))
    line.bank(BankState.IN_FORCE)
    for event in line.events:
        book.add(event)
    stops = book.in_force(lambda division: True)
    assert stops_ending(stops, line.now + HOUR) == []
    (found,) = stops_ending(stops, line.now + 49 * HOUR)
    assert (found.topic, found.about) == (Concern.STOP, stops[0])


def test_only_an_overdue_complaint_needs_the_supervisor() -> None:
    assert complaints_late([complaint()], NOON + 23 * HOUR) == []
    (found,) = complaints_late([complaint()], NOON + 25 * HOUR)
    assert (found.topic, found.at) == (Concern.COMPLAINT, NOON + 24 * HOUR)


def test_what_is_overdue_stands_first_then_the_gravest_then_the_longest_and_the_rest_is_counted() -> None:
    silent = silences([Silence(source="unicom", since=NOON, expected=9.0, at=NOON, words="nothing came")])
    reds = [Matter(Concern.OVERDUE, Level.RED.rank, NOON + n * MINUTE, about=silent[0].about) for n in (3, 1)]
    blues = [
        Matter(Concern.UNCLAIMED, Level.BLUE.rank, NOON - n * MINUTE, about=silent[0].about) for n in range(SHOWN + 2)
    ]
    found = attention([*blues, *reds, *silent])
    assert [each.topic for each in found.shown[:3]] == [Concern.OVERDUE, Concern.OVERDUE, Concern.SILENT]
    assert [each.at for each in found.shown[:2]] == [NOON + MINUTE, NOON + 3 * MINUTE]
    assert (len(found.shown), found.more) == (3 + SHOWN, {Concern.UNCLAIMED: 2})
    assert found.fine == [
        Concern.EXPIRING,
        Concern.LATE_VISIT,
        Concern.APPROVAL,
        Concern.STOP,
        Concern.RELEASE,
        Concern.OBJECTION,
        Concern.PUBLIC_REPORT,
        Concern.PROVINCE,
        Concern.NUMBER,
        Concern.COMPLAINT,
        Concern.SUBJECT_REQUEST,
    ]
