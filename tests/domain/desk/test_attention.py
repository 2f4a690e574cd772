"""What needs a supervisor: each matter once, the gravest first, a few of each topic."""

from datetime import timedelta

from domain.casework.triage import weigh
from domain.desk.attention import SHOWN, Concern, Matter, attention, complaints_late, matter_of, silences, stops_ending
from domain.payments.bank_book import BankBook
from schemas.casework.inputs import BankState, ClaimAct
from schemas.levels import Level
from schemas.risk.feeds import Silence
from tests.domain.builders import NOON, Line, at_the_desk, policy
from tests.domain.casework.journal import red_with_money
from tests.domain.desk.test_complaints import complaint

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


def test_a_step_past_its_due_time_needs_the_supervisor_from_then_on() -> None:
    line = at_the_desk()
    line.act(ClaimAct(do="claim"))
    found = matter(line, HOUR)
    assert found is not None
    assert found.topic is Concern.OVERDUE
    assert found.step is not None
    assert found.at == found.step.due == min(step.due for step in line.here.steps if step.due)


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


def test_the_gravest_stands_first_then_the_longest_and_the_rest_is_counted() -> None:
    silent = silences([Silence(source="unicom", since=NOON, expected=9.0, at=NOON, words="nothing came")])
    reds = [Matter(Concern.OVERDUE, Level.RED.rank, NOON + n * MINUTE, about=silent[0].about) for n in (3, 1)]
    blues = [
        Matter(Concern.UNCLAIMED, Level.BLUE.rank, NOON - n * MINUTE, about=silent[0].about) for n in range(SHOWN + 2)
    ]
    found = attention([*blues, *reds, *silent])
    assert [each.topic for each in found.shown[:3]] == [Concern.SILENT, Concern.OVERDUE, Concern.OVERDUE]
    assert [each.at for each in found.shown[1:3]] == [NOON + MINUTE, NOON + 3 * MINUTE]
    assert (len(found.shown), found.more) == (3 + SHOWN, {Concern.UNCLAIMED: 2})
    assert found.fine == [
        Concern.STOP,
        Concern.RELEASE,
        Concern.OBJECTION,
        Concern.PUBLIC_REPORT,
        Concern.COMPLAINT,
    ]
