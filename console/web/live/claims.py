"""Claims: one person works on a case as long as their lease in Redis is renewed. The lease decides who has the case;
the journal publishes the claim.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from console.web.auth.who import Who
from console.web.case import answers
from console.web.case.answers import Answered
from console.web.kit.services import Services
from console.web.live.row import Row
from domain.casework import triage
from domain.ids import resident_of, short_hash
from schemas.casework.cases import Case
from streams.casework.claims import claimed, given_back
from streams.messaging.topics import home
from streams.state.keys import key


async def claim(services: Services, who: Who, case: Case) -> bool:
    """Claim a case for the person, or renew their claim. Return True if the person has the case, also if the case's
    answer is not known yet; False if another person has it or the case refuses the claim, for example because it is
    closed.

    Raises TimeoutError if Kafka does not answer in time, and SendError if it refuses a record for good. Errors of Redis
    pass through.
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
    """Claim the most urgent free case of the person's area, of any level, and return it as it was before the claim;
    None if none is free.

    Raises TimeoutError if Kafka does not answer in time, and SendError if it refuses a record for good. Errors of Redis
    pass through.
    """
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
    """Return True if a case is in the person's area, is unclaimed and not settled, and an operator is needed for it or
    has not tried yet, so that the person can claim it as their next case.
    """
    return who.sees(row.division) and _free(row.case)


def _free(case: Case) -> bool:
    """Return True if nobody has claimed the case, and an operator is needed for it or has not tried yet."""
    return case.claimed_by is None and not case.settled and (triage.operator_call_waits(case) or triage.untried(case))


async def renew(services: Services, who: Who, case: Case) -> bool:
    """Renew the person's lease while their page is open. Return True if the case is still claimed by them; if not,
    their lease is released.

    If the case was assigned to them, the claim is now also written as an input of the case, because they have opened
    it. Raises TimeoutError if Kafka does not answer in time, and SendError if it refuses a record for good. Errors of
    Redis pass through.
    """
    if case.claimed_by != who.login:
        await services.desk.release(case.id, who.login)
        return False
    if case.assigned:
        await answers.put(services, who, claimed(case, who.login, services.line.clock))
    return await services.desk.keep(case.id, who.login)


async def claims_end(services: Services, case_ids: Sequence[str]) -> dict[str, datetime]:
    """Return when the claims on these cases expire if no open page renews them, by the case's id: times of the
    installation's clock. Cases without a lease are left out. Errors of Redis pass through.
    """
    line = services.line
    async with line.redis.pipeline(transaction=False) as pipe:
        for case_id in case_ids:
            pipe.pttl(f"{key('claim', home(resident_of(case_id), line.settings.partitions))}:{case_id}")
        left = await pipe.execute()
    now, speed = line.clock.now(), line.clock.speed  # a lease runs in wall-clock time
    ends = zip(case_ids, left, strict=True)
    return {case_id: now + timedelta(milliseconds=each * speed) for case_id, each in ends if each >= 0}


async def give_back(services: Services, who: Who, case: Case) -> None:
    """End the person's claim: write it as an input of the case, then release the lease. Without a claim only the lease
    is released.

    Raises TimeoutError if Kafka does not answer in time, and SendError if it refuses the input for good; the lease then
    stays. Errors of Redis pass through.
    """
    if case.claimed_by == who.login:
        name = short_hash("release", case.id, case.version, who.login)
        await answers.put(services, who, given_back(case, who.login, services.line.clock, name))
    await services.desk.release(case.id, who.login)
