"""Dissuaded residents in the laboratory: how many, what they answer a week later, and whether that is true."""

from datetime import timedelta

import pytest

from domain.casework import Decision
from schemas.casework.cases import WeekQuestion
from schemas.casework.inputs import CaseInput, ResidentInput
from schemas.levels import Action, Level, Result, WeekAnswer
from simulators.lab.book import Book, Dissuaded, Effort, Figures, answers, figures
from simulators.lab.dispatchers import DEFAULT, DISPATCHERS
from simulators.lab.laboratory import Laboratory
from simulators.lab.setup import made_for
from simulators.lab.tables import ROWS
from simulators.lab.waits import Waits
from simulators.world.province import START, Province
from simulators.world.truth import Life
from tests.domain.builders import RESIDENT, policy
from tests.domain.casework.journal import Journal

MINUTE = timedelta(minutes=1)
NO_EFFORT = Effort(timedelta(), timedelta(), timedelta())
MEASURES = ("week_nothing_paid", "week_paid", "week_contacted", "week_no_answer")


class Noted(Journal):
    """A Journal that also keeps every input of the case in `inputs`, by its id."""

    def __init__(self) -> None:
        super().__init__()
        self.inputs: dict[str, CaseInput] = {}

    def decide(self, given: CaseInput) -> Decision:
        self.inputs[given.id] = given
        return super().decide(given)


def dissuaded() -> Noted:
    """A blue case whose resident pressed the key."""
    line = Noted()
    line.alert(Level.BLUE)
    line.pass_to(timedelta(hours=5))
    line.result(Result.ACKNOWLEDGED, Action.ROBOT_CALL)
    return line


def book_of(line: Noted) -> Book:
    book, before = Book(Waits({})), None
    for event in line.events:
        given = line.inputs[event.input]
        assert isinstance(given, ResidentInput)
        book.add(before, given, event)
        before = event.case
    return book


def test_a_dissuaded_case_counts_once_and_its_answer_when_it_has_come() -> None:
    line = dissuaded()
    assert answers(book_of(line)) == {}
    assert len(book_of(line).dissuaded) == 1
    line.pass_to(timedelta(days=12))
    assert answers(book_of(line)) == {WeekAnswer.NO_ANSWER: 1}
    assert len(book_of(line).dissuaded) == 1


def test_who_was_not_dissuaded_is_in_no_column() -> None:
    line = Noted()
    line.alert(Level.RED)
    book = book_of(line)
    assert set(book.opened) == {f"{RESIDENT}-1"}
    assert book.dissuaded == {}


@pytest.fixture(scope="module")
def province() -> Province:
    own = made_for(2, 4, timedelta(hours=1), 0.7, 600, compressed=True)
    made = Province(7, own.residents, START, own.pace)
    made.signals_until(START + timedelta(hours=1))
    return made


def _paying(province: Province) -> Life:
    return next(life for life in province.truth.lives.values() if len(life.story.payments) > 1)


def test_a_payment_after_the_answer_that_nothing_was_paid_is_told_apart(province: Province) -> None:
    life = _paying(province)
    first, last = life.story.payments[0], life.story.payments[-1]
    end = last.settles + timedelta(days=1)

    def untrue(answer: WeekAnswer, since: timedelta = -MINUTE) -> float:
        week = WeekQuestion(asked_at=first.at, action=Action.WEEK_SMS, answer=answer, answered_at=end)
        book = Book(Waits({}), dissuaded={"case": Dissuaded(life.story.victim.id, first.at + since, week)})
        return figures(book, province, NO_EFFORT, end).week_paid_after_all

    assert untrue(WeekAnswer.NOTHING_PAID) == 1
    assert untrue(WeekAnswer.PAID_SINCE) == 0, "they said so"
    assert untrue(WeekAnswer.NOTHING_PAID, since=last.at - first.at) == 0, "they have paid nothing since"


def test_the_tables_show_dissuaded_beside_what_they_answered_after_a_week() -> None:
    assert {"dissuaded", "week_paid_after_all", *MEASURES} <= ROWS.keys() <= {*Figures.__annotations__, *ROWS}
    rule = policy().plan.asked["week_sms"].model_copy(update={"result_within": 10 * MINUTE})
    changes = {"ask_after": 5 * MINUTE, "asked": {**policy().plan.asked, "week_sms": rule}}
    soon = policy().model_copy(update={"plan": policy().plan.model_copy(update=changes)})
    own = made_for(2, 4, timedelta(hours=2), 0.7, 600, compressed=True)
    province = Province(7, own.residents, START, own.pace)
    found = Laboratory(province, soon, DISPATCHERS[DEFAULT](province, soon), own).run()
    told = sum(found.as_dict()[measure] for measure in MEASURES)
    assert 0 < told <= found.dissuaded <= found.cases
    assert found.week_paid_after_all <= found.week_nothing_paid
