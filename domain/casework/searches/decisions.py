"""Searches for a resident who cannot be reached and is not home: started and stopped by a supervisor, ended by the
first officer who finds the resident, by their end, or because the case no longer needs them.

Answers may come in any order and more than once; a search ends once.
"""

from datetime import timedelta

from domain.casework import outcomes
from domain.casework.draft import DecisionBuilder
from domain.casework.endings import recall
from domain.casework.searches.records import may_not_start, search_clock, search_going_on, search_of
from domain.casework.steps import plan_step
from schemas.casework.cases import CaseState, Step, StepState
from schemas.casework.events import FactKind
from schemas.casework.inputs import PlaceReport
from schemas.casework.searches import (
    PlaceState,
    Search,
    SearchEnd,
    SearchPlace,
    StartSearchAct,
    StopSearchAct,
)
from schemas.codes.any_code import AnyCode, BroughtForward
from schemas.codes.refusals import RefusalCode
from schemas.codes.searches import (
    AllPlacesSearched,
    FoundAfterEnd,
    MayNotSearch,
    NeverMissing,
    NoSearch,
    NotSearching,
    PlaceNotLooked,
    PlaceSearched,
    ResidentFound,
    SearchExpired,
    SearchGoesOn,
    SearchNotNeeded,
    SearchOver,
    SearchStarted,
    SearchStopped,
)
from schemas.levels import Action, Outcome, OutcomeGround
from schemas.people.staff import StaffRole


def start_search(draft: DecisionBuilder, act: StartSearchAct, by: str, role: StaffRole | None) -> RefusalCode | None:
    """Start a search in `draft`, with a fact and the timer that ends it. Return None if it is done, else the reason for
    the refusal: MayNotSearch (no supervisor), SearchGoesOn (also for a search with a known id), NeverMissing
    (`missing_since` is in the future), or one of `may_not_start`.
    """
    if role is not StaffRole.SUPERVISOR:
        return MayNotSearch()
    if search_of(draft.case, act.search) is not None:
        return SearchGoesOn()
    if act.missing_since > draft.now:
        return NeverMissing()
    if why := may_not_start(draft.case):
        return why
    until = draft.after(timedelta(hours=act.hours))
    found = Search(
        id=act.search,
        ground=act.ground,
        missing_since=act.missing_since,
        by=by,
        at=draft.now,
        until=until,
        places=[SearchPlace(number=each.number, officer=each.officer) for each in act.places],
    )
    draft.set(searches=[*draft.case.searches, found])
    draft.timer(search_clock(draft.case, found), Action.VISIT, until)
    told = SearchStarted(by, act.ground, act.missing_since, len(found.places), len(found.officers), until)
    draft.note(FactKind.SEARCH, told, by=by)
    return None


def stop_search(draft: DecisionBuilder, act: StopSearchAct, by: str, role: StaffRole | None) -> RefusalCode | None:
    """End a search before its time, with a fact. Return None if it is done, MayNotSearch if the person is no
    supervisor, NoSearch if the case has no such search, or SearchOver if it has ended.
    """
    found = search_of(draft.case, act.search)
    if role is not StaffRole.SUPERVISOR:
        return MayNotSearch()
    if found is None:
        return NoSearch()
    if not found.goes_on:
        return SearchOver()
    _end(draft, found, SearchEnd.STOPPED, SearchStopped(by, act.ground), by)
    return None


def place_report(draft: DecisionBuilder, given: PlaceReport) -> None:
    """Apply an officer's report on a place of a search. Afterwards, the builder's time is the later of `now` and the
    report's arrival.

    The first report that the resident was found ends the search. It also counts after the search expired, if the find
    was before, no other search goes on, and the resident is not safe. Of a search that has ended, only that and the
    finder's report of the outcome are applied; anything else, like a report of an officer who does not search, is
    recorded as a fact REFUSED, and a later find as a fact too. A later report that somebody could not search a place
    that was searched has no effect.
    """
    found = search_of(draft.case, given.search)
    place = next((each for each in found.places if each.number == given.number), None) if found else None
    if found is None or place is None:
        draft.note(FactKind.REFUSED, NoSearch(), by=given.by)
    elif given.by not in found.officers:
        draft.note(FactKind.REFUSED, NotSearching(given.by), by=given.by)
    elif found.goes_on or _found_in_time(draft, found, given):
        _reported(draft, found, place, given)
    elif given.outcome is not None and found.found_by == given.by and draft.case.open:
        _outcome(draft, given)
    else:
        if given.state is PlaceState.FOUND:
            draft.note(FactKind.SEARCH, FoundAfterEnd(given.by, given.number), by=given.by)
        draft.note(FactKind.REFUSED, SearchOver(), by=given.by)
    draft.now = max(draft.now, given.told_at or draft.now)


def search_overdue(draft: DecisionBuilder, step: Step) -> None:
    """End the case's search because its time limit has passed, with the end EXPIRED. `step`: the timer that fell due.
    No effect unless it is the timer of the search that goes on now.
    """
    found = search_going_on(draft.case)
    if found is not None and search_clock(draft.case, found) == step.id:
        _end(draft, found, SearchEnd.EXPIRED, SearchExpired())


def end_needless_search(draft: DecisionBuilder) -> None:
    """End the search that goes on, with a fact, if the case is settled: the resident is safe, or the case is handed
    over or closed. No effect otherwise.
    """
    found = search_going_on(draft.case) if draft.case.settled else None
    if found is not None:
        _end(draft, found, SearchEnd.NOT_NEEDED, SearchNotNeeded())


def _found_in_time(draft: DecisionBuilder, found: Search, given: PlaceReport) -> bool:
    """Return True if the resident was found before the search expired, and the report came late, such as from a
    telephone without a network; the case must be unsettled, and no other search may go on.
    """
    late = found.end is SearchEnd.EXPIRED and found.ended_at is not None and given.at < found.ended_at
    needed = draft.case.open and not draft.plan_over and search_going_on(draft.case) is None
    return given.state is PlaceState.FOUND and late and needed


def _reported(draft: DecisionBuilder, found: Search, place: SearchPlace, given: PlaceReport) -> None:
    if place.state.looked and given.state is not PlaceState.FOUND:
        return
    changed = place.model_copy(update={"state": given.state, "by": given.by, "at": draft.now})
    places = [changed if each.number == place.number else each for each in found.places]
    after = found.model_copy(update={"places": places})
    _put(draft, after)
    if given.state is PlaceState.FOUND:
        _resident_found(draft, after, given)
        return
    looked = given.state is PlaceState.NOT_THERE
    told = PlaceSearched(given.by, place.number) if looked else PlaceNotLooked(given.by, place.number)
    draft.note(FactKind.SEARCH, told, by=given.by)
    if all(each.state.looked for each in places):
        draft.note(FactKind.SEARCH, AllPlacesSearched())


def _resident_found(draft: DecisionBuilder, found: Search, given: PlaceReport) -> None:
    """End the search and all visits. The case goes on with the finder, and the desk is to ask what came of it."""
    why = ResidentFound(given.by, given.number)
    _end(draft, found.model_copy(update={"found_by": given.by}), SearchEnd.FOUND, why, given.by)
    recall(draft, why)
    draft.set(officer=given.by, met_at=draft.now)
    draft.reached(Action.VISIT)
    late = outcomes.before_danger(draft, given.outcome, given.at)
    if given.outcome is not None:
        _outcome(draft, given)
    if draft.plan_over or (given.outcome is not None and not late):
        return
    draft.enter(CaseState.VISIT_UNDER_WAY, why)
    _ask_for_outcome(draft, why)


def _ask_for_outcome(draft: DecisionBuilder, why: AnyCode) -> None:
    """Make sure that the desk asks for the outcome within the policy's time for a talk: bring a later call forward, or
    plan one if none is unfinished.
    """
    due, calls = draft.after(draft.plan.talk_within), draft.live(Action.OPERATOR_CALL)
    for step in calls:
        if step.state is StepState.PENDING and step.due is not None and step.due > due:
            draft.change(step, due=due, because=why)
            draft.note(FactKind.NOTE, BroughtForward(step.id, why), step)
    if not calls:
        plan_step(draft, "asked.operator", Action.OPERATOR_CALL, due, why)


def _outcome(draft: DecisionBuilder, given: PlaceReport) -> None:
    if outcomes.before_danger(draft, given.outcome, given.at):
        outcomes.warned_before(draft, given.outcome, given.by)
    elif given.outcome is not None:
        ground = OutcomeGround.VISIT if given.outcome.outcome is Outcome.DISSUADED else None
        outcomes.apply(draft, given.outcome, given.by, None, Action.OPERATOR_CALL, ground)


def _end(draft: DecisionBuilder, found: Search, end: SearchEnd, why: AnyCode, by: str | None = None) -> None:
    _put(draft, found.model_copy(update={"end": end, "ended_at": draft.now}))
    draft.steps.pop(search_clock(draft.case, found), None)
    draft.note(FactKind.SEARCH, why, by=by)


def _put(draft: DecisionBuilder, found: Search) -> None:
    draft.set(searches=[found if each.id == found.id else each for each in draft.case.searches])
