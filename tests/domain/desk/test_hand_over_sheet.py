"""What one shift leaves to the next, and the load it leaves."""

from datetime import timedelta

from domain.desk.handover import Sheet, sheet
from domain.desk.load import load_of, overdue
from domain.payments.bank_book import BankBook
from schemas.casework.acts import CallAgainAct, ClaimAct
from schemas.casework.cases import Step, StepState
from schemas.casework.inputs import BankState
from schemas.levels import Action, Level
from tests.domain.builders import NOON, Line, hold
from tests.domain.casework.journal import Journal, red_with_money

EIGHT = timedelta(hours=8)


def written(line: Line, book: BankBook | None = None, within: timedelta = EIGHT) -> Sheet:
    stops = book.shown(lambda division: True) if book else []
    return sheet([line.here], stops, line.now, line.now + within)


def test_an_open_red_stands_on_it_with_what_comes_next() -> None:
    line = red_with_money()
    (red,) = written(line).reds
    assert red.step is not None
    assert (red.step.action, red.due) == (Action.ROBOT_CALL, NOON + timedelta(seconds=20))
    line.dissuaded()
    assert written(line).reds == []


def test_a_call_that_was_promised_stands_on_it_with_its_hour() -> None:
    line = red_with_money()
    assert written(line).promises == [], "a call of the plan is not a promise"
    line.act(CallAgainAct(when=NOON + timedelta(hours=5)))
    (promise,) = written(line).promises
    assert promise.due == NOON + timedelta(hours=5)


def test_a_stop_stands_on_it_if_it_runs_out_before_the_next_shift_ends() -> None:
    line = red_with_money()
    line.pass_to(timedelta(minutes=2))
    line.bank(BankState.IN_FORCE)
    book = BankBook()
    for event in line.events:
        book.add(event)
    assert written(line, book).stops == []
    assert len(written(line, book, timedelta(hours=49)).stops) == 1


def test_what_a_hold_keeps_back_stands_on_it() -> None:
    line = Line(hold())
    line.alert(Level.RED)
    assert [each.case.id for each in written(line).held] == [line.here.id]
    assert written(line).figures == {"reds": 1, "promises": 0, "held": 1, "stops": 0}


def test_a_printed_sheet_is_known_again_by_its_digest() -> None:
    line = red_with_money()
    before = written(line).digest
    assert written(line).digest == before
    line.act(ClaimAct(do="claim"))
    assert written(line).digest != before


def test_the_load_counts_who_waits_who_is_late_and_who_has_a_case() -> None:
    line = Journal()
    line.alert(Level.RED)
    later = NOON + timedelta(hours=1)
    assert overdue(line.here, later)
    assert not overdue(line.here, NOON)
    load = load_of([(line.here, True)], later)
    assert (load.open[Level.RED], load.waiting[Level.RED], load.overdue[Level.RED]) == (1, 1, 1)
    line.act(ClaimAct(do="claim"))
    load = load_of([(line.here, True)], NOON)
    assert (load.waiting[Level.RED], load.claimed[Level.RED]) == (0, 1)


def test_each_open_case_is_counted_with_one_handler_so_that_the_columns_add_up() -> None:
    line = Journal()
    line.alert(Level.RED)
    free = line.here
    unsent = [step for step in free.steps if step.action is not Action.VISIT]
    sent = Step(id="red.visit", action=Action.VISIT, state=StepState.SENT, due=NOON)
    automatic = free.model_copy(update={"steps": unsent, "claimed_by": None})
    visited = free.model_copy(update={"steps": [*unsent, sent], "claimed_by": None})
    claimed = visited.model_copy(update={"claimed_by": "li"})
    load = load_of([(automatic, True), (automatic, False), (visited, False), (claimed, False)], NOON)
    parts = [each[Level.RED] for each in (load.waiting, load.claimed, load.officers, load.automatic)]
    assert (parts, load.open[Level.RED]) == ([1, 1, 1, 1], 4)
