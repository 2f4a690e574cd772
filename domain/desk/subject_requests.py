"""Requests of people about their own data: entered with a clock, decided by a second person, carried out."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from domain.identity.entries import changed
from schemas.people.residents import Resident
from schemas.people.subject_requests import (
    Correction,
    SubjectRefusal,
    SubjectRequest,
    SubjectRequestState,
    SubjectRight,
)

_CASE_BARS = frozenset({SubjectRight.ERASE})  # rights that an open case or an order to keep the data sets aside


class SubjectDecisionBar(StrEnum):
    """The reason why a person may not decide on a request, or may not grant it.

    CHANGED: it is not in the state that the page showed; SAME_PERSON: they entered it; NOT_IN_REGISTER: there is no
    entry to show, correct or erase; OPEN_CASE: the person has an open case, so nothing is erased; LEGAL_HOLD: a court
    or prosecutor ordered the data to be kept.
    """

    CHANGED = "changed"
    SAME_PERSON = "same_person"
    NOT_IN_REGISTER = "not_in_register"
    OPEN_CASE = "open_case"
    LEGAL_HOLD = "legal_hold"


class SubjectRequestError(ValueError):
    """A request cannot be decided or carried out now; nothing was changed. `bar`: the reason."""

    def __init__(self, bar: SubjectDecisionBar) -> None:
        super().__init__(bar.value)
        self.bar = bar


def decision_barred(request: SubjectRequest, by: str) -> SubjectDecisionBar | None:
    """Return the reason why the login `by` may not decide on the request, or None if they may.

    CHANGED: it no longer waits for a decision. SAME_PERSON: they entered it.
    """
    if request.state is not SubjectRequestState.ASKED:
        return SubjectDecisionBar.CHANGED
    return SubjectDecisionBar.SAME_PERSON if by == request.by else None


def granting_barred(request: SubjectRequest, by: str, *, open_case: bool, held: bool) -> SubjectDecisionBar | None:
    """Return the first reason why the login `by` may not grant the request, or None if they may.

    CHANGED: it no longer waits for a decision. SAME_PERSON: they entered it. NOT_IN_REGISTER: it names no entry of the
    register. For an erasure only: LEGAL_HOLD, if an order to keep the person's data is in force (`held`); OPEN_CASE, if
    the person has an open case (`open_case`). The other rights may be granted in both situations.
    """
    if bar := decision_barred(request, by):
        return bar
    if request.resident is None:
        return SubjectDecisionBar.NOT_IN_REGISTER
    if request.right in _CASE_BARS and held:
        return SubjectDecisionBar.LEGAL_HOLD
    return SubjectDecisionBar.OPEN_CASE if request.right in _CASE_BARS and open_case else None


def granted(request: SubjectRequest, by: str, now: datetime, before: Correction | None = None) -> SubjectRequest:
    """Return a copy of the request, granted by the login `by` at `now`. `before`: for a correction, the present values
    of its fields.

    Raises SubjectRequestError if the request no longer waits for a decision (CHANGED) or the person entered it
    (SAME_PERSON). The other reasons of `granting_barred` are not checked: call it first.
    """
    if bar := decision_barred(request, by):
        raise SubjectRequestError(bar)
    fields = {"state": SubjectRequestState.GRANTED, "decided_by": by, "decided_at": now, "before": before}
    return request.model_copy(update=fields)


def refusal_barred(request: SubjectRequest, by: str) -> SubjectDecisionBar | None:
    """Return the reason why the login `by` may not refuse the request, or None if they may.

    SAME_PERSON: they entered it. CHANGED: it was refused or carried out before. A granted request that is not carried
    out may be refused, so that one which can no longer be carried out can end.
    """
    if request.state is SubjectRequestState.GRANTED:
        return SubjectDecisionBar.SAME_PERSON if by == request.by else None
    return decision_barred(request, by)


def refused_for(request: SubjectRequest, by: str, now: datetime, why: SubjectRefusal) -> SubjectRequest:
    """Return a copy of the request, refused by the login `by` at `now` for the reason `why`; the request unchanged if
    this person refused it before for this reason.

    Raises SubjectRequestError if the person entered it (SAME_PERSON), or if it was refused otherwise or carried out
    before (CHANGED).
    """
    if (request.state, request.decided_by, request.refusal) == (SubjectRequestState.REFUSED, by, why):
        return request
    if bar := refusal_barred(request, by):
        raise SubjectRequestError(bar)
    fields = {"state": SubjectRequestState.REFUSED, "decided_by": by, "decided_at": now, "refusal": why}
    return request.model_copy(update=fields)


def completion_barred(request: SubjectRequest, by: str, entry: Resident) -> SubjectDecisionBar | None:
    """Return the first reason why the login `by` may not complete a granted correction that was interrupted, or None if
    they may. `request`: must be in the state GRANTED, which is not checked.

    SAME_PERSON: they entered the request. CHANGED: it is no correction; or the register's `entry` is neither as it was
    when the correction was granted nor as it shall be, so somebody changed it meanwhile.
    """
    if by == request.by:
        return SubjectDecisionBar.SAME_PERSON
    if request.correction is None:
        return SubjectDecisionBar.CHANGED
    known = fields_before(entry, request.correction) in (request.before, request.correction)
    return None if known else SubjectDecisionBar.CHANGED


def carried_out_by(request: SubjectRequest, by: str, now: datetime) -> SubjectRequest:
    """Return a copy of the granted request in the state DONE, carried out by the login `by` at `now`; the request
    unchanged if it is DONE already.

    Raises SubjectRequestError (CHANGED) if it is neither granted nor done.
    """
    if request.state is SubjectRequestState.DONE:
        return request
    if request.state is not SubjectRequestState.GRANTED:
        raise SubjectRequestError(SubjectDecisionBar.CHANGED)
    return request.model_copy(update={"state": SubjectRequestState.DONE, "done_by": by, "done_at": now})


def is_to_hand_over(request: SubjectRequest) -> bool:
    """Return True if a copy of the person's data may be handed over: the request is to see it, and granted or done."""
    granted_states = (SubjectRequestState.GRANTED, SubjectRequestState.DONE)
    return request.right is SubjectRight.SEE and request.state in granted_states


def handed_over_by(request: SubjectRequest, by: str, now: datetime) -> SubjectRequest:
    """Return a copy of the request in the state DONE, whose copy of the person's data the login `by` hands over at
    `now`; the request unchanged if it is DONE already, because a download may be repeated.

    Raises SubjectRequestError (CHANGED) if the request is not to see the data, or neither granted nor done.
    """
    if not is_to_hand_over(request):
        raise SubjectRequestError(SubjectDecisionBar.CHANGED)
    return carried_out_by(request, by, now)


def fields_before(resident: Resident, correction: Correction) -> Correction:
    """Return a Correction with the present values, in the register's entry, of the fields that `correction` changes;
    its other fields are None.
    """
    return Correction.model_validate({name: getattr(resident, name) for name in _given(correction)})


def with_correction(resident: Resident, correction: Correction) -> Resident:
    """Return a copy of the register's entry with the corrected fields, which are assumed no longer; all others
    stay the same. Nothing is stored.
    """
    return changed(resident, **{name: getattr(correction, name) for name in _given(correction)})


def fields_given(correction: Correction) -> list[str]:
    """Return the names of the fields that a correction changes, in the model's order."""
    return list(_given(correction))


def request_late(request: SubjectRequest, now: datetime) -> bool:
    """Return True if the request has not ended and is due at or before `now`."""
    return not request.ended and request.due <= now


def by_clock(requests: Iterable[SubjectRequest]) -> list[SubjectRequest]:
    """Return all requests: first those that have not ended, the earliest due first; then the others, the latest entered
    first.
    """
    return sorted(requests, key=_place)


def _place(request: SubjectRequest) -> tuple[bool, float, str]:
    return request.ended, -request.at.timestamp() if request.ended else request.due.timestamp(), request.id


def _given(correction: Correction) -> dict[str, object]:
    return correction.model_dump(exclude_none=True)
