"""A search for a resident who cannot be reached: it starts once, ends once, and its journal names no place."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.casework.searches.records import search_going_on, search_of
from domain.identity.personal import without
from schemas.casework.acts import CallAgainAct, NoteAct, OutcomeAct, SendOfficerAct
from schemas.casework.cases import CaseState, StepState
from schemas.casework.events import FactKind
from schemas.casework.inputs import Deadline, Erase, PlaceReport, VisitStage
from schemas.casework.searches import (
    AssignedPlace,
    PlaceState,
    Search,
    SearchEnd,
    SearchGround,
    StartSearchAct,
    StopGround,
    StopSearchAct,
)
from schemas.codes.people import TalkedBefore
from schemas.codes.refusals import CaseSettled
from schemas.codes.searches import (
    AllPlacesSearched,
    FoundAfterEnd,
    MayNotSearch,
    NeverMissing,
    NoSearch,
    NotSearching,
    OutcomeMissing,
    PlaceNotLooked,
    PlaceSearched,
    ResidentFound,
    SearchExpired,
    SearchGoesOn,
    SearchNotNeeded,
    SearchOver,
    SearchStarted,
    SearchStopped,
    TalkGoesOn,
)
from schemas.levels import Action, Level, Outcome, OutcomeGround, Result
from schemas.people.staff import StaffRole
from tests.domain.builders import RESIDENT, Line, at_the_desk, payment

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
WANG, ZHAO, SUN = "officer wang", "officer zhao", "officer sun"
LONG = "s1234567890abcdefghij1234567890a"  # as long as an id may be
PLACES = (("p1", WANG), ("p2", ZHAO), ("p3", SUN))


def starting(line: Line, name: str = LONG, **more: object) -> StartSearchAct:
    places = [AssignedPlace(number=number, officer=officer) for number, officer in PLACES]
    given = {"search": name, "ground": SearchGround.ISOLATED, "missing_since": line.now - HOUR, "places": places}
    return StartSearchAct.model_validate(given | more)


def searching(hours: int = 2) -> Line:
    """A red case in which nobody answers, nobody is home, and three officers search."""
    line = at_the_desk()
    line.act(starting(line, hours=hours), by="supervisor", role=StaffRole.SUPERVISOR)
    return line


def told(
    line: Line,
    number: str,
    state: PlaceState,
    by: str,
    *,
    outcome: OutcomeAct | None = None,
    at: datetime | None = None,
    search: str = LONG,
) -> PlaceReport:
    return PlaceReport(
        id=f"report:{len(line.decisions)}",
        at=at or line.now,
        resident=RESIDENT,
        case=line.here.id,
        by=by,
        search=search,
        number=number,
        state=state,
        outcome=outcome,
    )


def search(line: Line, name: str = LONG) -> Search:
    found = search_of(line.here, name)
    assert found is not None
    return found


def refused(line: Line) -> object:
    return line.facts(FactKind.REFUSED)[-1]


def test_a_supervisor_starts_a_search_with_a_ground_and_an_end() -> None:
    line = searching(hours=3)
    assert search(line).until == line.now + 3 * HOUR
    assert search(line).officers == {WANG, ZHAO, SUN}
    begun = SearchStarted("supervisor", SearchGround.ISOLATED, line.now - HOUR, 3, 3, line.now + 3 * HOUR)
    assert line.facts(FactKind.SEARCH) == [begun]


@pytest.mark.parametrize("role", [None, StaffRole.OPERATOR, StaffRole.OFFICER, StaffRole.RELEASE_DESK])
def test_nobody_else_starts_or_stops_one(role: StaffRole | None) -> None:
    line = at_the_desk()
    line.act(starting(line), role=role)
    assert refused(line) == MayNotSearch()
    assert line.here.searches == []
    line = searching()
    line.act(StopSearchAct(search=LONG, ground=StopGround.MISTAKE), role=role)
    assert refused(line) == MayNotSearch()
    assert search(line).goes_on


def test_no_search_begins_while_somebody_talks_with_the_resident() -> None:
    line = at_the_desk()
    line.act(NoteAct(what="conversation"))
    line.act(starting(line), role=StaffRole.SUPERVISOR)
    assert refused(line) == TalkGoesOn()


def test_no_search_begins_for_a_resident_who_is_safe() -> None:
    line = at_the_desk()
    line.dissuaded()
    line.act(starting(line), role=StaffRole.SUPERVISOR)
    assert refused(line) == CaseSettled(Outcome.DISSUADED)


def test_one_search_at_a_time_and_its_resident_is_missing_since_a_past_time() -> None:
    line = searching()
    line.act(starting(line, "s2"), role=StaffRole.SUPERVISOR)
    assert refused(line) == SearchGoesOn()
    line = at_the_desk()
    line.act(starting(line, missing_since=line.now + HOUR), role=StaffRole.SUPERVISOR)
    assert refused(line) == NeverMissing()


def test_one_find_ends_the_search_and_the_visits_and_the_case_goes_on_with_the_finder() -> None:
    line = at_the_desk()
    line.pass_to(2 * MINUTE)
    line.act(starting(line), role=StaffRole.SUPERVISOR)
    line.give(told(line, "p2", PlaceState.FOUND, ZHAO))
    assert (search(line).end, search(line).found_by) == (SearchEnd.FOUND, ZHAO)
    assert (line.here.officer, line.state(), line.here.met_at) == (ZHAO, CaseState.VISIT_UNDER_WAY, line.now)
    assert all(step.state is not StepState.SENT for step in line.here.steps if step.action is Action.VISIT)
    assert line.facts(FactKind.SEARCH)[-1] == ResidentFound(ZHAO, "p2")
    line.give(told(line, "p1", PlaceState.NOT_THERE, WANG))
    assert refused(line) == SearchOver()


def test_after_a_find_the_desk_is_to_ask_what_came_of_it() -> None:
    line = searching()
    line.give(told(line, "p2", PlaceState.FOUND, ZHAO))
    due = [step for step in line.here.steps if step.action is Action.OPERATOR_CALL and step.due is not None]
    assert due


def test_only_the_finder_reports_an_outcome_and_it_rests_on_their_visit() -> None:
    line = searching()
    line.give(told(line, "p2", PlaceState.FOUND, ZHAO))
    outcome = OutcomeAct(outcome=Outcome.DISSUADED)
    line.give(told(line, "p1", PlaceState.FOUND, WANG, outcome=outcome))
    assert refused(line) == SearchOver()
    line.give(told(line, "p2", PlaceState.FOUND, ZHAO, outcome=outcome))
    assert (line.state(), line.here.ground) == (CaseState.DISSUADED, OutcomeGround.VISIT)


def test_a_place_that_one_officer_could_not_look_at_is_open_to_the_others() -> None:
    line = searching()
    line.give(told(line, "p1", PlaceState.NOT_LOOKED, WANG))
    assert line.facts(FactKind.SEARCH)[-1] == PlaceNotLooked(WANG, "p1")
    line.give(told(line, "p1", PlaceState.NOT_THERE, SUN))
    assert line.facts(FactKind.SEARCH)[-1] == PlaceSearched(SUN, "p1")
    before = line.here
    line.give(told(line, "p1", PlaceState.NOT_LOOKED, WANG))
    assert line.here == before


def test_when_all_places_are_searched_the_desk_learns_it_and_the_search_goes_on() -> None:
    line = searching()
    for number, officer in PLACES:
        line.give(told(line, number, PlaceState.NOT_THERE, officer))
    assert line.facts(FactKind.SEARCH)[-1] == AllPlacesSearched()
    assert search(line).goes_on


def test_a_search_ends_at_its_end() -> None:
    line = searching(hours=1)
    line.fire("clock.search.0")
    assert search(line).end is SearchEnd.EXPIRED
    assert line.facts(FactKind.SEARCH)[-1] == SearchExpired()
    line.give(told(line, "p1", PlaceState.FOUND, WANG))
    assert refused(line) == SearchOver()
    assert line.facts(FactKind.SEARCH)[-1] == FoundAfterEnd(WANG, "p1")


def expired() -> Line:
    line = searching(hours=1)
    line.fire("clock.search.0")
    return line


def test_a_find_from_before_the_end_that_comes_after_it_counts() -> None:
    line = expired()
    line.give(told(line, "p1", PlaceState.FOUND, WANG, at=line.now - 5 * MINUTE))
    assert (search(line).end, search(line).found_by) == (SearchEnd.FOUND, WANG)
    assert (line.here.officer, line.here.met_at) == (WANG, line.now - 5 * MINUTE)
    assert not line.facts(FactKind.REFUSED)


def test_a_find_of_an_expired_search_ends_no_other_search() -> None:
    line = expired()
    line.act(starting(line, "s2"), role=StaffRole.SUPERVISOR)
    line.give(told(line, "p1", PlaceState.FOUND, WANG, at=line.now - 5 * MINUTE))
    assert refused(line) == SearchOver()
    assert (search(line).end, search(line, "s2").end) == (SearchEnd.EXPIRED, None)


@pytest.mark.parametrize("outcome", [Outcome.DISSUADED, Outcome.FALSE_ALARM])
@pytest.mark.parametrize("at_once", [True, False])
def test_an_outcome_from_before_a_new_danger_settles_nothing(outcome: Outcome, *, at_once: bool) -> None:
    line = searching()
    talked, act = line.now, OutcomeAct(outcome=outcome)
    line.now += 10 * MINUTE
    if not at_once:
        line.give(told(line, "p2", PlaceState.FOUND, ZHAO))
    line.alert(Level.RED, payment("bank:2"))
    line.now += MINUTE
    line.give(told(line, "p2", PlaceState.FOUND, ZHAO, outcome=act, at=talked))
    assert not line.here.settled
    assert TalkedBefore() in line.facts(FactKind.NOTE)
    assert search(line).found_by == ZHAO
    assert [step for step in line.here.steps if step.action is Action.OPERATOR_CALL and step.due is not None]


def test_after_a_find_the_desk_s_promised_call_is_brought_forward() -> None:
    line = searching()
    line.act(CallAgainAct(when=line.now + timedelta(days=2)))
    line.give(told(line, "p2", PlaceState.FOUND, ZHAO))
    [call] = [step for step in line.here.steps if step.action is Action.OPERATOR_CALL and step.due is not None]
    assert call.due
    assert call.due <= line.now + HOUR


def test_after_a_find_no_search_begins_until_its_outcome_is_told() -> None:
    line = searching()
    line.give(told(line, "p2", PlaceState.FOUND, ZHAO))
    line.act(starting(line, "s2"), role=StaffRole.SUPERVISOR)
    assert refused(line) == OutcomeMissing()
    line.give(told(line, "p2", PlaceState.FOUND, ZHAO, outcome=OutcomeAct(outcome=Outcome.NOT_PERSUADED)))
    line.act(starting(line, "s2"), role=StaffRole.SUPERVISOR)
    assert search(line, "s2").goes_on


def test_a_visit_after_a_find_that_nobody_accepts_goes_to_the_next_officer() -> None:
    line = searching()
    line.give(told(line, "p2", PlaceState.FOUND, ZHAO))
    line.act(SendOfficerAct(reason="the bank says that the resident is there again"), role=StaffRole.SUPERVISOR)
    line.pass_to(timedelta(0))
    line.officer(VisitStage.ASSIGNED, by=SUN)
    out = line.officer(VisitStage.NOT_ACCEPTED, by=SUN).dispatches
    assert [(each.action, each.attempt) for each in out] == [(Action.VISIT, 2)]


def test_a_supervisor_stops_a_search_once() -> None:
    line = searching()
    stop = StopSearchAct(search=LONG, ground=StopGround.ELSEWHERE)
    line.act(stop, by="supervisor", role=StaffRole.SUPERVISOR)
    assert search(line).end is SearchEnd.STOPPED
    assert line.facts(FactKind.SEARCH)[-1] == SearchStopped("supervisor", StopGround.ELSEWHERE)
    line.act(stop, by="supervisor", role=StaffRole.SUPERVISOR)
    assert refused(line) == SearchOver()
    line.act(StopSearchAct(search="s9", ground=StopGround.MISTAKE), role=StaffRole.SUPERVISOR)
    assert refused(line) == NoSearch()


def test_a_resident_who_is_safe_is_looked_for_no_more() -> None:
    line = searching()
    line.dissuaded()
    assert search(line).end is SearchEnd.NOT_NEEDED
    assert SearchNotNeeded() in line.facts(FactKind.SEARCH)
    assert "clock.search.0" not in line.states()


def test_who_takes_no_part_reports_nothing_nor_on_a_place_that_is_none_of_the_search() -> None:
    line = searching()
    line.give(told(line, "p1", PlaceState.FOUND, "officer li"))
    assert refused(line) == NotSearching("officer li")
    line.give(told(line, "p9", PlaceState.FOUND, WANG))
    assert refused(line) == NoSearch()
    line.give(told(line, "p1", PlaceState.FOUND, WANG, search="s9"))
    assert refused(line) == NoSearch()
    assert search(line).goes_on


def test_an_erased_case_keeps_its_searches_which_name_no_place() -> None:
    line = Line()
    line.alert(Level.RED, payment())
    line.result(Result.DELIVERED, Action.FLASH_SMS)
    line.act(starting(line), role=StaffRole.SUPERVISOR)
    line.give(told(line, "p2", PlaceState.NOT_THERE, ZHAO))
    line.outcome(Outcome.FALSE_ALARM)
    line.pass_to(timedelta(days=30))
    before = line.here.searches
    line.give(Erase(id="erase", at=line.now, resident=RESIDENT, by="officer of data"))
    assert line.facts(FactKind.FORGOTTEN)
    assert line.here.searches == before
    assert without(line.here) == line.here


ANSWERS = st.tuples(st.sampled_from([*PLACES, ("p1", SUN), ("p2", WANG)]), st.sampled_from(list(PlaceState)[1:]))
EVENTS = st.one_of(ANSWERS, st.sampled_from(["expires", "stop", "dissuaded", "again"]))


@given(st.lists(EVENTS, min_size=1, max_size=12))
def test_in_any_order_of_answers_a_search_ends_at_most_once_and_by_the_first_that_ends_it(events: list[object]) -> None:
    line = searching()
    end, expired_first = None, False
    until = search(line).until
    for event in events:
        step_to(line, event, until)
        now = search(line)
        late_find = end is SearchEnd.EXPIRED and now.end is SearchEnd.FOUND  # of before the end, told after it
        assert end is None or now.end is end or late_find
        expired_first |= late_find
        end = now.end
        assert (now.end is SearchEnd.FOUND) == (now.found_by is not None)
        assert ("clock.search.0" in line.states()) == now.goes_on
        assert (search_going_on(line.here) is None) == (end is not None)
    ends = (ResidentFound, SearchExpired, SearchStopped, SearchNotNeeded)
    assert sum(isinstance(fact, ends) for fact in line.facts(FactKind.SEARCH)) == (end is not None) + expired_first


def step_to(line: Line, event: object, until: datetime) -> None:
    match event:
        case ((str(number), str(officer)), PlaceState() as state):
            line.give(told(line, number, state, officer))
        case "expires":
            clock = {"id": f"d{len(line.decisions)}", "at": until, "resident": RESIDENT, "case": line.here.id}
            line.decide(Deadline.model_validate({**clock, "step": "clock.search.0", "due": until}))
        case "stop":
            line.act(StopSearchAct(search=LONG, ground=StopGround.ELSEWHERE), role=StaffRole.SUPERVISOR)
        case "again":
            line.act(starting(line), role=StaffRole.SUPERVISOR)
        case _:
            line.dissuaded()
