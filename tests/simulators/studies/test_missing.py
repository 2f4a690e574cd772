"""The study of searches: more officers never find later, and every way searches for the same residents."""

from datetime import timedelta

from domain.policy.visits import VisitRules
from schemas.casework.searches import AssignedPlace
from schemas.people.places import Located, PlaceKind
from schemas.people.rosters import Officer, Role
from simulators.studies.missing import AT_A_PLACE, looked_at, search_times

RULES = VisitRules()


def test_more_officers_find_more_residents_and_sooner() -> None:
    found = search_times((1, 2, 4), range(1, 4), 60, RULES)
    assert [each.officers for each in found] == [1, 2, 4]
    assert found[0].found < found[1].found < found[2].found <= 1
    assert found[0].hour <= found[1].hour <= found[2].hour
    medians = [each.median_minutes or 0 for each in found]
    assert medians == sorted(medians, reverse=True)
    assert medians[0] > medians[2] > 0


def test_one_seed_draws_the_same_residents_again() -> None:
    assert search_times((2,), (7,), 30, RULES) == search_times((2,), (7,), 30, RULES)
    assert search_times((2,), (7,), 30, RULES) != search_times((2,), (8,), 30, RULES)


def test_nobody_is_found_who_is_at_no_place() -> None:
    [many] = search_times((12,), range(1, 11), 50, RULES)
    assert many.found <= AT_A_PLACE + 0.08  # two and a half standard deviations of 500 draws


def test_a_place_is_looked_at_after_the_way_and_the_time_at_the_door() -> None:
    places = [(f"p{n}", Located(kind=PlaceKind.HOTEL, name=f"{n}", division="220104001", address="路")) for n in (1, 2)]
    tasks = [AssignedPlace(number=number, officer="w-1") for number, _ in places]
    officer = Officer(id="w-1", name="某", role=Role.OFFICER, division="220104001")
    one = RULES.way.street + RULES.door
    assert looked_at(places, tasks, [officer], RULES) == {"p1": one, "p2": one * 2}
    assert one == timedelta(minutes=30)
