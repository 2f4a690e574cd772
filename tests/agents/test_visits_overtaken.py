"""A visit that another has overtaken: who was on the way may go, and nobody joins a visit that is not made."""

from datetime import timedelta

import pytest

from agents.dispatch import channel_of
from agents.visits import StationProvider
from schemas.casework.acts import SendOfficerAct
from schemas.casework.cases import CaseState, Step, StepState
from schemas.casework.inputs import VisitStage
from schemas.levels import Action, Level, Outcome
from schemas.people.rosters import Officer, Role, Roster
from simulators.providers.station import JOINED
from streams.repositories.residents.register import Residents
from streams.runtime.settings import Settings
from tests.agents.test_visits_to_one_address import DAY, book, household, send, visit
from tests.channel_rig import new_resident, rigged
from tests.dispatched import NOW
from tests.domain.builders import RESIDENT, Line, profile


def officer(name: str, division: str) -> Officer:
    return Officer(id=name, name="某", role=Role.OFFICER, division=division, shifts=[DAY])


@pytest.mark.parametrize("more", [(), (officer("far", "222401001"),)], ids=["alone", "another far away"])
async def test_who_was_on_the_way_is_sent_when_the_level_is_raised(
    settings: Settings, more: tuple[Officer, ...]
) -> None:
    async with rigged(settings) as rig:
        await Residents(rig.settings, rig.redis, rig.producer).put([new_resident().model_copy(update={"id": RESIDENT})])
        outgoing = await rig.worker()
        await outgoing.rosters.put(Roster(station="s", officers=[officer("near", "220102001"), *more]))
        channel, line = channel_of(StationProvider(outgoing), outgoing), Line(at=NOW)
        line.alert(Level.ORANGE, of=profile(division="220102"))
        first = line.act(SendOfficerAct(reason="not persuaded")).dispatches[-1]
        await rig.store(line.here)
        await channel.carry([first])
        for stage in (VisitStage.ASSIGNED, VisitStage.ACCEPTED, VisitStage.ON_THE_WAY):
            line.officer(stage, by="near")
        line.pass_to(timedelta(minutes=2))
        line.alert(Level.RED, of=profile(division="220102"))
        second = next(each for each in line.pass_to(timedelta(minutes=3)) if each.action is Action.VISIT)
        await rig.store(line.here)
        await channel.carry([second])
        tasks = await outgoing.rosters.tasks(NOW)
        assert [task.officer for task in tasks.values() if task.dispatch == second.id] == ["near"]


async def test_nobody_joins_a_visit_that_was_recalled(settings: Settings) -> None:
    async with household(settings) as (rig, (one, other)):
        first, second = visit(one, level=Level.RED), visit(other, level=Level.RED)
        await send(rig, first)
        recalled = Step(id=first.step, action=first.action, state=StepState.WITHDRAWN, due=None, attempt=first.attempt)
        await rig.decided(first, state=CaseState.DISSUADED, settled_at=NOW, outcome=Outcome.DISSUADED, steps=[recalled])
        await send(rig, second)
        assert JOINED not in [answer for answer, _ in book(rig)]
