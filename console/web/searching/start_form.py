"""The form that starts a search: what it offers, and what was filled in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import ValidationError

from console.web.auth.words import N_
from console.web.kit.filled import Filled, FormError
from console.web.kit.services import Services
from domain.calendar import JILIN, local_date
from domain.identity.divisions import known
from domain.ids import short_hash
from domain.visits.sweep import assigned, ranked, searchers
from domain.visits.travel import COUNTY, PREFECTURE, distance
from schemas.casework.cases import Case
from schemas.casework.searches import MOST_HOURS, MOST_PLACES, USUAL_HOURS, SearchGround, StartSearchAct
from schemas.people.places import ListedPlace, Located, PlaceKind, PublicPlace, SearchList
from schemas.people.rosters import Officer

OFFERED = 60  # places of the table
TICKED = 8  # that are ticked already: about two for each of four officers
SEARCHING = 6  # officers who are ticked already
USUAL_ROWS = 3
_WRONG = N_("请选择紧急情况，填写失联时间，并至少选择一处地点和一名民警。")
_USUAL_WRONG = N_("常去地点须有名称、区县和地址，名称和地址各不超过 120 字。")
_TOO_MANY = N_("一次查找最多 40 处地点。")
_GONE = N_("所选地点或民警已有变化，请重新选择。")


@dataclass(frozen=True, slots=True)
class SearchOffer:
    """What the form offers. `places`: of the table, the likeliest first; `officers`: who may take part, those first who
    are nearest; `ticked`: the ids of places and officers that are ticked already.
    """

    places: Sequence[PublicPlace]
    officers: Sequence[Officer]
    ticked: frozenset[str]


@dataclass(frozen=True, slots=True)
class AskedSearch:
    """A search that somebody wants to start: the act for the case, and the list of its places."""

    act: StartSearchAct
    listed: SearchList


async def search_offer(services: Services, case: Case, now: datetime) -> SearchOffer:
    """Return the public places of the resident's prefecture, at most OFFERED (60), the likeliest first, and the
    officers of the prefecture who may search now, those nearest to the resident's address first; and which of them the
    form ticks. Errors of Redis pass through.
    """
    today, home = local_date(now), case.profile.division
    near = [each for each in await services.line.places.all() if distance(home, each.division, today) <= PREFECTURE]
    order = {id(each): turn for turn, each in enumerate(ranked(near, home, now))}
    places = sorted(near, key=lambda each: (distance(home, each.division, today) > COUNTY, order[id(each)]))[:OFFERED]
    until = now + timedelta(hours=USUAL_HOURS)
    may = searchers(await services.line.outgoing.rosters.officers(), case.level, now, until)
    officers = sorted(may, key=lambda each: distance(home, each.division, today))
    officers = [each for each in officers if distance(home, each.division, today) <= PREFECTURE]
    ticked = {each.id for each in places[:TICKED]} | {f"officer/{each.id}" for each in officers[:SEARCHING]}
    return SearchOffer(places, officers, frozenset(ticked))


async def asked_for(services: Services, case: Case, given: Filled, now: datetime) -> AskedSearch:
    """Return the search that the form asks for. It is not written. Raises FormError if a field is missing or wrong,
    UnknownPolicyError if the policy in force is stored nowhere, and PolicyError if it is invalid. Errors of Kafka and
    Redis pass through.
    """
    offered = await search_offer(services, case, now)
    wanted = {each.id: each for each in offered.places}
    chosen: list[Located] = [*_usual(given)]
    if not set(given.many.get("place", [])) <= wanted.keys():
        raise FormError("place", _GONE)
    chosen += [wanted[name] for name in dict.fromkeys(given.many.get("place", []))]
    officers = {each.id: each for each in offered.officers}
    if not set(given.many.get("officer", [])) <= officers.keys():
        raise FormError("officer", _GONE)
    going = [officers[name] for name in sorted(set(given.many.get("officer", [])))]
    ground, since = _ground(given), _since(given, now)
    if not chosen or not going or ground is None or since is None:
        raise FormError("", _WRONG)
    if len(chosen) > MOST_PLACES:
        raise FormError("place", _TOO_MANY)
    places = [(f"p{number}", each) for number, each in enumerate(ranked(chosen, case.profile.division, now), 1)]
    rules = (await services.line.policies.live()).visits
    hours, by_officer = _hours(given), assigned(places, going, now, rules)
    listed = [ListedPlace(number=number, **_located(each)) for number, each in places]
    # The form sent twice is one search; sent again with another choice, or with other numbers of places, another one.
    choice = short_hash(ground, since.isoformat(), hours, *(each.id for each in going), *map(_json, listed))
    act = StartSearchAct(
        search=f"s{given.name('search', case.id, choice)}",
        ground=ground,
        missing_since=since,
        hours=hours,
        places=by_officer,
    )
    return AskedSearch(
        act,
        SearchList(
            id=act.search,
            case=case.id,
            resident=case.resident,
            input=given.name("search-input", case.id, choice),
            at=now,
            places=listed,
        ),
    )


def _json(place: ListedPlace) -> str:
    return place.model_dump_json()


def _located(place: Located) -> dict[str, object]:
    return place.model_dump(include=set(Located.model_fields))


def _usual(given: Filled) -> list[Located]:
    """Return the resident's usual places that the form names. A row without a name is left out."""
    columns = [given.many.get(f"usual_{name}", []) for name in ("name", "division", "address")]
    found = []
    for name, division, address in zip(*columns, strict=False):
        if not name and not address:
            continue
        if not known(division):
            raise FormError("usual_division", _USUAL_WRONG)
        try:
            found.append(Located(kind=PlaceKind.USUAL, name=name, division=division, address=address))
        except ValidationError:
            raise FormError("usual_name", _USUAL_WRONG) from None
    return found


def _ground(given: Filled) -> SearchGround | None:
    return next((each for each in SearchGround if each.value == given["ground"]), None)


def _since(given: Filled, now: datetime) -> datetime | None:
    """Return since when the resident is missing; None if it is no time within the last 30 days."""
    try:
        since = datetime.fromisoformat(given["missing_since"])
    except ValueError:
        return None
    since = since if since.tzinfo else since.replace(tzinfo=JILIN)
    return since if now - timedelta(days=30) <= since <= now else None


def _hours(given: Filled) -> int:
    text = given["hours"]
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:3]) <= MOST_HOURS:
        raise FormError("hours", _WRONG)
    return int(text)
