"""Writes the approval of a release to its case, which lifts the stop, and finds what became of it."""

from console.web.auth import trail
from console.web.auth.who import Who
from console.web.case import answers
from console.web.case.answers import Answered
from console.web.kit.services import Services
from domain.ids import short_hash
from domain.payments import releases
from schemas.casework.inputs import OperatorReport
from schemas.channels.releases import ReleaseRequest
from schemas.codes.any_code import AnyCode
from streams.state.keys import RELEASE_TELLING

TELLING_SECONDS = 3600


async def write_approval(
    made: Services, who: Who, found: ReleaseRequest, form: str, seen: int
) -> tuple[str | None, AnyCode | None]:
    """Write the approval to the case, with an audit entry. Return (the approver's login, None), or (None, the reason)
    if the case refuses.

    (None, None): the approval is written, but the case has not decided yet. If an interrupted attempt has already
    written the approval, its person is returned as approver, and the bank is not asked again. Raises TimeoutError if
    Kafka does not answer in time, and SendError if it refuses a record for good. Errors of Redis pass through.
    """
    if by := await approver_on_case(made, found):
        await trail.write(made, who, "release-noted", found.case, "", decision_note(found, by))
        return by, None
    if await approval_under_way(made, found):
        return None, None
    reason = f"{decision_note(found, who.login)}: {found.reason}"
    report = _report(made, who, found, form, seen)
    await made.line.redis.set(RELEASE_TELLING + found.id, report.id, ex=TELLING_SECONDS)
    answer = await answers.put(made, who, report, reason)
    if answer.how is Answered.WAITING:
        return None, None
    if answer.how is Answered.REFUSED:
        return await approver_on_case(made, found), answer.why
    return who.login, None


async def approval_under_way(made: Services, found: ReleaseRequest) -> bool:
    """Return True if an approval was written within the last hour and the case has not applied it yet. Errors of Redis
    pass through.
    """
    raw = await made.line.redis.get(RELEASE_TELLING + found.id)
    return raw is not None and not await answers.applied(made, found.resident, raw.decode())


async def approver_on_case(made: Services, found: ReleaseRequest) -> str | None:
    """Return the login of the person whose approval the case has applied. None: it has applied none, or is unknown.
    Errors of Redis pass through.
    """
    case = await made.desk.load(found.case)
    return releases.approver(found, case) if case else None


def _report(made: Services, who: Who, found: ReleaseRequest, form: str, seen: int) -> OperatorReport:
    return OperatorReport(
        id=short_hash("release", found.id, form),
        at=made.line.clock.now(),
        resident=found.resident,
        case=found.case,
        by=who.login,
        role=who.role,
        seen=seen,
        act=releases.act_of(found),
    )


def decision_note(found: ReleaseRequest, by: str) -> str:
    """Return the remark that the audit entry of a decision has: the request's id, who asked, and who decided (`by`)."""
    return f"request {found.id} asked by {found.asked_by}, decided by {by}"
