"""A visit that one officer was just given: somebody in gravest danger, three minutes on, and nobody else on duty."""

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from domain.ids import resident_of
from schemas.casework.events import FactKind
from schemas.codes.any_code import AnyCode
from schemas.people.residents import Resident
from schemas.people.rosters import Roster, Task
from tests.console.harness.stage import Client, Stage
from tests.end_to_end.harness.rig import STATION, Line
from tests.end_to_end.harness.signals import call, transfer

NAME = "王小明"


@dataclass(frozen=True)
class Visiting:
    """`task`: as the officer was given it."""

    line: Line
    resident: Resident
    task: Task

    async def told(self) -> list[AnyCode]:
        """What the case was told of its visits, in its order."""
        return [fact.what for fact in await self.line.facts(self.resident, FactKind.VISIT)]


@asynccontextmanager
async def visiting(
    console: Stage, officer: str, *colleagues: str, flags: Sequence[str] = (), minutes: float = 3
) -> AsyncIterator[Visiting]:
    """The visit; at the end its case is closed and nobody is on duty any more. `minutes`: from the signal on; after two
    and a half an officer is sent.
    """
    line = console.line()
    rosters = console.house.line.outgoing.rosters
    await rosters.put(Roster(station=STATION))
    await line.officers(officer)
    resident = await line.resident(name=NAME, flags=frozenset(flags))
    try:
        await line.signal(call(line, resident), transfer(line, resident, line.account()))
        await line.advance(minutes=minutes)
        await line.officers(*colleagues)
        tasks = (await rosters.tasks(console.house.clock.now())).values()
        mine = [task for task in tasks if task.officer == officer]  # others may wait for him too, who is alone on duty
        yield Visiting(line, resident, min(mine, key=lambda task: resident_of(task.case) != resident.id))
    finally:
        await line.end()


def act(do: str, visit: Visiting | None, **fields: object) -> dict[str, Any]:
    """An act as a telephone sends it, done now."""
    at = visit.line.house.clock.now().isoformat() if visit else None
    of = {"dispatch": visit.task.dispatch, "at": at} if visit else {}
    return {"id": secrets.token_hex(16), "do": do} | of | fields


def stage(visit: Visiting, name: str, **fields: object) -> dict[str, Any]:
    return act("stage", visit, stage=name, **fields)


def done(visit: Visiting, outcome: str = "dissuaded", **fields: object) -> dict[str, Any]:
    """The result of a visit."""
    checked = {"calls_and_sms": True, "reason_asked": True, "account_protected": True}
    return stage(visit, "done", checklist=checked, outcome={"outcome": outcome} | fields)


async def send(client: Client, *acts: dict[str, Any]) -> list[tuple[str, str]]:
    """How each was answered, and in which words."""
    answer = await client.post("/tasks/acts", json={"acts": acts})
    assert answer.status_code == 200, answer.text
    told = {each["id"]: (each["how"], each["words"]) for each in answer.json()["answers"]}
    return [told[each["id"]] for each in acts]


async def tasks_of(client: Client) -> Sequence[dict[str, Any]]:
    """The officer's open tasks, as his telephone has them."""
    answer = await client.get("/tasks/mine", headers={"accept": "application/json"})
    assert answer.status_code == 200, answer.text
    found: Sequence[dict[str, Any]] = answer.json()["tasks"]
    return found
