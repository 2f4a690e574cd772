"""Lifting a stop-payment: who may ask, who may decide, until when, and what the case is told.

Two persons: whoever asked does not decide. Their names go into the case and into the audit.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from schemas.casework.cases import Case, StopState
from schemas.casework.inputs import ReleaseStopAct
from schemas.channels.releases import ReleaseRequest, ReleaseState
from schemas.levels import Action

WITHIN = timedelta(hours=24)  # assumed: half of what a stop lasts, so that a decision still helps
_LOGIN_AND_END = r"(?P<by>[a-z0-9][a-z0-9._-]*)\)"


class Why(StrEnum):
    """Why something is not done."""

    NO_STOP = "no_stop"  # there is no stop on this payment, or no longer
    ASKED_ALREADY = "asked_already"
    SAME_PERSON = "same_person"
    DECIDED = "decided"
    TOLD = "told"  # the case knows of the approval already


def asked(
    case: Case,
    number: int,
    known: Iterable[ReleaseRequest],
    *,
    name: str,
    by: str,
    reason: str,
    evidence: str,
    now: datetime,
) -> ReleaseRequest | Why:
    """The request to lift the stop on the case's payment `number`, or why there can be none.

    `known`: other requests. Raises ValueError for a reason that is too short or too long.
    """
    if not stands(case, number):
        return Why.NO_STOP
    payment = case.payments[number]
    if of_stop((each for each in known if each.id != name), case.id, number):
        return Why.ASKED_ALREADY
    return ReleaseRequest(
        id=name,
        case=case.id,
        resident=case.resident,
        payment=number,
        transfer=payment.transfer,
        amount_fen=payment.amount_fen,
        division=case.profile.division,
        asked_by=by,
        asked_at=now,
        due=now + WITHIN,
        reason=reason,
        evidence=evidence,
    )


def stands(case: Case, number: int) -> bool:
    """Whether there is a stop to lift on the case's payment `number`."""
    payment = case.payments[number] if 0 <= number < len(case.payments) else None
    return bool(payment and payment.stop and payment.stop.state in (StopState.ASKED, StopState.IN_FORCE))


def may_not_decide(request: ReleaseRequest, by: str) -> Why | None:
    """Why this person does not decide on a request; none when he may."""
    if request.state is not ReleaseState.ASKED:
        return Why.DECIDED
    return Why.SAME_PERSON if by == request.asked_by else None


def of_stop(requests: Iterable[ReleaseRequest], case: str, number: int) -> ReleaseRequest | None:
    """The open request to lift the stop on a case's payment `number`."""
    return next((each for each in requests if is_open(each) and (each.case, each.payment) == (case, number)), None)


def decided(request: ReleaseRequest, state: ReleaseState, by: str, words: str, now: datetime) -> ReleaseRequest:
    """The request after the decision. Raises ValueError when this person may not decide on it."""
    if why := may_not_decide(request, by):
        raise ValueError(f"request {request.id}: {why.value}")
    return request.model_copy(update={"state": state, "decided_by": by, "decided_at": now, "words": words})


def act_of(request: ReleaseRequest, by: str) -> ReleaseStopAct:
    """What the case is told when `by` approves: the request and both names stand in its reason."""
    reason = f"{_reason(request)}{by})"
    return ReleaseStopAct(transfer=request.transfer, reason=reason, asked_by=request.asked_by)


def approver(request: ReleaseRequest, case: Case) -> str | None:
    """Who has approved a request, as its case has it; none where the case was not told.

    The case is told first: what cuts the approval off then leaves the request open, and the bank is asked all the same.
    """
    told = re.compile(re.escape(_reason(request)) + _LOGIN_AND_END)
    found = (told.fullmatch(step.because) for step in case.steps if step.action is Action.STOP_RELEASE)
    return next((each["by"] for each in found if each), None)


def _reason(request: ReleaseRequest) -> str:
    return f"{request.reason} (request {request.id}: asked by {request.asked_by}, approved by "


def is_open(request: ReleaseRequest) -> bool:
    """Whether nobody has decided yet."""
    return request.state is ReleaseState.ASKED


def overdue(request: ReleaseRequest, now: datetime) -> bool:
    """Whether the clock has run out without a decision."""
    return is_open(request) and request.due <= now


def in_order(requests: Iterable[ReleaseRequest]) -> list[ReleaseRequest]:
    """The open ones first, the one that is due first at the head, so the overdue on top; then the latest decided."""
    found = list(requests)
    waiting = sorted((each for each in found if is_open(each)), key=lambda each: (each.due, each.id))
    done = [each for each in found if not is_open(each)]
    return waiting + sorted(done, key=lambda each: (each.decided_at or each.asked_at, each.id), reverse=True)
