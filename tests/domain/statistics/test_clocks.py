"""Clocks kept and missed, and claims that come back."""

from datetime import timedelta

from domain.calendar import after, before, day_of, shift_at
from domain.statistics.clocks import Clocks, ResponsibleParty, Tally, tally
from schemas.casework.acts import ClaimAct
from schemas.casework.inputs import VisitStage
from schemas.levels import Action, Level, Result
from tests.domain.builders import MIDNIGHT, NOON
from tests.domain.casework.journal import Journal


def red() -> Journal:
    line = Journal()
    line.alert(Level.RED)
    return line


def counted(line: Journal) -> dict[ResponsibleParty, Tally]:
    clocks = folded(line)
    return tally(clocks.by(lambda division: True, shift_at(NOON).start), lambda clock: clock.responsible)


def folded(line: Journal) -> Clocks:
    clocks = Clocks()
    for event in line.events:
        clocks.add(event)
    return clocks


def test_a_result_in_time_keeps_the_clock() -> None:
    line = red()
    line.result(Result.DELIVERED, Action.FLASH_SMS)
    assert counted(line)[ResponsibleParty.CARRIER] == Tally(1, 0)


def test_no_result_in_time_misses_it() -> None:
    line = red()
    line.fire("red.sms")
    assert counted(line)[ResponsibleParty.CARRIER].missed == 1


def test_an_event_told_once_more_counts_once() -> None:
    line = red()
    line.result(Result.DELIVERED, Action.FLASH_SMS)
    line.events += line.events
    assert counted(line)[ResponsibleParty.CARRIER] == Tally(1, 0)


def test_the_events_of_a_closed_case_told_once_more_count_once() -> None:
    line = red()
    line.result(Result.DELIVERED, Action.FLASH_SMS)
    line.act(ClaimAct(do="claim"), by="li")
    line.act(ClaimAct(do="unclaim"), by="li")
    line.dissuaded()
    line.pass_to(timedelta(days=30))
    assert not line.here.open
    once = folded(line)
    line.events += line.events
    twice = folded(line)
    assert (twice.counted, twice.returned, twice.claimed) == (once.counted, once.returned, once.claimed)


def test_a_late_officers_clock_is_his_and_not_his_followers() -> None:
    line = red()
    line.pass_to(timedelta(minutes=4))
    line.officer(VisitStage.ACCEPTED, by="officer wang")
    line.fire(line.last(Action.VISIT).step)
    visits = [clock for clock, _ in folded(line).by(lambda division: True, shift_at(NOON).start) if clock.officer]
    assert [(clock.officer, clock.kept) for clock in visits] == [("officer wang", False)]


def test_what_nobody_waited_for_any_more_was_not_missed() -> None:
    line = red()
    line.pass_to(timedelta(minutes=4))
    visit = line.last(Action.VISIT).step
    line.dissuaded()
    line.fire(visit)
    assert ResponsibleParty.OFFICER not in counted(line)


def test_another_area_sees_none_of_it() -> None:
    line = red()
    line.result(Result.DELIVERED, Action.FLASH_SMS)
    assert not list(folded(line).by(lambda division: division.startswith("2224"), shift_at(NOON).start))


def test_a_claim_is_known_by_its_hour_until_it_comes_back() -> None:
    line = red()
    line.act(ClaimAct(do="claim"), by="li")
    claimed = folded(line)
    assert claimed.claimed == {line.here.id: NOON}
    line.act(ClaimAct(do="unclaim"), by="li")
    given = folded(line)
    assert given.claimed == {}
    assert [(each.by, each.itself) for each in given.returned] == [("li", False)]


def test_a_forgotten_claim_comes_back_by_itself() -> None:
    line = red()
    line.pass_to(timedelta(minutes=2))
    line.act(ClaimAct(do="claim"), by="li")
    line.pass_to(timedelta(hours=1))
    assert ("li", True) in [(each.by, each.itself) for each in folded(line).returned]


def test_the_shifts_of_a_day_follow_one_another_without_a_gap() -> None:
    shift = shift_at(MIDNIGHT)
    assert shift.start == MIDNIGHT
    assert after(before(shift)) == shift
    assert before(shift).end == shift.start
    assert day_of(MIDNIGHT) == "2026-03-03"
