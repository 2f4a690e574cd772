"""Reports of the public page: the clock of their check, who checks them, and what a decision changes.

Nothing of a report counts before an operator has checked it: anybody can write anything there.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from domain.calendar import JILIN
from domain.ids import in_groups, short_hash
from schemas.people.public_reports import PublicReport, PublicReportState, RejectedAs

CHECK_WITHIN = timedelta(minutes=10)  # assumed: money leaves a mule's account in 3 to 10 minutes (Malaysia)
DIGITS = 12
_OF_CHECK = {"id", "at", "state", "taken_by", "taken_at", "decided_by", "decided_at", "rejected_as", "case"}
_TOLD = set(PublicReport.model_fields) - _OF_CHECK  # fields that the reporter fills in


def reference_number(report_id: str) -> str:
    """Return the number that the reporter gets, 4817-3305-1192. Nobody can count reports by it."""
    return in_groups(f"{int(short_hash('public-report-number', report_id), 16) % 10**DIGITS:0{DIGITS}}")


def typed_reference(text: str) -> str:
    """Return a reference number as `reference_number` writes it, from what a person types; "" if it is none."""
    digits = "".join(each for each in text if each.isascii() and each.isdigit())
    return in_groups(digits) if len(digits) == DIGITS else ""


def check_due(report: PublicReport) -> datetime:
    """Return by when a report must be checked."""
    return report.at + CHECK_WITHIN


def waiting_reports(reports: Iterable[PublicReport]) -> list[PublicReport]:
    """Return the reports that nobody has decided on, the oldest first."""
    return sorted((each for each in reports if each.waits), key=lambda each: (each.at, each.id))


def decided_reports(reports: Iterable[PublicReport], most: int) -> list[PublicReport]:
    """Return at most `most` reports that were decided on, the latest decision first."""
    found = [each for each in reports if not each.waits]
    return sorted(found, key=lambda each: (each.decided_at or each.at, each.id), reverse=True)[:most]


def expired(report: PublicReport, kept: timedelta, now: datetime) -> bool:
    """Return whether a report is older than the policy keeps it, whatever became of it."""
    return report.at + kept <= now


def corrected_report(known: PublicReport, told: PublicReport) -> PublicReport:
    """Return a report as the same form told it last: while nobody has begun to check it, what was told anew, with the
    time at which it first came; then the earlier version stands.
    """
    return told.model_copy(update={"at": known.at}) if known.waits and known.taken_by is None else known


def stands_as(known: PublicReport, told: PublicReport) -> bool:
    """Return whether the report says what a form told, whatever became of it."""
    return known.model_dump(include=_TOLD) == told.model_dump(include=_TOLD)


def being_checked(report: PublicReport, by: str, now: datetime) -> PublicReport:
    """Return the report with who has begun to check it. A decided one stays as it is."""
    return report.model_copy(update={"taken_by": by, "taken_at": now}) if report.waits else report


def checked(report: PublicReport, by: str, now: datetime, case: str | None) -> PublicReport:
    """Return the report as checked; `case`: the victim's, None if there is none. The first decision stays."""
    return _decided(report, PublicReportState.CHECKED, by, now, case=case)


def rejected(report: PublicReport, by: str, now: datetime, why: RejectedAs) -> PublicReport:
    """Return the report as rejected. The first decision stays."""
    return _decided(report, PublicReportState.REJECTED, by, now, rejected_as=why)


def _decided(report: PublicReport, state: PublicReportState, by: str, now: datetime, **more: object) -> PublicReport:
    if not report.waits:
        return report
    return report.model_copy(update={"state": state, "decided_by": by, "decided_at": now, **more})


def paid_text(at: datetime | None) -> str:
    """Return a time of payment as an operator types it (domain/desk/paid_at), "3-1 14:30"; "" for None."""
    if at is None:
        return ""
    local = at.astimezone(JILIN)
    return f"{local.month}-{local.day} {local:%H:%M}"
