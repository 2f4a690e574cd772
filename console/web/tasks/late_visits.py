"""Visits that cannot be made in time, with the officers who could be there sooner, and how one of them is sent."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from console.web.auth.who import Who
from console.web.case.answers import Answer, put_all
from console.web.kit.services import Services
from domain.dispatches.ids import parse
from domain.ids import result_id
from domain.policy import Policy, PolicyError
from domain.visits.arrival import LateArrival, NearerOfficer, late_arrival, nearer_officers
from domain.visits.tasks import conflict, is_awaited
from schemas.casework.cases import Case
from schemas.casework.inputs import OfficerReport, VisitStage
from schemas.codes.channels import SentInstead
from schemas.people.rosters import Officer, Task
from streams.repositories.policies import UnknownPolicyError


@dataclass(frozen=True, slots=True)
class LateVisit:
    """A visit that its officer (`officer`) cannot make in time. `nearer`: who can be there sooner, None if nobody."""

    task: Task
    officer: Officer
    arrival: LateArrival
    nearer: NearerOfficer | None


async def late_visits(services: Services, cases: Collection[Case], now: datetime) -> dict[str, LateVisit]:
    """Return by case id the visits of these cases that cannot be made in time, as of the minute of `now`: so pages that
    renew themselves do not change each second. Empty if the policy in force cannot be read. Errors of Kafka and Redis
    pass through.
    """
    wanted = {case.id: case for case in cases}
    if not wanted:
        return {}
    rosters = services.line.outgoing.rosters
    tasks = await rosters.all_tasks()
    mine = [
        task for task in tasks if task.joins is None and task.case in wanted and is_awaited(task, wanted[task.case])
    ]
    if not mine:
        return {}
    try:
        policy = await services.line.policies.live()
    except (UnknownPolicyError, PolicyError):
        return {}
    officers = {each.id: each for each in await rosters.officers()}
    minute = now.replace(second=0, microsecond=0)
    found = {task.case: (task, late) for task in mine if (late := _late(task, wanted, officers, minute, policy))}
    cases_late = {name: (wanted[name], late) for name, (_, late) in found.items()}
    nearer = nearer_officers(officers.values(), cases_late, tasks, minute, policy)
    return {
        name: LateVisit(task, officers[task.officer], late, nearer.get(name)) for name, (task, late) in found.items()
    }


def _late(
    task: Task, cases: Mapping[str, Case], officers: Mapping[str, Officer], now: datetime, policy: Policy
) -> LateArrival | None:
    officer = officers.get(task.officer)
    return late_arrival(task, cases[task.case], officer.division, now, policy) if officer else None


async def send_instead(services: Services, who: Who, case: Case, dispatch: str, to: str) -> Answer | None:
    """Take the visit `dispatch` of a case from its officer and ask for the officer `to` (an id) instead. Return the
    case's answer; None, without any change, if the visit has ended, its officer is at the door by now, or `to` is no
    longer the officer who would be there sooner.

    TimeoutError and SendError of Kafka, and errors of Redis, pass through.
    """
    now, rosters = services.line.clock.now(), services.line.outgoing.rosters
    late = (await late_visits(services, [case], now)).get(case.id)
    if late is None or late.task.dispatch != dispatch or late.nearer is None or late.nearer.officer.id != to:
        return None
    if conflict(late.task, case, VisitStage.HANDED_OVER) is not None:
        return None
    name = parse(dispatch)
    report = OfficerReport(
        id=result_id(dispatch, VisitStage.HANDED_OVER, who.login),
        at=now,
        resident=case.resident,
        case=case.id,
        by=late.task.officer,
        dispatch=dispatch,
        step=name.step,
        attempt=name.attempt,
        stage=VisitStage.HANDED_OVER,
        because=SentInstead(who.login),
        to=to,
        told_at=now,
    )
    return await put_all(services, who, "send-instead", await rosters.take(report))
