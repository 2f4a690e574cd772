"""A case in which nobody answers, two officers on duty, and places of the table near by."""

import re
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from schemas.casework.cases import Case
from schemas.casework.searches import Search
from schemas.people.places import PlaceKind, PublicPlace
from schemas.people.residents import Resident
from schemas.people.rosters import Roster
from tests.console.harness.stage import Client, Stage
from tests.end_to_end.harness.rig import STATION, Line
from tests.end_to_end.harness.signals import call, transfer

USUAL = "示例茶馆"
HOTEL, BRANCH = "示例宾馆", "示例银行支行"
ADDRESSES = {HOTEL: "示例路201号", BRANCH: "示例路101号", USUAL: "示例巷7号"}


@dataclass(frozen=True)
class Searching:
    """`officers`: the two officers' ids."""

    console: Stage
    line: Line
    resident: Resident
    officers: Sequence[str]

    async def case(self) -> Case:
        return await self.line.case(self.resident)

    async def search(self) -> Search:
        """The case's latest search."""
        return (await self.case()).searches[-1]

    async def path(self) -> str:
        return f"/cases/{(await self.case()).id}/search"

    async def started(self, supervisor: Client, **fields: object) -> Search:
        """Start a search of all places by both officers."""
        answer = await supervisor.post(await self.path(), data=self.form(**fields))
        assert answer.status_code == 303, told_wrong(answer.text)
        return await self.search()

    def form(self, **fields: object) -> dict[str, Any]:
        usual = {"usual_name": [USUAL], "usual_division": ["220102"], "usual_address": [ADDRESSES[USUAL]]}
        since = self.console.house.clock.now().isoformat()
        return {
            "form": secrets.token_hex(10),
            "ground": "isolated",
            "missing_since": since,
            "hours": "2",
            "place": [f"{STATION_PLACES}-h", f"{STATION_PLACES}-b"],
            "officer": list(self.officers),
            **usual,
            **fields,
        }


STATION_PLACES = "near"


def told_wrong(text: str) -> str:
    """What a page says is wrong."""
    found = re.search(r'class="wrong" role="alert">([^<]*)<', text)
    return found[1] if found else text[:2000]


@asynccontextmanager
async def search_wanted(console: Stage, first: str, second: str) -> AsyncIterator[Searching]:
    """The case; at the end it is closed, and nobody is on duty any more."""
    line, rosters = console.line(), console.house.line.outgoing.rosters
    await rosters.put(Roster(station=STATION))
    places = [
        (f"{STATION_PLACES}-h", PlaceKind.HOTEL, HOTEL, 43.88),
        (f"{STATION_PLACES}-b", PlaceKind.BANK_BRANCH, BRANCH, 43.87),
    ]
    await console.house.line.places.replace(
        [
            PublicPlace(
                id=name,
                kind=kind,
                name=title,
                division="220102",
                address=ADDRESSES[title],
                hours=[],
                latitude=latitude,
                longitude=125.33,
            )
            for name, kind, title, latitude in places
        ]
    )
    resident = await line.resident(name="王小明")
    try:
        await line.signal(call(line, resident), transfer(line, resident, line.account()))
        await line.advance(minutes=3)
        await line.officers(first, second)
        yield Searching(console, line, resident, (first, second))
    finally:
        await line.end()


def place_act(searched: Searching, search: Search, number: str, state: str, **fields: object) -> dict[str, Any]:
    """An answer about a place, as a telephone sends it."""
    at = searched.console.house.clock.now().isoformat()
    given = {"id": secrets.token_hex(16), "do": "place", "at": at, "search": search.id, "number": number}
    return given | {"state": state} | fields


async def searches_of_officer(client: Client) -> Sequence[dict[str, Any]]:
    """The officer's searches, as his telephone has them."""
    answer = await client.get("/tasks/mine", headers={"accept": "application/json"})
    assert answer.status_code == 200, answer.text
    found: Sequence[dict[str, Any]] = answer.json()["searches"]
    return found
