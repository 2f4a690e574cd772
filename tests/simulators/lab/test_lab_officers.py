"""The laboratory's officers: who is sent, and which visit each makes next."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from schemas.casework.cases import Case
from schemas.casework.events import Dispatch
from schemas.casework.inputs import OfficerReport, ResidentInput, VisitStage
from schemas.levels import Action, Level
from schemas.people.residents import Language
from simulators.lab.agenda import Agenda
from simulators.lab.officers import Officers, fleet
from simulators.world.contacts import VisitReport
from tests.domain.builders import NOON, Line, payment, policy

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
ACCEPTED = VisitReport(VisitStage.ACCEPTED, MINUTE)
WAY = [VisitReport(VisitStage.ON_THE_WAY, 2 * MINUTE), VisitReport(VisitStage.ARRIVED, 11 * MINUTE)]
DONE = [ACCEPTED, *WAY, VisitReport(VisitStage.DONE, 31 * MINUTE)]
REFUSED = [VisitReport(VisitStage.REFUSED, MINUTE)]


class Town:
    """Residents whose doors all answer alike, and officers who go there. `reports`: what every officer reports."""

    def __init__(self, officers: int, reports: Sequence[VisitReport] = DONE) -> None:
        self.agenda, self.reports = Agenda(NOON), reports
        self.cases: dict[str, Case] = {}
        self.told: list[tuple[timedelta, str, VisitStage]] = []  # after how long, of which letter
        self.officers = Officers(
            fleet(officers, NOON, NOON + DAY), policy(), self, self.agenda, self._give, self.cases.get
        )

    def taken(self, dispatch: str, now: datetime) -> VisitReport | None:
        return next(iter(self.reports), None)

    def visit(self, dispatch: str, now: datetime) -> Sequence[VisitReport]:
        return self.reports

    def send(self, letter: str, yuan: int = 10_000, level: Level = Level.ORANGE, attempt: int = 1) -> str | None:
        """Ask for a visit to the resident of this letter; who is sent."""
        out = self._asked_for(letter, yuan, level, attempt)
        choice = self.officers.send(out, Language.CHINESE)
        return choice.officer.id if choice else None

    def settle(self, letter: str) -> None:
        del self.cases["r" + letter * 16]

    def pass_to(self, after: timedelta) -> None:
        while self.agenda.next_at <= NOON + after:
            self.agenda.step()
        self.agenda.now = NOON + after

    def when(self, letter: str, stage: VisitStage) -> list[timedelta]:
        return [after for after, of, reached in self.told if (of, reached) == (letter, stage)]

    def _asked_for(self, letter: str, yuan: int, level: Level, attempt: int) -> Dispatch:
        line = Line()
        line.alert(Level.RED, payment(amount=yuan * 100))
        line.pass_to(timedelta(minutes=4))
        who = "r" + letter * 16
        named = {"resident": who, "level": level}
        steps = [step.model_copy(update={"attempt": attempt}) for step in line.here.steps]
        self.cases[who] = line.here.model_copy(update=named | {"id": f"{who}-1", "steps": steps})
        changes = {"case": f"{who}-1", "attempt": attempt, "id": f"{who}-1:red.visit:{attempt}:visit"}
        return line.last(Action.VISIT).model_copy(update=named | changes)

    def _give(self, given: ResidentInput) -> None:
        assert isinstance(given, OfficerReport)
        self.told.append((self.agenda.now - NOON, given.resident[1], given.stage))


def test_an_officer_makes_one_visit_after_the_other_and_his_hours_are_those_on_the_way_and_at_the_door() -> None:
    town = Town(1)
    assert [town.send(letter) for letter in "ab"] == ["unit-1", "unit-1"]
    town.pass_to(timedelta(hours=2))
    assert town.when("a", VisitStage.DONE) == [31 * MINUTE]
    assert town.when("b", VisitStage.DONE) == [61 * MINUTE]
    assert town.officers.busy == 60 * MINUTE


def test_of_those_that_wait_the_one_about_most_money_is_made_first() -> None:
    town = Town(1)
    for letter, yuan in (("a", 10_000), ("b", 1000), ("c", 9000)):
        town.send(letter, yuan)
    town.pass_to(timedelta(hours=2))
    made = sorted((town.when(letter, VisitStage.DONE), letter) for letter in "abc")
    assert [letter for _, letter in made] == ["a", "c", "b"]


def test_a_grave_one_is_made_before_what_waits() -> None:
    town = Town(1)
    town.send("a")
    town.send("b", 900_000)
    town.send("c", 100, Level.RED)
    town.pass_to(timedelta(hours=2))
    assert town.when("c", VisitStage.DONE) < town.when("b", VisitStage.DONE)


def test_what_nobody_waits_for_any_more_is_not_made() -> None:
    town = Town(1)
    town.send("a")
    town.send("b")
    town.pass_to(5 * MINUTE)
    town.settle("b")
    town.pass_to(timedelta(hours=2))
    assert town.when("b", VisitStage.ARRIVED) == []
    assert town.officers.busy == 30 * MINUTE


def test_who_has_enough_to_do_is_given_no_more_until_one_is_done() -> None:
    town = Town(1)
    rules = policy().visits
    assert [town.send(letter) for letter in "abcd"] == ["unit-1"] * rules.ahead + [None]
    town.pass_to(32 * MINUTE)
    assert town.send("d") == "unit-1"


def test_who_refused_a_case_is_not_sent_to_it_again_but_to_others() -> None:
    town = Town(1, REFUSED)
    town.send("a")
    town.pass_to(5 * MINUTE)
    assert town.send("a", attempt=2) is None
    assert town.send("b") == "unit-1"


def test_who_says_nothing_is_not_sent_again_and_has_worked_no_hour() -> None:
    town = Town(1, [])
    town.send("a")
    town.pass_to(5 * MINUTE)
    assert town.send("a", attempt=2) is None
    assert town.send("b") == "unit-1"
    assert town.officers.busy == timedelta(0)


def test_nobody_goes_where_there_is_nobody() -> None:
    assert Town(0).send("a") is None
