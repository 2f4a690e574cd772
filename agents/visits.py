"""Visits: chooses an officer and sends the task to the gateway of the officer's station."""

from typing import Any

import msgspec

from domain.dispatches.validity import ObsoleteDispatch
from domain.ids import result_id
from domain.policy import Policy
from domain.visits.rounds import worth
from domain.wording.catalogue import CHINESE
from domain.wording.codes import in_language
from schemas.casework.events import Dispatch
from schemas.casework.inputs import OfficerReport, VisitStage
from schemas.codes.channels import ChannelCode, NobodyOnDuty, NotRegistered
from schemas.levels import NEVER_SENT, Result
from schemas.levels import Channel as Name
from schemas.people.residents import Resident
from schemas.people.rosters import Task
from streams.channels.outgoing import Outgoing
from streams.channels.provider import Answer, Gateway, Order
from streams.repositories.rosters import Asked, Where
from streams.runtime import metrics

WORDS = in_language(CHINESE, whole=True)  # for a station's officers, to whom the desk writes whom to ask


class StationProvider(Gateway):
    """The provider of the channel `visit`: the stations' gateway for officers' tasks."""

    def __init__(self, outgoing: Outgoing) -> None:
        channels = outgoing.channels
        kind, refusals = channels.kind(Name.VISIT), channels.refusals(Name.VISIT)
        super().__init__(outgoing.client, outgoing.settings.station_url, kind, outgoing.signer("station"), refusals)
        self._outgoing = outgoing

    async def prepare(self, dispatch: Dispatch) -> Order | Answer:
        """Choose the most suitable officer, except those who refused or were late, and return the request with their
        task.

        The task is stored in the roster, but not sent yet. If the policy limits contacts (`fatigue`) and the register
        has the address, this method leases the address before it chooses, and waits while another dispatch has the
        lease; if an officer is on the way to the same address, the task joins theirs. `ended` releases the lease, or
        this method if it returns an Answer. Returns an Answer instead: FAILED if the resident is unknown or nobody is
        on duty, NOT_SENT if another case's visit is enough or the case has gone on meanwhile. Raises UnknownPolicyError
        if the policy in force is stored nowhere, PolicyError if it is invalid, OSError if the settings' policy file is
        needed and cannot be read, and SendError if Kafka refuses the task. Errors of Redis and Kafka pass through.
        """
        resident = await self._outgoing.resident(dispatch)
        if resident is None:
            return Answer(Result.FAILED, NotRegistered())
        policy = await self._outgoing.policy(dispatch)
        where = self._where(policy, resident)
        if where:
            await self._outgoing.households.take(where.place, dispatch.id)
        now = self._outgoing.clock.now()
        case = await self._outgoing.case(dispatch)
        asked = Asked(dispatch, resident.language, policy.visits, worth(case, policy) if case else 0)
        found = await self._outgoing.rosters.assign(asked, now, where)
        if isinstance(found, ObsoleteDispatch):
            order: Order | Answer = Answer(Result.NOT_SENT, found.because)
        else:
            order = await self._order(dispatch, resident, *found) if found else _NOBODY
        if where and isinstance(order, Answer):
            await self._outgoing.households.release(where.place, dispatch.id)
        return order

    async def ended(self, dispatch: Dispatch, answer: Answer) -> None:
        """Clean up after the answer: release the lease on the address, and remove a task that was never sent from the
        roster.

        Counts a sent task that joined another visit in the metrics. Does nothing if the dispatch has no task. Raises
        SendError if Kafka refuses the change of the roster. Errors of Redis pass through.
        """
        task = await self._outgoing.rosters.task(dispatch.id)
        if task is None:
            return
        if answer.result in NEVER_SENT:
            await self._outgoing.rosters.drop(dispatch.id)
        elif task.joins:
            metrics.VISITS_JOINED.labels("under_way").inc()
        if task.place:
            await self._outgoing.households.release(task.place, dispatch.id)

    def _where(self, policy: Policy, resident: Resident) -> Where | None:
        place = self._outgoing.households.place(resident)
        return Where(place, policy.fatigue.one_visit) if policy.fatigue and place else None

    async def _order(self, dispatch: Dispatch, resident: Resident, task: Task, because: ChannelCode) -> Order | Answer:
        if task.case != dispatch.case:
            metrics.VISITS_JOINED.labels("made").inc()
            return Answer(Result.NOT_SENT, because)
        reports = [self._report(dispatch, task, VisitStage.ASSIGNED, because)]
        lead = await self._outgoing.rosters.task(task.joins) if task.joins else None
        if lead and lead.stage in _ACCEPTED:  # accepted before we joined
            reports.append(self._report(dispatch, task, VisitStage.ACCEPTED, because))
        return Order("/tasks", _body(dispatch, resident, task), Answer(Result.SENT, because, tuple(reports)))

    def _report(self, dispatch: Dispatch, task: Task, stage: VisitStage, because: ChannelCode) -> OfficerReport:
        return OfficerReport(
            id=result_id(dispatch.id, stage),
            at=self._outgoing.clock.now(),
            resident=dispatch.resident,
            case=dispatch.case,
            by=task.officer,
            dispatch=dispatch.id,
            step=dispatch.step,
            attempt=dispatch.attempt,
            stage=stage,
            because=because,
        )


_NOBODY = Answer(Result.FAILED, NobodyOnDuty())
_ACCEPTED = (VisitStage.ACCEPTED, VisitStage.ON_THE_WAY, VisitStage.ARRIVED)


def _body(dispatch: Dispatch, resident: Resident, task: Task) -> dict[str, Any]:
    """Return the task's JSON. `because`: the reason in Chinese, `why`: as a code. `joins`: the task whose visit also
    covers this resident.
    """
    joins = {"joins": task.joins} if task.joins else {}
    return joins | {
        "officer": task.officer,
        "resident": resident.id,
        "name": resident.name,
        "address": resident.address,
        "division": dispatch.division,
        "language": resident.language.value,
        "level": dispatch.level.value,
        "because": WORDS.sentence(dispatch.because),
        "why": msgspec.to_builtins(dispatch.because),
    }
