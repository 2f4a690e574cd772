"""A search: officers look at several places at once for a resident in danger who cannot be reached and is not home.

The case holds no place, only numbers such as `p3`: what they stand for is in the search's list of places
(schemas/people/places.py), which is erased after the search. So the journal, which is kept forever, never says where
the resident was looked for.
"""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.base import Model, Text, Token, When

MOST_PLACES = 40  # of one search
MOST_SEARCHES = 8  # of one case
MOST_HOURS = 12  # of one search: our choice; a longer one is started anew, by a person who answers for it
USUAL_HOURS = 2

PlaceNumber = Annotated[str, Field(pattern=r"^p[1-9][0-9]?$")]
"""A place of one search. The same place has another number in another search."""


class SearchGround(StrEnum):
    """The emergency that permits a search. PAYING: the resident is about to hand over money; ISOLATED: the scammer
    keeps the resident away from everybody, as in a hotel room; LIFE: danger to life or body; MINOR: a missing child.
    """

    PAYING = "paying"
    ISOLATED = "isolated"
    LIFE = "life"
    MINOR = "minor"


class PlaceState(StrEnum):
    """The state of a place of a search. NOT_LOOKED: the officer could not look there, so that another one may."""

    OPEN = "open"
    NOT_THERE = "not_there"
    NOT_LOOKED = "not_looked"
    FOUND = "found"

    @property
    def looked(self) -> bool:
        """True if an officer has searched the place, whether or not the resident was there."""
        return self in (PlaceState.NOT_THERE, PlaceState.FOUND)


class SearchEnd(StrEnum):
    """How a search ended. FOUND: an officer found the resident; EXPIRED: its time limit passed; STOPPED: a supervisor
    stopped it; NOT_NEEDED: the resident is safe, or the case is closed.
    """

    FOUND = "found"
    EXPIRED = "expired"
    STOPPED = "stopped"
    NOT_NEEDED = "not_needed"


class StopGround(StrEnum):
    """Why a search is stopped before its end. ELSEWHERE: the resident was found in another way; NO_EMERGENCY: there is
    no danger any more; MISTAKE: the search was started by mistake.
    """

    ELSEWHERE = "elsewhere"
    NO_EMERGENCY = "no_emergency"
    MISTAKE = "mistake"


class AssignedPlace(Model):
    """A place of a search with the officer (an id on a roster) who is to look there first."""

    number: PlaceNumber
    officer: Text


class SearchPlace(AssignedPlace):
    """A place of a search, with its state. `by`, `at`: the officer who reported it, and when; None while it is open."""

    state: PlaceState = PlaceState.OPEN
    by: Text | None = None
    at: When | None = None


class Search(Model):
    """A search of a case. `by`: the supervisor who started it. `missing_since`: when somebody last reached the
    resident. `until`: when it ends at the latest. `end`, `ended_at`: how and when it ended; None while it goes on.
    `found_by`: the officer who found the resident; None if nobody did.
    """

    id: Token
    ground: SearchGround
    missing_since: When
    by: Text
    at: When
    until: When
    places: Annotated[list[SearchPlace], Field(min_length=1, max_length=MOST_PLACES)]
    end: SearchEnd | None = None
    ended_at: When | None = None
    found_by: Text | None = None

    @property
    def goes_on(self) -> bool:
        """True if the search has not ended."""
        return self.end is None

    @property
    def officers(self) -> frozenset[str]:
        """Return the roster ids of the officers to whom the search's places are assigned."""
        return frozenset(place.officer for place in self.places)


class StartSearchAct(Model):
    """Start a search. `search`: its id; `missing_since`: when somebody last reached the resident; `hours`: the search
    ends so long after its start.

    It has no free text, in which somebody could name a place that the journal would keep.
    """

    do: Literal["start_search"] = "start_search"
    search: Token
    ground: SearchGround
    missing_since: When
    hours: Annotated[int, Field(ge=1, le=MOST_HOURS)] = USUAL_HOURS
    places: Annotated[list[AssignedPlace], Field(min_length=1, max_length=MOST_PLACES)]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({each.number for each in self.places}) < len(self.places):
            raise ValueError("a place has one officer: each number once")
        return self


class StopSearchAct(Model):
    """Stop a search before its end."""

    do: Literal["stop_search"] = "stop_search"
    search: Token
    ground: StopGround
