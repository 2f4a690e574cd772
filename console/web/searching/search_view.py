"""The page of a search that was started: its places with their states, and a plan of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import cos, radians

from domain.calendar import JILIN
from domain.visits.sweep import is_open_at
from schemas.casework.searches import PlaceState, Search, SearchPlace
from schemas.people.places import ListedPlace, Located, OpeningHours, SearchList

WIDTH, HEIGHT, MARGIN = 640, 400, 36  # of the plan, in SVG units
KM_OF_DEGREE = 111.2  # of latitude
SCALES = (0.5, 1, 2, 5, 10, 20, 50, 100)  # km of the scale's bar
LEAST_KM = 1.0  # that the plan shows at least, in width


@dataclass(frozen=True, slots=True)
class Spot:
    """A place on the plan. `x`, `y`: in SVG units."""

    number: str
    state: PlaceState
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """A plan without a background: the places that have coordinates, north above, and a scale bar. `bar_km`: the length
    in km that the bar stands for; `bar`, `width`, `height`: in SVG units.
    """

    spots: Sequence[Spot]
    bar_km: float
    bar: float
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """A row of the page. `officer`, `by`: ids on a roster, of the officer who is to look there and of the one who
    reported (None: nobody yet), `at` this time. `place`: None once the places are erased. `open`: True if the place is
    open now, False if it is closed, None if its hours are unknown. `hours`: as `hours_text` returns it.
    """

    number: str
    state: PlaceState
    officer: str
    by: str | None
    at: datetime | None
    place: ListedPlace | None
    open: bool | None
    hours: str


def place_rows(search: Search, listed: SearchList | None, now: datetime) -> list[PlaceRow]:
    """Return a row for each place of the search, in the search's order. `listed`: the places themselves, None once they
    are erased.
    """
    found = {each.number: each for each in listed.places} if listed else {}
    return [_row(each, found.get(each.number), now) for each in search.places]


def counts_of(search: Search) -> Mapping[PlaceState, int]:
    """Return how many places of the search have each state; every state is there, with 0 if no place has it."""
    states = [each.state for each in search.places]
    return {state: states.count(state) for state in PlaceState}


def hours_text(hours: Sequence[OpeningHours] | None, now: datetime) -> str:
    """Return today's (China's day) opening hours, such as "09:00-12:00 13:00-17:00"; "24" if the place never closes, ""
    if the hours are unknown (None), "-" if it does not open today.
    """
    if hours is None:
        return ""
    if not hours:
        return "24"
    day = now.astimezone(JILIN).weekday()
    spans = sorted((each.opens, each.closes) for each in hours if day in each.days)
    return " ".join(f"{opens:%H:%M}-{closes:%H:%M}" for opens, closes in spans) or "-"


def plan_of(search: Search, listed: SearchList | None) -> SearchPlan | None:
    """Return a drawing of a search's places, as positions in SVG units (north above), or None if fewer than two of them
    have coordinates.

    `listed`: the places with their coordinates; None once they are erased, and the result is None then. `search`: gives
    each place's state.
    """
    states = {each.number: each.state for each in search.places}
    found = [each for each in (listed.places if listed else []) if each.latitude is not None]
    if len(found) < 2:
        return None
    middle = sum(each.latitude or 0 for each in found) / len(found)
    at = {each.number: _kilometres(each, middle) for each in found}
    east, north = [x for x, _ in at.values()], [y for _, y in at.values()]
    across, down = max(max(east) - min(east), LEAST_KM), max(max(north) - min(north), LEAST_KM / 2)
    scale = min((WIDTH - 2 * MARGIN) / across, (HEIGHT - 2 * MARGIN) / down)
    left, top = (min(east) + max(east)) / 2, (min(north) + max(north)) / 2
    spots = [
        Spot(
            number,
            states.get(number, PlaceState.OPEN),
            round(WIDTH / 2 + (x - left) * scale, 1),
            round(HEIGHT / 2 - (y - top) * scale, 1),
        )
        for number, (x, y) in at.items()
    ]
    bar = max((each for each in SCALES if each * scale <= WIDTH / 3), default=SCALES[0])
    return SearchPlan(spots, bar, round(bar * scale, 1))


def _kilometres(place: Located, middle: float) -> tuple[float, float]:
    """Return the place's distance in km east of Greenwich and north of the equator, as flat as a province is."""
    longitude, latitude = place.longitude or 0.0, place.latitude or 0.0
    return longitude * KM_OF_DEGREE * cos(radians(middle)), latitude * KM_OF_DEGREE


def _row(searched: SearchPlace, place: ListedPlace | None, now: datetime) -> PlaceRow:
    hours = place.hours if place else None
    return PlaceRow(
        searched.number,
        searched.state,
        searched.officer,
        searched.by,
        searched.at,
        place,
        is_open_at(hours, now),
        hours_text(hours, now),
    )
