"""Claims: one person works on a case while they renew its lease. The lease decides; the journal publishes the claim."""

from console.web.auth.who import Who
from console.web.case import answers
from console.web.case.answers import Answered
from console.web.kit.services import Services
from console.web.live.row import Row
from domain.casework import triage
from domain.ids import short_hash
from schemas.casework.cases import Case
from streams.casework.claims import claimed, given_back


async def claim(services: Services, who: Who, case: Case) -> bool:
    """Claim a case or renew the person's claim. Return whether it is the person's: False if another has it or it is
    closed. A claim that the case has not answered yet counts.
    """
    desk = services.desk
    if not await desk.keep(case.id, who.login):
        return False
    if case.claimed_by == who.login:
        return True
    answer = await answers.put(services, who, claimed(case, who.login, services.line.clock))
    if answer.how is Answered.REFUSED:
        await desk.release(case.id, who.login)
    return answer.how is not Answered.REFUSED


async def claim_next(services: Services, who: Who) -> Case | None:
    """Claim the best free case of the person's area, of any level, and return it; None if there is none."""
    desk = services.desk
    for row in services.queue.order():
        if not (may_take(row, who) and await desk.take(row.id, who.login)):
            continue
        case = await desk.load(row.id)
        if case is not None and _free(case) and await claim(services, who, case):
            return case
        await desk.release(row.id, who.login)
    return None


def may_take(row: Row, who: Who) -> bool:
    """Return whether a case lies in the person's area and is free to be claimed as the next one."""
    return who.sees(row.division) and _free(row.case)


def _free(case: Case) -> bool:
    """Return whether nobody has the case, and an operator is asked for or has not tried yet."""
    return case.claimed_by is None and not case.settled and (triage.called(case) or triage.untried(case))


async def renew(services: Services, who: Who, case: Case) -> bool:
    """Renew the lease while the person's page is open. Return whether the case is still theirs; if not, they lose the
    lease. A case that was assigned to them is theirs from now on: they have opened it.
    """
    if case.claimed_by != who.login:
        await services.desk.release(case.id, who.login)
        return False
    if case.assigned:
        await answers.put(services, who, claimed(case, who.login, services.line.clock))
    return await services.desk.keep(case.id, who.login)


async def give_back(services: Services, who: Who, case: Case) -> None:
    """End the person's claim: first publish it in the journal, then release the lease."""
    if case.claimed_by == who.login:
        name = short_hash("release", case.id, case.version, who.login)
        await answers.put(services, who, given_back(case, who.login, services.line.clock, name))
    await services.desk.release(case.id, who.login)
