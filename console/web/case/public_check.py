"""The check of a report of the public page: the operator gets a call record, whose form is filled with what was
reported.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial

from console.web.auth import trail
from console.web.auth.who import NotFoundError, Who
from console.web.case import callers
from console.web.kit.services import Services
from domain.desk import public_reports as rules
from domain.ids import short_hash
from schemas.casework.cases import Case
from schemas.people.calls import Call
from schemas.people.public_reports import PublicReport, RejectedAs
from schemas.people.residents import ReportSource
from streams.runtime.tasks import until_done, wanted

EXPIRE_SECONDS = 600.0


async def expiring(services: Services) -> None:
    """Run until cancelled: every EXPIRE_SECONDS (600), delete the reports that are older than the policy allows.
    Outages of Kafka and Redis are waited for. Raises AccessError if a server denies access, and UnknownPolicyError or
    PolicyError if the policy in force is lost or invalid.
    """
    while wanted():
        await until_done("deleting old reports of the public page", partial(expire_reports, services))
        await asyncio.sleep(EXPIRE_SECONDS)


async def expire_reports(services: Services) -> None:
    """Delete the reports that are older than the policy in force allows (`retention.calls`). Raises UnknownPolicyError
    if the policy's text is stored nowhere, PolicyError if it is invalid, TimeoutError if Kafka does not answer within 8
    s, and SendError if it refuses a record for good. Errors of Kafka and Redis pass through.
    """
    kept = (await services.line.policies.live()).retention.calls
    await services.line.public_reports.expire(kept, services.line.clock.now())


async def report_in_area(services: Services, who: Who, name: str) -> PublicReport:
    """Return the report with the id `name`.

    Raises NotFoundError if it is unknown, too old, or (OtherAreaError) of a place outside the person's area, and
    UnknownPolicyError or PolicyError if the policy in force is lost or invalid. Errors of Kafka and Redis pass through.
    """
    report = await services.line.public_reports.get(name)
    kept = (await services.line.policies.live()).retention.calls
    if report is None or rules.expired(report, kept, services.line.clock.now()):
        raise NotFoundError
    who.require(report.place)
    return report


Change = Callable[[PublicReport], PublicReport]
"""Returns a report after a decision, or unchanged if it was decided before."""


async def changed_report(
    services: Services, who: Who, report: PublicReport, how: Change, act: str, reason: str
) -> PublicReport:
    """Change a report by `how`, under its lock, and return it as stored. The audit entry `act` comes first, so that no
    decision is without one, and has the `reason`; if `how` returns the report unchanged, nothing is written.

    Raises TimeoutError if Kafka does not answer in time, and SendError if it refuses a record for good. Errors of Redis
    pass through.
    """
    reports = services.line.public_reports
    async with trail.in_time(), reports.locked(report.id) as known:
        before = known or report
        after = how(before)
        if after != before:
            await trail.write(services, who, act, report.id, reason)
            await reports.put(after)
        return after


async def begin_check(services: Services, who: Who, report: PublicReport) -> Call | None:
    """Record that the operator `who` begins to check a report, and return the operator's call record for this check;
    None if the report was decided meanwhile. An audit entry is written.

    No telephone call is placed. The call record has the reporter's telephone; if the same operator begins again, the
    existing record is returned. Raises TimeoutError if Kafka does not answer in time, and SendError if it refuses a
    record for good. Errors of Redis pass through.
    """
    name = f"c{short_hash('public-report', report.id, who.login)}"
    now = services.line.clock.now()
    taken = await changed_report(
        services, who, report, lambda known: rules.being_checked(known, who.login, now), "public-report-taken", ""
    )
    if not taken.waits:
        return None
    return await callers.begin(services, who, taken.phone, name, report.id)


async def note_checked(services: Services, who: Who, call: Call, case: Case | None) -> None:
    """Record that an operator has filled in the form for the report that `call` checks: the report is then CHECKED. An
    audit entry is written. `case`: the case of the statement, or None.

    No effect if the call checks no report, or if the report was decided before. Raises TimeoutError if Kafka does not
    answer in time, and SendError if it refuses a record for good. Errors of Redis pass through.
    """
    report = await services.line.public_reports.get(call.report) if call.report else None
    if report is None or not report.waits:
        return
    now, name = services.line.clock.now(), case.id if case else None
    await changed_report(
        services, who, report, lambda known: rules.checked(known, who.login, now, name), "public-report-checked", ""
    )


async def reject_report(services: Services, who: Who, report: PublicReport, why: RejectedAs) -> bool:
    """Record that a report was rejected, with an audit entry; no effect if another decision was made before.

    Return True if the report is now rejected by this person for this reason, also when the same form is sent again.
    False if another decision counts. Raises TimeoutError if Kafka does not answer in time, and SendError if it refuses
    a record for good. Errors of Redis pass through.
    """
    now = services.line.clock.now()
    act = "public-report-rejected"
    done = await changed_report(
        services, who, report, lambda known: rules.rejected(known, who.login, now, why), act, why.value
    )
    return (done.decided_by, done.rejected_as) == (who.login, why)


async def prefilled_fields(services: Services, call: Call, places: Mapping[str, str]) -> Mapping[str, str]:
    """Return the fields of the form for a caller in danger, from the report that the call checks: texts by the form's
    field names, such as `name`, `place`, `amount` (yuan) and `suspect_account`, "" for what the report does not state.
    Empty if the call checks no report, has a statement already, or its report was decided.

    `places`: the names, by code, of the counties in the operator's area; a place elsewhere becomes "". Errors of Redis
    pass through.
    """
    report = await services.line.public_reports.get(call.report) if call.report and not call.statements else None
    if report is None or not report.waits:
        return {}
    yuan, fen = divmod(report.amount_fen or 0, 100)
    return {
        "name": report.name,
        "place": places.get(report.place, ""),
        "bank": report.from_bank,
        "amount": "" if report.amount_fen is None else f"{yuan}.{fen:02}" if fen else str(yuan),
        "suspect_account": report.payee,
        "institution": report.to_bank,
        "holder": report.holder,
        "paid_at": rules.paid_text(report.paid_at),
        "paid_by": report.paid_by.value,
        "from_account": report.from_account,
        "suspect_phone": report.scammer_phone,
        "wechat": report.wechat,
        "scam_link": report.scam_link,
        "text": report.text,
        "source": ReportSource.PUBLIC.value,
    }
