"""Visits: an officer is chosen, and his station's gateway gets the task."""

from functools import partial

from faust.types import StreamT

from schemas.events import Dispatch
from schemas.inputs import OfficerReport, VisitStage
from schemas.levels import Channel as Name
from schemas.levels import Result
from schemas.residents import Resident
from schemas.rosters import Task
from streams import topics
from streams.app import App
from streams.channels.channel import Channel
from streams.channels.outgoing import Outgoing
from streams.channels.provider import Answer, Gateway, Order
from streams.retry import until_done


class StationProvider(Gateway):
    """The stations' dispatch gateway."""

    def __init__(self, outgoing: Outgoing) -> None:
        super().__init__(outgoing.client, outgoing.settings.station_url, outgoing.channels.kind(Name.VISIT))
        self._outgoing = outgoing

    async def prepare(self, dispatch: Dispatch) -> Order | Answer:
        """The task, for the officer who can best go; whoever refused or was late is passed over."""
        resident = await self._outgoing.resident(dispatch)
        if resident is None:
            return Answer(Result.FAILED, "the resident is not in the register")
        found = await self._outgoing.rosters.assign(dispatch, resident.language, self._outgoing.clock.now())
        if found is None:
            return Answer(Result.FAILED, "nobody on duty can go")
        task, because = found
        assigned = self._assigned(dispatch, task, because)
        return Order("/tasks", _body(dispatch, resident, task), Answer(Result.SENT, because, (assigned,)))

    async def send(self, dispatch: Dispatch, order: Order) -> Answer:
        """Send the task; one that the gateway does not take is nobody's load."""
        answer = await super().send(dispatch, order)
        if answer.result is Result.FAILED:
            await until_done("task dropped", partial(self._outgoing.rosters.drop, dispatch.id))
        return answer

    def _assigned(self, dispatch: Dispatch, task: Task, because: str) -> OfficerReport:
        return OfficerReport(
            id=f"{dispatch.id}:{VisitStage.ASSIGNED.value}",
            at=self._outgoing.clock.now(),
            resident=dispatch.resident,
            case=dispatch.case,
            by=task.officer,
            dispatch=dispatch.id,
            step=dispatch.step,
            attempt=dispatch.attempt,
            stage=VisitStage.ASSIGNED,
            note=because,
        )


def _body(dispatch: Dispatch, resident: Resident, task: Task) -> dict[str, str]:
    return {
        "officer": task.officer,
        "resident": resident.id,
        "name": resident.name,
        "address": resident.address,
        "division": dispatch.division,
        "language": resident.language.value,
        "level": dispatch.level.value,
        "because": dispatch.because,
    }


def attach(app: App, outgoing: Outgoing) -> Channel:
    """Add the agent to a worker; returns the channel that it runs."""
    channel = outgoing.channel(StationProvider(outgoing))

    @app.agent(app.topic(topics.DISPATCHES_VISIT.name))
    async def visits(dispatches: StreamT[bytes]) -> None:
        await channel.run(dispatches)

    return channel
