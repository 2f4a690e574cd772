"""Assigning a case to an operator who is signed in. A claim that the supervisor has not seen is never overridden."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from console.web.auth.who import NotFoundError, Who
from console.web.case import answers
from console.web.case.acting import acted
from console.web.case.answers import Answer, Answered
from console.web.kit.door import DESK
from console.web.kit.services import Services
from console.web.live.row import Row
from domain.identity.divisions import meet
from domain.ids import short_hash
from schemas.casework.acts import AssignAct
from schemas.casework.cases import Case
from schemas.codes.refusals import HasCase
from schemas.people.staff import Account, StaffRole


@dataclass(frozen=True, slots=True)
class Operator:
    """A signed-in operator. `area`: the prefix of the division codes that they see, "" for the province; `cases`: the
    number of open cases that they have claimed.
    """

    login: str
    name: str
    area: str
    cases: int

    def sees(self, division: str) -> bool:
        """Return True if a division is in the operator's area."""
        return division.startswith(self.area)


async def operators(services: Services, who: Who) -> list[Operator]:
    """Return the signed-in operators whose area overlaps the reader's, those with the fewest cases first, then by name.
    Supervisors are not among them. Errors of Kafka and Redis pass through.
    """
    accounts = [
        account
        for account in await services.staff.all()
        if account.role is StaffRole.OPERATOR and meet(account.area, who.area)
    ]
    signed_in = await services.sessions.signed_in(accounts)
    cases = Counter(row.case.claimed_by for row in services.hub.rows.values())
    found = [
        Operator(account.login, account.name, account.area, cases[account.login])
        for account in accounts
        if account.login in signed_in
    ]
    return sorted(found, key=lambda each: (each.cases, each.name, each.login))


def able(signed_in: Iterable[Operator], case: Case) -> list[Operator]:
    """Return those of the operators who can take a case: they see it, and do not have it. In the given order."""
    return [one for one in signed_in if one.sees(case.profile.division) and one.login != case.claimed_by]


async def assign(services: Services, who: Who, case: Case, act: AssignAct) -> Answer:
    """Assign a case to the operator `act.to`, and return the case's answer: DONE; REFUSED if the case is claimed by
    another person than `act.holder`; WAITING if no answer comes in time. The lease of the claim is passed on in Redis
    too.

    Raises NotFoundError if `act.to` is not a person who may act on the case, TimeoutError if Kafka does not answer in
    time, and SendError if it refuses a record for good. Errors of Kafka and Redis pass through.
    """
    account, desk = await services.staff.get(act.to), services.desk
    if account is None or not _may_act(account, case):
        raise NotFoundError
    if act.holder is None and not await desk.reserve(case.id, act.to):  # somebody claims it at this moment
        return Answer(Answered.REFUSED, HasCase(await desk.holder(case.id) or act.to))
    name = short_hash("assign", case.id, case.version, act.to, act.holder or "", who.login)
    answer = await answers.put(services, who, acted(services, who, case, act, name), act.reason or "")
    refused = answer.how is Answered.REFUSED
    if refused and act.holder is None and not _has(answer, act.to):
        await desk.release(case.id, act.to)
    elif act.holder is not None and not refused:
        await desk.release(case.id, act.holder)
        await desk.reserve(case.id, act.to)
    return answer


def assigned_to(services: Services, login: str) -> list[Row]:
    """Return the cases that were assigned to the person `login` and that they have not opened yet, the first assigned
    first.
    """
    mine = [row for row in services.hub.assigned.values() if row.case.claimed_by == login]
    return sorted(mine, key=lambda row: row.seq)


def _may_act(account: Account, case: Case) -> bool:
    acts = not account.disabled and account.role in DESK
    return acts and case.profile.division.startswith(account.area)


def _has(answer: Answer, login: str) -> bool:
    return answer.event is not None and answer.event.case.claimed_by == login
