"""Routes of the reports that came from the public page: the queue, one report, its check and its rejection."""

import math

from fastapi import Request
from starlette.responses import Response

from console.web.auth import trail
from console.web.auth.who import Signed
from console.web.case import public_check
from console.web.check import appeals
from console.web.check.listed import listed_of
from console.web.kit.door import DESK, SUPERVISORS, Door
from console.web.kit.filled import done, filled, new_form
from console.web.kit.i18n import translate
from console.web.kit.pages import page
from console.web.kit.services import services
from console.web.rosters import areas
from domain.calendar import local_date
from domain.desk import public_reports as rules
from schemas.people.public_reports import AppealOutcome, PublicReportState, RejectedAs
from schemas.people.staff import StaffRole

door = Door()
SHOWN = 200  # waiting reports on one page of the list
SHOWN_DECIDED = 50
_OUTSIDE = {rules.OUTSIDE: appeals.OUTSIDE_NAME}
MOST_DIGITS = 9  # of the number of a page


@door.page("/public-reports", DESK, name="public-reports")
async def queue(request: Request, who: Signed) -> Response:
    """Delete the reports that are too old, and return the page with the reports of the person's area that wait for a
    check, the oldest first, and the latest decided ones.

    `page` in the query: the number of the page, from 1, each with SHOWN (200) waiting reports. `number`: redirects to
    the report with this reference number. UnknownPolicyError or PolicyError passes through if the policy in force is
    lost or invalid. Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    made, number = services(request), request.query_params.get("number", "")
    now, reports = made.line.clock.now(), made.line.public_reports
    if number and (found := await reports.by_number(rules.typed_reference(number))) and who.sees(found.place):
        return done(request, f"/public-reports/{found.id}")
    await public_check.expire_reports(made)
    many = (await reports.count(who.sees))[PublicReportState.WAITING]
    pages = max(1, math.ceil(many / SHOWN))
    nth = min(_number(request.query_params.get("page", "")), pages)
    waiting = await reports.waiting(who.sees, SHOWN, (nth - 1) * SHOWN)
    decided = await reports.decided(who.sees, SHOWN_DECIDED)
    shown = [*waiting, *decided]
    return page(
        request,
        "public_reports.html",
        waiting=[(each, rules.check_due(each)) for each in waiting],
        decided=decided,
        many=many,
        nth=nth,
        pages=pages,
        sought=number,
        reference=rules.reference_number,
        names=await made.staff.names(),
        places=areas.names({each.place for each in shown}, local_date(now)) | _OUTSIDE,
    )


@door.page("/public-reports/{report_id}", DESK, name="public-report")
async def show(request: Request, who: Signed, report_id: str) -> Response:
    """Return the page of one report. An audit entry of the look is written. Raises NotFoundError if the person's area
    does not have the report. UnknownPolicyError or PolicyError passes through if the policy in force is lost or
    invalid. Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    return await _shown(request, who, report_id)


@door.act("/public-reports/{report_id}/check", DESK, name="public-report-check")
async def check(request: Request, who: Signed, report_id: str) -> Response:
    """Begin the check: redirect to a call whose form is filled with what was reported. A report that was decided
    already is only shown.

    400 (HTTPException) if the form has no id. Raises NotFoundError if the person's area does not have the report.
    UnknownPolicyError or PolicyError passes through if the policy in force is lost or invalid. Errors of Kafka (such as
    TimeoutError and SendError) and Redis pass through.
    """
    made = services(request)
    await filled(request)
    report = await public_check.report_in_area(made, who, report_id)
    call = await public_check.begin_check(made, who, report) if report.waits and not report.is_appeal else None
    return done(request, f"/call-in/{call.id}" if call else f"/public-reports/{report_id}")


@door.act("/public-reports/{report_id}/reject", DESK, name="public-report-reject")
async def reject(request: Request, who: Signed, report_id: str) -> Response:
    """Reject a report with a reason and redirect to the queue; 422 without a reason. A report that was decided already
    is only shown.

    400 (HTTPException) if the form has no id. Raises NotFoundError if the person's area does not have the report.
    UnknownPolicyError or PolicyError passes through if the policy in force is lost or invalid. Errors of Kafka (such as
    TimeoutError and SendError) and Redis pass through.
    """
    made, given = services(request), await filled(request)
    report = await public_check.report_in_area(made, who, report_id)
    why = next((each for each in RejectedAs if each.value == given["why"]), None)
    if why is None:
        return await _shown(request, who, report_id, 422, translate(request, "请选择不采纳的原因。"))
    rejected = not report.is_appeal and await public_check.reject_report(made, who, report, why)
    return done(request, "/public-reports" if rejected else f"/public-reports/{report_id}")


@door.act("/public-reports/{report_id}/appeal", SUPERVISORS, name="public-report-appeal")
async def decide(request: Request, who: Signed, report_id: str) -> Response:
    """Decide on an appeal with a reason, and redirect to the queue; 422 without one, and for a removal of what is not
    listed. A report of a fraud and a decided appeal are only shown.

    400 (HTTPException) if the form has no id. Raises NotFoundError if the person's area does not have it.
    UnknownPolicyError or PolicyError passes through if the policy in force is lost or invalid. Errors of Kafka (such as
    TimeoutError and SendError) and Redis pass through.
    """
    made, given = services(request), await filled(request)
    report = await public_check.report_in_area(made, who, report_id)
    outcome = next((each for each in AppealOutcome if each.value == given["outcome"]), None)
    if outcome is None:
        return await _shown(request, who, report_id, 422, translate(request, "请选择决定和原因。"))
    try:
        decided = report.is_appeal and await appeals.decide_appeal(made, who, report, outcome)
    except appeals.NotListedError:
        return await _shown(request, who, report_id, 422, translate(request, "本身不在名单中，没有可移出的记录。"))
    return done(request, "/public-reports" if decided else f"/public-reports/{report_id}")


def _number(text: str) -> int:
    """Return the number of a page, at least 1; 1 if the text is no number."""
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < MOST_DIGITS else 1


async def _shown(request: Request, who: Signed, report_id: str, status: int = 200, wrong: str = "") -> Response:
    made = services(request)
    report = await public_check.report_in_area(made, who, report_id)
    await trail.record_look(made, who, "public-report", report.id)
    return page(
        request,
        "public_report_check.html",
        status,
        report=report,
        due=rules.check_due(report),
        reference=rules.reference_number(report.id),
        names=await made.staff.names(),
        place=_OUTSIDE.get(report.place) or areas.name(report.place, local_date(made.line.clock.now())),
        reasons=list(RejectedAs),
        outcomes=list(AppealOutcome),
        listed=await listed_of(made, report) if report.is_appeal and report.waits else None,
        decides=who.role is StaffRole.SUPERVISOR,
        forms={name: new_form() for name in ("check", "reject", "appeal")},
        wrong=wrong,
    )
