"""Reports from the public page: the deadline of their check, who checks them, and the effect of a decision.

Nothing in a report counts before an operator has checked it: anybody can write anything there.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from domain.calendar import JILIN, Calendar, after_working_days
from domain.ids import in_groups, short_hash
from schemas.people.public_reports import AppealOutcome, PublicReport, PublicReportState, RejectedAs

CHECK_WITHIN = timedelta(minutes=10)  # assumed: money leaves a mule's account in 3 to 10 minutes (Malaysia)
APPEAL_WORKING_DAYS = 5  # assumed: the law (AFL, article 32) asks only that appeals are decided in good time
OUTSIDE = "220000"  # place of an appeal from outside the province: only the centre's area has the province's own code
DIGITS = 12
_DECISION = {"decided_by", "decided_at", "rejected_as", "case", "appeal", "removed_at"}
_OF_CHECK = {"id", "at", "state", "taken_by", "taken_at"} | _DECISION
_TOLD = set(PublicReport.model_fields) - _OF_CHECK  # fields that the reporter fills in


def reference_number(report_id: str) -> str:
    """Return the number that the reporter gets, such as 4817-3305-1192: 12 digits of a hash of the report's id. It does
    not reveal how many reports exist.
    """
    return in_groups(f"{int(short_hash('public-report-number', report_id), 16) % 10**DIGITS:0{DIGITS}}")


def typed_reference(text: str) -> str:
    """Return the reference number in a typed text, as `reference_number` writes it; "" if the text has not exactly 12
    digits.
    """
    digits = "".join(each for each in text if each.isascii() and each.isdigit())
    return in_groups(digits) if len(digits) == DIGITS else ""


def check_due(report: PublicReport) -> datetime:
    """Return the time (aware) by which a report must be checked: 10 minutes after it was sent (assumed). An appeal must
    be decided by the end of the fifth weekday after its day; public holidays count as weekdays.
    """
    if report.is_appeal:
        return after_working_days(report.at, APPEAL_WORKING_DAYS, Calendar())
    return report.at + CHECK_WITHIN


def waiting_reports(reports: Iterable[PublicReport]) -> list[PublicReport]:
    """Return the reports that nobody has decided on, sorted by the time by which they must be checked, the earliest
    first.
    """
    return sorted((each for each in reports if each.waits), key=lambda each: (check_due(each), each.id))


def decided_reports(reports: Iterable[PublicReport], most: int) -> list[PublicReport]:
    """Return at most `most` reports that were decided on, the latest decision first."""
    found = [each for each in reports if not each.waits]
    return sorted(found, key=lambda each: (each.decided_at or each.at, each.id), reverse=True)[:most]


def expired(report: PublicReport, kept: timedelta, now: datetime) -> bool:
    """Return True if a report, decided or not, was sent at least `kept` before `now`, so that it may be deleted.
    `kept`: the policy's limit.
    """
    return report.at + kept <= now


def corrected_report(known: PublicReport, told: PublicReport) -> PublicReport:
    """Return the report to store after the same form was sent again: `told`, with the time of `known`, the first one.

    Once somebody has begun to check `known`, or has decided on it, `known` is returned unchanged.
    """
    return told.model_copy(update={"at": known.at}) if known.waits and known.taken_by is None else known


def same_statement(known: PublicReport, told: PublicReport) -> bool:
    """Return True if the reporter wrote the same in both reports. Fields that the centre has filled in are not
    compared.
    """
    return known.model_dump(include=_TOLD) == told.model_dump(include=_TOLD)


def being_checked(report: PublicReport, by: str, now: datetime) -> PublicReport:
    """Return a copy of the report with the login `by` of the person who checks it from `now` on, in place of any other;
    the report unchanged if it is decided.
    """
    return report.model_copy(update={"taken_by": by, "taken_at": now}) if report.waits else report


def checked(report: PublicReport, by: str, now: datetime, case: str | None) -> PublicReport:
    """Return a copy of the report with the state CHECKED, by the login `by` at `now`; a decided report is returned
    unchanged. `case`: the id of the victim's case, or None if there is none.
    """
    return _decided(report, PublicReportState.CHECKED, by, now, case=case)


def rejected(report: PublicReport, by: str, now: datetime, why: RejectedAs) -> PublicReport:
    """Return a copy of the report with the state REJECTED, by the login `by` at `now`, with the reason `why`; a decided
    report is returned unchanged.
    """
    return _decided(report, PublicReportState.REJECTED, by, now, rejected_as=why)


def decided_appeal(report: PublicReport, by: str, now: datetime, outcome: AppealOutcome) -> PublicReport:
    """Return a copy of the appeal, decided by the login `by` at `now`: CHECKED if `outcome` removes the entry from the
    watchlist, else REJECTED. A decided appeal is returned unchanged.
    """
    state = PublicReportState.CHECKED if outcome.removes_entry else PublicReportState.REJECTED
    return _decided(report, state, by, now, appeal=outcome)


def removal_waits(report: PublicReport) -> bool:
    """Return True if an appeal was decided as a removal that was not sent to screening yet."""
    return report.appeal is not None and report.appeal.removes_entry and report.removed_at is None


def removed(report: PublicReport, now: datetime) -> PublicReport:
    """Return a copy of an appeal with `now` as the time at which its removal was sent to screening. A report whose
    removal was sent before (the first time stays), or that was not decided as a removal, is returned unchanged.
    """
    return report.model_copy(update={"removed_at": now}) if removal_waits(report) else report


def contested(report: PublicReport) -> tuple[str, str]:
    """Return (kind, value) of the watchlist entry that an appeal is about: ("account", account number), ("phone",
    telephone number) or ("link", web address).
    """
    if report.payee:
        return "account", report.payee
    return ("phone", report.scammer_phone) if report.scammer_phone else ("link", report.scam_link)


def _decided(report: PublicReport, state: PublicReportState, by: str, now: datetime, **more: object) -> PublicReport:
    if not report.waits:
        return report
    return report.model_copy(update={"state": state, "decided_by": by, "decided_at": now, **more})


def paid_text(at: datetime | None) -> str:
    """Return a time of payment as text that `paid_at` reads, in Jilin's time, such as "3-1 14:30"; "" for None."""
    if at is None:
        return ""
    local = at.astimezone(JILIN)
    return f"{local.month}-{local.day} {local:%H:%M}"
