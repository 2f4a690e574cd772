"""The check of a report of the public page: it becomes a call, whose form is filled with what was reported."""

import asyncio
from collections.abc import Mapping
from functools import partial

from console.web.auth import trail
from console.web.auth.who import NotFoundError, Who
from console.web.case import callers
from console.web.kit.services import Services
from domain.desk import public_reports as rules
from domain.ids import short_hash
from schemas.casework.cases import Case
from schemas.people.calls import Call
from schemas.people.public_reports import PublicReport, PublicReportState, RejectedAs
from schemas.people.residents import ReportSource
from streams.runtime.tasks import until_done, wanted

EXPIRE_SECONDS = 600.0


async def expiring(services: Services) -> None:
    """Run until cancelled: delete the reports that are older than the policy keeps them, every EXPIRE_SECONDS."""
    while wanted():
        await until_done("deleting old reports of the public page", partial(expire_reports, services))
        await asyncio.sleep(EXPIRE_SECONDS)


async def expire_reports(services: Services) -> None:
    """Delete the reports that are older than the policy keeps them."""
    kept = (await services.line.policies.live()).retention.calls
    await services.line.public_reports.expire(kept, services.line.clock.now())


async def report_in_area(services: Services, who: Who, name: str) -> PublicReport:
    """Return a report that is still kept. Raises NotFoundError if there is none in the person's area."""
    report = await services.line.public_reports.get(name)
    kept = (await services.line.policies.live()).retention.calls
    if report is None or not who.sees(report.place) or rules.expired(report, kept, services.line.clock.now()):
        raise NotFoundError
    return report


async def begin_check(services: Services, who: Who, report: PublicReport) -> Call | None:
    """Record that the operator `who` begins to check a report, and return the call record in which they do so; None
    if it was decided meanwhile.

    No telephone call is placed. The record has the reporter's telephone. Each operator has one record for a report: the
    first check stores it, a later one returns it. The report gets the operator and the time; an audit entry is written
    each time. Raises TimeoutError if Kafka does not answer in time.
    """
    name = f"c{short_hash('public-report', report.id, who.login)}"
    async with trail.in_time():
        taken = await services.line.public_reports.change(
            report.id, lambda known: rules.being_checked(known or report, who.login, services.line.clock.now())
        )
    if not taken.waits:
        return None
    await trail.write(services, who, "public-report-taken", report.id)
    return await callers.begin(services, who, taken.phone, name, report.id)


async def note_checked(services: Services, who: Who, call: Call, case: Case | None) -> None:
    """Record that the report which a call checks was taken down; no effect for another call, or after a decision."""
    report = await services.line.public_reports.get(call.report) if call.report else None
    if report is None or not report.waits:
        return
    now, name = services.line.clock.now(), case.id if case else None
    async with trail.in_time():
        done = await services.line.public_reports.change(
            report.id, lambda known: rules.checked(known or report, who.login, now, name)
        )
    if (done.state, done.decided_by, done.case) == (PublicReportState.CHECKED, who.login, name):
        await trail.write(services, who, "public-report-checked", report.id)


async def reject_report(services: Services, who: Who, report: PublicReport, why: RejectedAs) -> bool:
    """Record that a report was rejected; no effect after a decision. Return whether it is now rejected by this person
    for this reason: the same form sent again is.
    """
    now = services.line.clock.now()
    async with trail.in_time():
        done = await services.line.public_reports.change(
            report.id, lambda known: rules.rejected(known or report, who.login, now, why)
        )
    if (done.decided_by, done.rejected_as) != (who.login, why):
        return False
    await trail.write(services, who, "public-report-rejected", report.id, why.value)
    return True


async def prefilled_fields(services: Services, call: Call, places: Mapping[str, str]) -> Mapping[str, str]:
    """Return the fields of the form for a caller in danger, from the report that the call checks; empty for another
    call, and once something was taken down. `places`: the names of the person's counties by code.
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
