"""Stations and people for the tests of rosters and policies."""

import re
from datetime import timedelta

from schemas.people.rosters import Officer, Role, Roster, Shift
from schemas.people.staff import StaffRole
from tests.console.harness.stage import CHANGCHUN, Client, Stage

HERE = "220102"
FORM = "text/html"


async def station(console: Stage, *people: str, division: str = HERE) -> str:
    """A new station with these people, who have no shifts; their ids are the station's and theirs."""
    name = f"所{next(console.numbers)}"
    officers = [Officer(id=f"{name}-{each}", name=each, role=Role.OFFICER, division=division) for each in people]
    await console.house.line.outgoing.rosters.put(Roster(station=name, officers=officers))
    return name


async def with_shift(console: Stage, name: str, person: str, start: float, hours: float = 8) -> Shift:
    """Give somebody a shift that begins in so many hours."""
    roster = await roster_of(console, name)
    began = (console.house.clock.now() + timedelta(hours=start)).replace(second=0, microsecond=0)
    shift = Shift(start=began, end=began + timedelta(hours=hours))
    officers = [
        each.model_copy(update={"shifts": [*each.shifts, shift]}) if each.id == f"{name}-{person}" else each
        for each in roster.officers
    ]
    await console.house.line.outgoing.rosters.put(roster.model_copy(update={"officers": officers}))
    return shift


async def roster_of(console: Stage, name: str) -> Roster:
    raw = await console.house.line.redis.hget("roster", name)
    assert raw is not None
    return Roster.model_validate_json(raw)


async def clear(console: Stage, *names: str) -> None:
    """Take stations away, lest their people are sent on another test's visits."""
    for name in names:
        await console.house.line.outgoing.rosters.put(Roster(station=name))


def field(text: str, name: str) -> str:
    """The value of a page's first field of this name."""
    found = re.search(rf'name="{re.escape(name)}" value="([^"]*)"', text)
    assert found, f"no field {name} on the page"
    return found[1].replace("&#43;", "+")


async def seen(client: Client, address: str) -> dict[str, str]:
    """The fields that every form of a page has: who shows it, and what it showed."""
    answer = await client.get(address)
    assert answer.status_code == 200, answer.text
    return {"csrf": field(answer.text, "csrf"), "form": field(answer.text, "form"), "seen": field(answer.text, "seen")}


async def supervisor(console: Stage, area: str = CHANGCHUN) -> Client:
    return await console.signed_in(StaffRole.SUPERVISOR, area)
