"""A province lived through: what holds of the live line holds here."""

from collections import Counter, defaultdict
from dataclasses import replace
from statistics import fmean

from domain.dispatches.validity import AFTER_SETTLED
from domain.policy.schedule import STOPS
from schemas.casework.cases import Case
from schemas.casework.events import CaseEvent, FactKind
from schemas.levels import Action, Channel, Level
from simulators.lab.book import Figures
from simulators.lab.compare import Contender, of_seed
from simulators.lab.dispatchers import DISPATCHERS, FIRST_COME, LEVEL_THEN_AGE, ORACLE
from simulators.lab.laboratory import Laboratory
from simulators.world.province import START, Province
from tests.domain.builders import policy
from tests.simulators.lab.runs import TEXT, figures, lived, setup

SEEDS = range(1, 4)
MORE = range(1, 9)  # where one payment more or less would decide over three


def events() -> list[CaseEvent]:
    found = lived(7)[0].events
    assert found
    return found


def test_the_same_seed_gives_the_same_events_twice() -> None:
    own = setup()
    province = Province(7, own.residents, START, own.pace)
    again = Laboratory(province, policy(), DISPATCHERS["default"](province, policy()), own, keep_events=True)
    assert again.run() == lived(7)[2]
    assert again.events == events()


def test_another_seed_gives_another_province() -> None:
    assert lived(8)[2] != lived(7)[2]


def test_an_hour_has_cases_of_every_level_and_every_channel_is_used() -> None:
    assert {event.case.level for event in events()} == set(Level)
    used = {dispatch.channel for event in events() for dispatch in event.dispatches}
    assert used == set(Channel) - {Channel.PROVINCE}, "this policy hands no case over"


def test_a_case_has_each_version_once_and_in_the_order_of_time() -> None:
    versions, last = defaultdict[str, list[int]](list), START
    for event in events():
        versions[event.case.id].append(event.case.version)
        assert event.at >= last
        last = event.at
    assert all(found == list(range(1, len(found) + 1)) for found in versions.values())


def test_every_dispatch_is_carried_out_once() -> None:
    sent = Counter(dispatch.id for event in events() for dispatch in event.dispatches)
    assert set(sent.values()) == {1}
    booked = Counter(contact.dispatch for contact in lived(7)[1].truth.contacts if ":" in contact.dispatch)
    assert set(booked.values()) == {1}
    assert booked.keys() <= sent.keys()


def test_once_a_resident_is_dissuaded_or_cleared_nothing_more_of_the_plan_goes_out() -> None:
    before: dict[str, Case] = {}
    for event in events():
        known = before.get(event.case.id)
        if known is not None and known.settled and event.case.settled:
            assert all(dispatch.action in AFTER_SETTLED for dispatch in event.dispatches)
        before[event.case.id] = event.case


def test_a_case_that_becomes_red_has_its_first_message_in_that_moment() -> None:
    raised = [event for event in events() if _says(event, FactKind.LEVEL_RAISED) and event.case.level is Level.RED]
    assert raised
    for event in raised:
        assert Action.FLASH_SMS in {dispatch.action for dispatch in event.dispatches}


def _says(event: CaseEvent, kind: FactKind) -> bool:
    return any(fact.kind is kind for fact in event.facts)


def test_what_is_avoided_and_what_is_lost_are_together_what_would_have_been_lost() -> None:
    found = lived(7)[2]
    assert found.loss_avoided_fen + found.loss_fen == found.loss_unwarned_fen
    assert 0 < found.loss_avoided_fen < found.loss_unwarned_fen


def test_all_that_is_avoided_was_kept_by_somebody() -> None:
    found = lived(7)[2]
    keepers = found.by_banks_fen, found.by_machines_fen, found.by_operators_fen, found.by_officers_fen
    assert sum(keepers) == found.loss_avoided_fen
    assert min(keepers) >= 0
    assert found.by_banks_fen > 0


def test_the_figures_agree_with_the_books_of_the_province() -> None:
    _, province, found = lived(7)
    reached = [contact for contact in province.truth.contacts if contact.action not in STOPS]
    assert found.contacts >= found.calls + found.visits
    assert 0 < found.contacts <= len(reached)
    assert found.needless <= found.false_alarms
    assert 0 < found.operators_busy <= 1.05  # the last talk may go on beyond the end
    assert 0.9 < found.clocks_kept <= 1
    assert 0 < found.desk_clocks_kept <= 1


def test_with_nobody_at_the_desk_and_nobody_to_send_the_robots_still_warn() -> None:
    none = of_seed(3, setup(2, 4), [Contender("none", TEXT, setup=setup(0, 0))])["none"]
    assert (none.operator_hours, none.officer_hours, none.visits) == (0, 0, 0)
    assert none.calls > 0
    assert none.desk_clocks_kept < 0.5


def mean(name: str, measure: str, seeds: range = SEEDS) -> float:
    found: list[Figures] = [figures(seed, LEVEL_THEN_AGE, FIRST_COME, ORACLE)[name] for seed in seeds]
    return fmean(each.as_dict()[measure] for each in found)


def test_who_knows_the_truth_avoids_no_less_than_who_does_not() -> None:
    oracle = mean(ORACLE, "loss_avoided_fen", MORE)
    assert oracle >= mean(LEVEL_THEN_AGE, "loss_avoided_fen", MORE)
    assert oracle >= mean(FIRST_COME, "loss_avoided_fen", MORE)


def test_more_operators_avoid_no_less() -> None:
    few, many = [], []
    for seed in SEEDS:
        own = setup(1, overload=2)
        more = Contender("many", TEXT, setup=replace(own, operators=5))
        found = of_seed(seed, own, [Contender("few", TEXT), more])
        few.append(found["few"].loss_avoided_fen)
        many.append(found["many"].loss_avoided_fen)
    assert fmean(many) >= 0.97 * fmean(few)
