"""Claims: one person works on a case while they renew its lease. The lease is decisive; the journal publishes the
claim.
"""

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
    """Claim a case or renew the person's claim. Return True if the case is the person's, also if it has not answered
    yet; False if another person has it or it is closed.
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
    """Claim the most urgent free case of the person's area, of any level, and return it; None if none is free."""
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
    """Return whether a case is in the person's area and can be claimed as their next case."""
    return who.sees(row.division) and _free(row.case)


def _free(case: Case) -> bool:
    """Return whether nobody has claimed the case, and an operator is needed for it or has not tried yet."""
    return case.claimed_by is None and not case.settled and (triage.called(case) or triage.untried(case))


async def renew(services: Services, who: Who, case: Case) -> bool:
    """Renew the lease while the person's page is open. Return whether the case is still theirs; if not, their lease
    ends.

    If the case was assigned to them, it is now recorded as claimed, because they have opened it.
    """
    if case.claimed_by != who.login:
        await services.desk.release(case.id, who.login)
        return False
    if case.assigned:
        await answers.put(services, who, claimed(case, who.login, services.line.clock))
    return await services.desk.keep(case.id, who.login)


async def give_back(services: Services, who: Who, case: Case) -> None:
    """End the person's claim: publish this in the journal, then release the lease."""
    if case.claimed_by == who.login:
        name = short_hash("release", case.id, case.version, who.login)
        await answers.put(services, who, given_back(case, who.login, services.line.clock, name))
    await services.desk.release(case.id, who.login)
