from datetime import timedelta

from domain.casework import triage
from schemas.casework.cases import Case
from schemas.levels import Action, Level
from simulators.lab.dispatchers import default, first_come, level_then_age, oracle
from simulators.world.province import START, Province
from simulators.world.truth import Life
from tests.domain.builders import Line, payment, policy

NOW = START + timedelta(minutes=20)


def case(level: Level, age: int, letter: str = "a", amount: int = 0, resident: str = "") -> Case:
    """A case as old as that, in minutes."""
    line = Line()
    line.alert(level, *([payment(amount=amount)] if amount else []))
    who = resident or "r" + letter * 16
    return line.here.model_copy(
        update={"resident": who, "id": f"{who}-1", "opened_at": NOW - timedelta(minutes=age), "updated_at": NOW}
    )


def test_level_then_age_takes_the_gravest_first_and_of_one_level_the_oldest() -> None:
    young, old = case(Level.RED, 1, "a"), case(Level.RED, 9, "b")
    oldest = case(Level.ORANGE, 50, "c")
    assert level_then_age([oldest, young, old], NOW) == [old, young, oldest]


def test_first_come_takes_the_oldest_whatever_the_level() -> None:
    red, blue = case(Level.RED, 1, "a", 9_000_000), case(Level.BLUE, 50, "b")
    assert first_come([red, blue], NOW) == [blue, red]


def test_default_is_the_order_of_the_desk() -> None:
    cases = [case(Level.ORANGE, 40, "a"), case(Level.RED, 2, "b"), case(Level.RED, 5, "c", 90_000_000)]
    assert default(policy())(cases, NOW) == triage.order(cases, NOW, policy())


def paying(province: Province) -> list[Life]:
    """Who will pay after the next look, the most first."""
    lives = province.truth.lives.values()
    begun = [life for life in lives if life.story.begins <= NOW and life.story.payments]
    later = [life for life in begun if life.story.payments[0].at > NOW + timedelta(minutes=5)]
    alike = [life for life in later if life.story.scam_type == "brushing" and life.on_the_line(NOW) is None]
    return sorted(alike, key=lambda life: -life.story.asked_fen)


def province() -> Province:
    made = Province(7, residents=900)
    made.signals_until(NOW)
    return made


def test_the_oracle_takes_first_who_has_the_most_to_lose() -> None:
    made = province()
    most, *_, least = paying(made)
    cases = [case(Level.BLUE, 1, resident=life.story.victim.id) for life in (least, most)]
    assert oracle(made)(cases, NOW)[0].resident == most.story.victim.id


def test_the_oracle_takes_last_who_is_in_no_scam_or_persuaded_already() -> None:
    made = province()
    first, second, *_ = paying(made)
    first.persuade(NOW, Action.SMS)
    free = next(resident for resident in made.people if resident.id not in made.truth.lives)
    who = [free.id, first.story.victim.id, second.story.victim.id]
    cases = [case(Level.RED, age, resident=name) for age, name in zip((50, 40, 1), who, strict=True)]
    assert [each.resident for each in oracle(made)(cases, NOW)] == [who[2], who[0], who[1]]
