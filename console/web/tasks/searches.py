"""The searches that an officer takes part in, as the telephone gets them, and the officer's answers about places."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from console.web.auth import trail
from console.web.auth.who import Who
from console.web.case.answers import Answered
from console.web.kit.i18n import place as place_name
from console.web.kit.pages import epoch
from console.web.kit.services import Services
from console.web.searching.search_view import hours_text
from domain.calendar import local_date
from domain.casework.searches.records import search_of
from domain.identity.divisions import name_of
from domain.identity.identifiers import stated_age, stated_sex
from domain.ids import result_id
from domain.visits.sweep import is_open_at
from domain.visits.tasks import act_time
from domain.wording import people_labels, search_labels
from schemas.casework.cases import Case
from schemas.casework.inputs import PlaceReport
from schemas.casework.searches import PlaceState, Search, SearchEnd, SearchPlace
from schemas.people.places import OpeningHours, SearchList
from schemas.people.residents import Resident
from schemas.people.tasks import PlaceAct
from streams.messaging.topics import home
from streams.state.keys import TASK_LOOK

SHOWN_AFTER = timedelta(hours=1)  # how long an officer's telephone tells that a search has ended

Say = Callable[[str], str]
"""Returns a Chinese text in the request's language."""


@dataclass(frozen=True, slots=True)
class SearchTask:
    """A search that the officer takes part in. `resident`: None if they are not in the register any more."""

    listed: SearchList
    case: Case
    search: Search
    resident: Resident | None

    def outcome_awaited(self, officer: str) -> bool:
        """Return True if this officer found the resident, and nobody has reported the outcome of the talk yet."""
        found = self.search.end is SearchEnd.FOUND and self.search.found_by == officer
        return found and self.case.met_at is not None and not self.case.settled

    def concerns(self, officer: str, now: datetime) -> bool:
        """Return True if the officer's telephone shows the search at `now`."""
        if self.search.ended_at is None or self.outcome_awaited(officer):
            return True
        return now - self.search.ended_at < SHOWN_AFTER


async def searches_of(services: Services, officer: str, now: datetime) -> list[SearchTask]:
    """Return the searches in which the officer (an id on a roster) takes part, the latest first: those that go on, that
    ended within the last hour, and whose outcome the officer still has to report. Errors of Redis pass through.
    """
    found: list[SearchTask] = []
    for listed in await services.line.search_lists.all():
        case = await services.line.store.case(_partition(services, listed), listed.case)
        search = search_of(case, listed.id) if case else None
        if case is None or search is None or officer not in search.officers:
            continue
        if (task := SearchTask(listed, case, search, None)).concerns(officer, now):
            found.append(task)
    people = await services.line.residents.standing([each.case.resident for each in found]) if found else {}
    tasks = [replace(each, resident=people.get(each.case.resident)) for each in found]
    return sorted(tasks, key=lambda each: each.search.at, reverse=True)


async def search_of_act(services: Services, name: str, officer: str) -> SearchTask | Answered:
    """Return the search (`name`: its id) that an officer's answer is about, also long after its end. Otherwise return
    REFUSED if the officer takes no part in it or its list is erased, or WAITING while the case is being rebuilt. Errors
    of Redis pass through.
    """
    listed = await services.line.search_lists.get(name)
    if listed is None:
        return Answered.REFUSED
    partition = _partition(services, listed)
    whole = await services.line.store.is_whole(partition)  # before the case is read: then it has the search
    case = await services.line.store.case(partition, listed.case)
    search = search_of(case, name) if case else None
    if case is None or search is None:
        return Answered.REFUSED if whole and case is not None else Answered.WAITING
    return SearchTask(listed, case, search, None) if officer in search.officers else Answered.REFUSED


def takes_part(case: Case, officer: str | None) -> bool:
    """Return True if the officer takes part in a search of the case."""
    return officer is not None and any(officer in each.officers for each in case.searches)


async def record_search_look(services: Services, who: Who, tasks: list[SearchTask]) -> None:
    """Write an audit entry that the officer sees a search, once per session and search. Raises TimeoutError if Kafka
    does not answer in time, and SendError if it refuses a record for good. Errors of Redis pass through.
    """
    redis, kept = services.line.redis, timedelta(hours=services.settings.session_hours)
    for each in tasks:
        name = f"{TASK_LOOK}{who.session}:{each.search.id}"
        if not await redis.exists(name):
            await trail.record_look(services, who, "missing", each.case.id)
            await redis.set(name, 1, ex=round(kept.total_seconds()))


def search_json(services: Services, officer: str, task: SearchTask, say: Say, now: datetime) -> dict[str, Any]:
    """Return a search as the telephone gets it: a dictionary that can be written as JSON, with times in ms since 1970.
    Of a search that has ended, it has no place and no person: only the reason (`ended`), and for the finder, while the
    outcome is still to be reported, the number of the place (`outcome`, else "").
    """
    search, case = task.search, task.case
    told = {"id": search.id, "case": case.id, "number": services.hub.numbers.of(case), "level": case.level.value}
    if search.end is not None:
        mine = task.outcome_awaited(officer)
        number = next((each.number for each in search.places if each.state is PlaceState.FOUND), "") if mine else ""
        return told | {"ended": say(search_labels.GONE[search.end]), "outcome": number, "places": []}
    places = sorted(search.places, key=lambda each: (each.state.looked, each.officer != officer))
    return told | {
        "ended": "",
        "outcome": "",
        "ground": say(search_labels.SEARCH_GROUNDS[search.ground]),
        "until": epoch(search.until),
        "who": _who(task, say, now),
        "places": [_place(task.listed, each, officer, say, now) for each in places],
    }


def report_of_place(act: PlaceAct, task: SearchTask, officer: str, now: datetime) -> PlaceReport:
    """Return the case's input for an officer's answer about a place, at the time that the telephone stated, within the
    limits of `act_time`. It is not written.
    """
    return PlaceReport(
        id=result_id(f"{task.case.id}:{task.search.id}:{act.number}", act.state.value, act.id),
        at=act_time(act.at, task.search.at, now),
        resident=task.case.resident,
        case=task.case.id,
        by=officer,
        search=task.search.id,
        number=act.number,
        state=act.state,
        outcome=act.outcome,
        told_at=now,
    )


def _partition(services: Services, listed: SearchList) -> int:
    return home(listed.resident, services.line.settings.partitions)


def _who(task: SearchTask, say: Say, now: datetime) -> str:
    """Return in words whom to look for: name, sex and age if known, and language. Neither telephone nor home
    address.
    """
    profile = task.case.profile
    age, sex = stated_age(profile, now), stated_sex(profile)
    words = [
        task.resident.name if task.resident else "",
        say(people_labels.SEXES[sex]) if sex else "",
        "" if age is None else say("%(n)s 岁") % {"n": age},
        say(people_labels.SPOKEN[profile.language]),
    ]
    return " · ".join(filter(None, words))


def _place(listed: SearchList, searched: SearchPlace, officer: str, say: Say, now: datetime) -> dict[str, Any]:
    place = listed.place(searched.number)
    told = {"number": searched.number, "state": searched.state.value, "mine": searched.officer == officer}
    words = say(search_labels.PLACE_STATES[searched.state])
    if place is None:
        return told | {"name": "", "kind": "", "address": "", "where": "", "hours": "", "words": words, "spot": ""}
    return told | {
        "name": place.name,
        "kind": say(search_labels.PLACE_KINDS[place.kind]),
        "address": place.address,
        "where": place_name(name_of(place.division, local_date(now)), say),
        "hours": _hours(place.hours, say, now),
        "words": words,
        "spot": f"{place.latitude},{place.longitude}" if place.latitude is not None else "",
    }


def _hours(hours: Sequence[OpeningHours] | None, say: Say, now: datetime) -> str:
    open_now, text = is_open_at(hours, now), hours_text(hours, now)
    if open_now is None:
        return say("营业时间未知")
    state = say("营业中") if open_now else say("已关门")
    return f"{state} · {say('全天')}" if text == "24" else " ".join([state, "" if text == "-" else text]).strip()
