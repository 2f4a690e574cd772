"""The searches of a case as they stand: which one goes on, and whether another may be started."""

from domain.casework.draft import CLOCK
from schemas.casework.cases import Case
from schemas.casework.searches import MOST_SEARCHES, Search, SearchEnd
from schemas.codes.refusals import RefusalCode
from schemas.codes.searches import MostSearches, OutcomeMissing, SearchGoesOn, TalkGoesOn

SEARCH_CLOCK = f"{CLOCK}search."  # ids of the timers that end searches: the search's position in the case follows


def search_of(case: Case, name: str) -> Search | None:
    """Return the case's search with the id `name`, or None if it has none."""
    return next((each for each in case.searches if each.id == name), None)


def search_going_on(case: Case) -> Search | None:
    """Return the case's search that has not ended, or None. There is at most one."""
    return next((each for each in case.searches if each.goes_on), None)


def may_not_start(case: Case) -> RefusalCode | None:
    """Return the first reason why no search can be started in the case now, or None if one can. That the case is open
    is not checked here.

    TalkGoesOn: an operator's call with the resident goes on. OutcomeMissing: a search has found the resident, and the
    outcome was not reported. SearchGoesOn: one has not ended. MostSearches: the case has had 8.
    """
    if case.desk_call is not None and case.desk_call.goes_on:
        return TalkGoesOn()
    if case.met_at is not None and case.searches and case.searches[-1].end is SearchEnd.FOUND:
        return OutcomeMissing()
    if search_going_on(case) is not None:
        return SearchGoesOn()
    return MostSearches(MOST_SEARCHES) if len(case.searches) >= MOST_SEARCHES else None


def search_clock(case: Case, found: Search) -> str:
    """Return the step id of a search's timer. It has the search's index, because a step's id must be short and a
    search's id may be long. Raises ValueError if the case does not have the search.
    """
    return f"{SEARCH_CLOCK}{[each.id for each in case.searches].index(found.id)}"
