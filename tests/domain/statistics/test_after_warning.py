"""Fraud after a warning: which cases count, in which group, and with which interval."""

import pickle
import random
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.statistics.after_warning import (
    SMS_ALONE_SINGAPORE,
    AfterWarning,
    GroupCounts,
    GroupName,
    WarningHistory,
    after_warning,
    by_resident,
    group_counts,
    share_rows,
    warned_case,
)
from domain.statistics.shares import ShareEstimate, share_of
from schemas.casework.acts import CloseAct
from schemas.casework.cases import Case, CaseState
from schemas.casework.events import CaseEvent, Fact, FactKind
from schemas.casework.frauds import GivenWarning, RecordedFraud
from schemas.casework.inputs import FraudReport
from schemas.codes.plan import StillSafe
from schemas.levels import Action, Level, Outcome, OutcomeGround, Result
from schemas.risk.reported_frauds import FraudMatch, MatchedBy, MatchStrength, UnmatchedReason
from schemas.risk.signals import TransferState
from tests.domain.builders import NOON, Line, at_the_desk, event, payment

DAY = timedelta(days=1)
LATER = NOON + 365 * DAY
PEOPLE = "abcdefghijklmnop"


def case(who: str = "a", *warnings: GivenWarning, **fields: object) -> Case:
    made = at_the_desk().here
    name = f"r{who * 16}"
    return made.model_copy(
        update={"id": f"{name}-1", "resident": name, "warnings": list(warnings), "payments": [], **fields}
    )


def warned(action: Action = Action.SMS, after: timedelta = timedelta(0), **fields: object) -> GivenWarning:
    message = "" if action is Action.VISIT else f"{action.value}.zh.default"
    known = {"number": 1, "at": NOON + after, "level": Level.RED, "action": action, "message": message}
    return GivenWarning.model_validate(known | fields)


def fraud(after: timedelta, name: str = "police:1", **fields: object) -> RecordedFraud:
    known = {"id": name, "number": 1, "version": 1, "happened_at": NOON + after, "reported_at": NOON + after}
    match = {"by": MatchedBy.ID_NUMBER, "strength": MatchStrength.CERTAIN, "dated": True}
    return RecordedFraud.model_validate(known | match | fields)


def figures(*cases: Case, matches: tuple[FraudMatch, ...] = (), now: datetime = LATER) -> AfterWarning:
    history = WarningHistory()
    for each in cases:
        history.add(event(each))
    return after_warning(history, matches, now)


def of(found: AfterWarning, dimension: str, value: str = "") -> tuple[tuple[int, int], ...]:
    [row] = [row for row in found.rows if (row.dimension, row.value) == (dimension, value)]
    return tuple((each.k, each.n) for each in row.within)


@pytest.mark.parametrize(
    ("after", "counts"),
    [
        (timedelta(0), ((1, 1), (1, 1))),
        (30 * DAY, ((1, 1), (1, 1))),
        (30 * DAY + timedelta(seconds=1), ((0, 1), (1, 1))),
        (90 * DAY, ((0, 1), (1, 1))),
        (91 * DAY, ((0, 1), (0, 1))),
        (-DAY, ((0, 1), (0, 1))),
    ],
)
def test_a_fraud_counts_within_the_days_after_the_warning(
    after: timedelta, counts: tuple[tuple[int, int], ...]
) -> None:
    assert of(figures(case("a", warned(), frauds=[fraud(after)])), "all") == counts


def test_each_channel_message_and_level_counts_from_its_own_warnings() -> None:
    sms, visit = warned(Action.SMS, level=Level.ORANGE), warned(Action.VISIT, 40 * DAY)
    found = figures(case("a", sms, visit, frauds=[fraud(45 * DAY)]))
    assert of(found, "channel", "sms") == ((0, 1), (1, 1))
    assert of(found, "channel", "visit") == ((1, 1), (1, 1))
    assert of(found, "level", "orange") == ((0, 1), (1, 1))
    assert of(found, "level", "red") == ((1, 1), (1, 1))
    assert of(found, "message", "sms.zh.default") == ((0, 1), (1, 1))
    assert of(found, "message", "visit") == ((1, 1), (1, 1))
    assert of(found, "station", case().profile.division) == ((1, 1), (1, 1))


def test_a_warning_that_is_younger_than_the_span_is_not_counted_yet() -> None:
    found = figures(case("a", warned(), frauds=[fraud(5 * DAY)]), case("b", warned()), now=NOON + 40 * DAY)
    assert of(found, "all") == ((1, 2), (0, 0))
    assert found.rows[0].warned == 2
    assert found.rows[0].within[1] == ShareEstimate(0, 0, None, None, None)


def test_a_later_cases_record_counts_against_the_earlier_cases_warning_and_only_the_latest_case_says_which() -> None:
    first = case("a", warned(), frauds=[fraud(10 * DAY, "police:withdrawn"), fraud(20 * DAY)])
    second = first.model_copy(
        update={
            "id": first.id.replace("-1", "-2"),
            "number": 2,
            "warnings": [*first.warnings, warned(Action.VISIT, 60 * DAY, number=2)],
            "frauds": [fraud(50 * DAY, "police:2", number=2)],
        }
    )
    found = figures(first, second)
    assert of(found, "all") == ((0, 2), (1, 2))
    assert of(found, "channel", "sms") == ((0, 1), (1, 1))


def test_a_message_to_a_trusted_contact_is_no_warning_of_the_resident() -> None:
    assert figures(case("a", warned(Action.CONTACT_SMS))).rows == []


def test_the_journals_order_and_repetitions_change_nothing() -> None:
    line = at_the_desk()
    line.dissuaded()
    line.act(CloseAct(reason="settled"))
    versions = [decision.case for decision in line.decisions if decision.case and decision.facts]
    events = [event(each, number) for number, each in enumerate(versions)] * 2
    history = WarningHistory()
    for each in events:
        history.add(each)
    random.Random(1).shuffle(events)
    shuffled = WarningHistory()
    for each in events:
        shuffled.add(each)
    assert after_warning(history, [], LATER) == after_warning(shuffled, [], LATER)
    assert after_warning(history, [], LATER).week.at_the_time == 1


def test_the_history_keeps_a_small_part_of_a_case() -> None:
    line = at_the_desk()
    line.dissuaded()
    history = WarningHistory()
    history.add(event(line.here))
    assert history.latest[line.here.id].warnings
    assert 4 * len(pickle.dumps(history.latest)) < len(pickle.dumps(line.here))


def test_the_counts_of_different_residents_add_up_to_the_figures_of_all() -> None:
    cases = [
        case("a", warned(), warned(Action.VISIT, DAY), frauds=[fraud(20 * DAY)]),
        case("b", warned(level=Level.ORANGE)),
        case("c", warned(after=300 * DAY), frauds=[fraud(310 * DAY)]),
    ]
    added: dict[GroupName, GroupCounts] = {}
    for each in cases:
        for name, numbers in group_counts(by_resident([warned_case(each)]), LATER).items():
            added[name] = added.get(name, GroupCounts()).plus(numbers)
    assert share_rows(added) == figures(*cases).rows
    assert of(figures(*cases), "all") == ((2, 3), (1, 2))


def test_cases_first_warned_before_the_period_are_left_out_as_a_whole() -> None:
    known, begun = case("a", warned(), warned(after=200 * DAY)), case("b", warned(after=200 * DAY))
    residents = by_resident([warned_case(known), warned_case(begun)])
    [everything, *_] = share_rows(group_counts(residents, LATER, NOON + 100 * DAY))
    assert (everything.dimension, everything.warned) == ("all", 1)
    assert share_rows(group_counts(residents, LATER))[0].warned == 2


def dissuaded_by(ground: OutcomeGround, who: str = "a", **fields: object) -> Case:
    settled = {"state": CaseState.DISSUADED, "settled_at": NOON, "outcome": Outcome.DISSUADED, "ground": ground}
    return case(who, warned(), **(settled | fields))


def safe(of: Case, after: timedelta) -> CaseEvent:
    fact = Fact(kind=FactKind.RESULT, what=StillSafe(), action=Action.FOLLOW_UP, result=Result.ACKNOWLEDGED)
    return event(of).model_copy(update={"at": NOON + after, "facts": [fact]})


def test_dissuaded_is_confirmed_if_asked_again_by_another_channel_after_a_week_and_nothing_was_paid() -> None:
    by_visit, by_call = dissuaded_by(OutcomeGround.VISIT, "a"), dissuaded_by(OutcomeGround.CALL, "b")
    paid = dissuaded_by(
        OutcomeGround.VISIT, "c", payments=[payment("bank:1", 100, TransferState.SETTLED, "p", NOON + 2 * DAY)]
    )
    too_soon, defrauded = dissuaded_by(OutcomeGround.VISIT, "d"), dissuaded_by(OutcomeGround.VISIT, "e")
    history = WarningHistory()
    for each in (by_visit, by_call, paid, too_soon, defrauded):
        history.add(event(each))
        history.add(safe(each, 7 * DAY if each is not too_soon else 3 * DAY))
    ended = {"state": CaseState.ALREADY_DEFRAUDED, "version": defrauded.version + 1, "frauds": [fraud(3 * DAY)]}
    history.add(event(defrauded.model_copy(update=ended)))
    week = after_warning(history, [], LATER).week
    assert (week.at_the_time, week.a_week_old) == (5, 5), "also who was defrauded later was dissuaded at the time"
    assert (week.no_payment.k, week.asked.k, week.asked_otherwise.k, week.confirmed.k) == (3, 4, 3, 1)
    young = after_warning(history, [], NOON + 6 * DAY).week
    assert (young.at_the_time, young.a_week_old, young.confirmed.share) == (5, 0, None)


def test_sms_alone_counts_those_who_had_begun_to_pay_and_paid_no_more() -> None:
    before = payment("bank:1", 100, TransferState.SETTLED, "p", NOON - DAY)
    again = payment("bank:2", 100, TransferState.SETTLED, "p", NOON + DAY)
    stopped = case("a", warned(), payments=[before])
    went_on = case("b", warned(), payments=[before, again])
    never_paid = case("c", warned())
    called = case("d", warned(), warned(Action.OPERATOR_CALL, DAY), payments=[before])
    found = figures(stopped, went_on, never_paid, called).sms_alone
    assert (found.reached, found.broken_off.k, found.broken_off.n) == (3, 1, 2)
    assert round(SMS_ALONE_SINGAPORE, 2) == 0.31


def matched(name: str, who: str | None, after: timedelta, why: UnmatchedReason | None = None) -> FraudMatch:
    known = {"id": f"police:{name}", "version": 1, "change": 1, "digest": "0" * 32}
    times = dict.fromkeys(("happened_at", "reported_at", "received_at"), NOON + after) | {"dated": True}
    by = {"resident": f"r{who * 16}", "by": MatchedBy.ID_NUMBER, "strength": MatchStrength.CERTAIN} if who else {}
    return FraudMatch.model_validate({**known, **times, **by, "why": why})


def test_every_record_is_warned_not_warned_or_unmatched() -> None:
    matches = (
        matched("1", "a", DAY),
        matched("2", "a", -DAY),
        matched("3", "z", DAY),
        matched("4", None, DAY, UnmatchedReason.OTHER_NAME),
    )
    found = figures(case("a", warned()), matches=matches).records
    assert (found.received, found.after_warning, found.not_warned) == (4, 1, 2)
    assert found.matched_by == {"id_number": 3}
    assert found.unmatched["other_name"] == 1
    assert found.received == sum(found.matched_by.values()) + sum(found.unmatched.values())


def test_a_record_in_the_journal_is_counted_in_the_report() -> None:
    line: Line = at_the_desk()
    line.dissuaded()
    line.pass_to(3 * DAY)
    given = FraudReport(
        id="1",
        at=line.now,
        resident=line.here.resident,
        record="police:1",
        version=1,
        happened_at=line.now,
        reported_at=line.now,
        dated=True,
        by=MatchedBy.ID_NUMBER,
        strength=MatchStrength.CERTAIN,
    )
    line.give(given)
    assert of(figures(line.here), "channel", "phone")[0] == (1, 1)


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [  # Newcombe, Statistics in Medicine 17 (1998), 857, table I: method 3 (score, without continuity correction)
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_wilsons(k: int, n: int, low: float, high: float) -> None:
    found = share_of(k, n)
    assert found.low == pytest.approx(low, abs=1e-4)
    assert found.high == pytest.approx(high, abs=1e-4)


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_an_interval_contains_its_share_and_lies_between_0_and_1(one: int, other: int) -> None:
    k, n = min(one, other), max(one, other)
    found = share_of(k, n)
    if n:
        assert found.low is not None
        assert found.high is not None
        assert 0 <= found.low <= k / n <= found.high <= 1
    with pytest.raises(ValueError, match="between 0 and n"):
        share_of(n + 1, n)
