"""The warnings that reached a resident: which message they used, and how long before a fraud they came."""

from datetime import datetime, timedelta

from domain.dispatches.messages import template_name
from domain.policy.messages import Messages
from schemas.casework.cases import Case
from schemas.casework.frauds import MOST_WARNINGS, GivenWarning
from schemas.levels import Action

COUNTED = timedelta(days=90)  # the longer of the two spans for which fraud after a warning is reported
REPORTING = timedelta(days=30)  # assumed: most victims have reported a fraud by then, and the police have sent it
SAME_TALK = timedelta(hours=1)  # within which the steps of one conversation are one warning


def with_warning(case: Case, action: Action, messages: Messages, now: datetime) -> list[GivenWarning]:
    """Return the case's warnings with one more, by `action` at `now`; at most the latest 64. The case is not changed.

    The list is returned as it is if the same message, by the same action and at the same level, came within an hour: a
    conversation is recorded several times, when it begins and when it ends.
    """
    new = GivenWarning(
        number=case.number, at=now, level=case.level, action=action, message=message_name(case, action, messages)
    )
    if any(_same(known, new) and abs(now - known.at) <= SAME_TALK for known in case.warnings):
        return case.warnings
    return [*case.warnings, new][-MOST_WARNINGS:]


def still_kept(case: Case, now: datetime) -> list[GivenWarning]:
    """Return the case's warnings of the 120 days before `now`, in the case's order. The resident's next case gets them,
    because a fraud within 90 days of a warning may be recorded up to 30 days later.
    """
    return [each for each in case.warnings if now - each.at <= COUNTED + REPORTING]


def message_name(case: Case, action: Action, messages: Messages) -> str:
    """Return the name of the message template that an action of the case uses now, such as `sms.zh.police`, or of an
    operator's script, such as `operator_call.police`; "" for an action without a text, such as a visit.
    """
    if action is Action.OPERATOR_CALL:
        return f"{action.value}.{case.script or case.danger.scam_type}"
    return template_name(messages, action, case.profile.language, case.danger.scam_type) or ""


def days_after_warning(case: Case, at: datetime) -> float | None:
    """Return how many days before `at` the resident's latest warning was given, with fractions; None if the case knows
    no warning in the 90 days before. Warnings to a trusted contact are left out.
    """
    warning = warning_before(case, at)
    return (at - warning.at) / timedelta(days=1) if warning else None


def warning_before(case: Case, at: datetime) -> GivenWarning | None:
    """Return the resident's latest warning that was given in the 90 days before `at`; None if the case knows none.
    Warnings to a trusted contact are left out.
    """
    before = [each for each in case.warnings if timedelta(0) <= at - each.at <= COUNTED and not each.action.to_contact]
    return max(before, key=lambda each: each.at, default=None)


def _same(one: GivenWarning, other: GivenWarning) -> bool:
    return one.model_copy(update={"at": other.at}) == other
