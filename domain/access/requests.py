"""Acts of administration that need two persons: a system administrator asks, a security administrator confirms."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from schemas.administration.requests import AdminAct, AdminRequest, RequestState
from schemas.people.staff import StaffRole

WITHIN = timedelta(hours=24)  # to decide on a request, and again to carry a confirmed one out
OPEN = frozenset({RequestState.ASKED, RequestState.CONFIRMED})
_OF_ACCOUNTS = frozenset(AdminAct) - {AdminAct.TOKEN_NEW, AdminAct.WEBHOOK_NEW}


class RequestRefusal(StrEnum):
    """The reason why a decision on a request, or its execution, is refused.

    SAME_PERSON: the person who asked may not decide. OWN_ACCOUNT: nobody decides about their own account. DECIDED: it
    was decided before. LAPSED: 24 hours have passed. NOT_CONFIRMED: nobody has confirmed it. NOT_ASKER: only the person
    who asked carries it out.
    """

    SAME_PERSON = "same_person"
    OWN_ACCOUNT = "own_account"
    DECIDED = "decided"
    LAPSED = "lapsed"
    NOT_CONFIRMED = "not_confirmed"
    NOT_ASKER = "not_asker"


def new_request(
    act: AdminAct, on: str, fields: Mapping[str, str], *, name: str, by: str, now: datetime, seen: str = ""
) -> AdminRequest:
    """Return a new request with the id `name`, which lapses 24 hours after `now`.

    `on`: the account, token or webhook that the act is about. `fields`: its particulars. `by`: the login of the person
    who asks. `seen`: a hash of the account as this person saw it, or "". Raises ValidationError if a field is too long.
    """
    return AdminRequest(
        id=name, act=act, on=on, fields=dict(fields), seen=seen, asked_by=by, asked_at=now, until=now + WITHIN
    )


def decision_refused(request: AdminRequest, by: str, now: datetime) -> RequestRefusal | None:
    """Return the first reason why the person `by` may not confirm or refuse a request, or None if they may.

    In this order: DECIDED: its state is not ASKED. LAPSED: its 24 hours are over. SAME_PERSON: they asked for it.
    OWN_ACCOUNT: it is about their own account.
    """
    if request.state is not RequestState.ASKED:
        return RequestRefusal.DECIDED
    if has_lapsed(request, now):
        return RequestRefusal.LAPSED
    if by == request.asked_by:
        return RequestRefusal.SAME_PERSON
    return RequestRefusal.OWN_ACCOUNT if request.act in _OF_ACCOUNTS and by == request.on else None


def with_decision(request: AdminRequest, state: RequestState, by: str, now: datetime, words: str = "") -> AdminRequest:
    """Return a copy of the request in the state `state`, decided by the person `by` with their reason (`words`).
    Nothing is stored.

    The copy has another 24 hours (`until`), within which a confirmed request must be carried out. Raises ValueError if
    this person may not decide on it (`decision_refused`).
    """
    if why := decision_refused(request, by, now):
        raise ValueError(f"request {request.id}: {why.value}")
    fields = {"state": state, "decided_by": by, "decided_at": now, "words": words, "until": now + WITHIN}
    return request.model_copy(update=fields)


def carrying_out_refused(request: AdminRequest, by: str, now: datetime) -> RequestRefusal | None:
    """Return the first reason why the person `by` may not carry out a request, or None if they may.

    In this order: NOT_CONFIRMED: its state is not CONFIRMED. LAPSED: its 24 hours are over. NOT_ASKER: only the person
    who asked carries it out, and sees the secret.
    """
    if request.state is not RequestState.CONFIRMED:
        return RequestRefusal.NOT_CONFIRMED
    if has_lapsed(request, now):
        return RequestRefusal.LAPSED
    return None if by == request.asked_by else RequestRefusal.NOT_ASKER


def carried_out(request: AdminRequest) -> AdminRequest:
    """Return a copy of the request in the state DONE. Its present state is not checked, and nothing is stored."""
    return request.model_copy(update={"state": RequestState.DONE})


def shows_secret(request: AdminRequest) -> bool:
    """Return True if carrying the request out makes a secret that is shown: a one-time password, a token or a webhook's
    secret.

    Only the person who asked may see it. Other requests are carried out without that person.
    """
    if request.act is AdminAct.ACCOUNT_NEW:
        return not request.fields.get("without") and request.fields.get("role") != StaffRole.SERVICE
    return request.act in (AdminAct.ONE_TIME, AdminAct.TOKEN_NEW, AdminAct.WEBHOOK_NEW)


def has_lapsed(request: AdminRequest, now: datetime) -> bool:
    """Return True if a request is open (asked or confirmed) and `now` is its end (`until`) or later. A decided one
    never lapses.
    """
    return request.state in OPEN and request.until <= now


def by_urgency(requests: Iterable[AdminRequest], now: datetime) -> list[AdminRequest]:
    """Return all requests: first the open ones that have not lapsed, the earliest end (`until`) first; then all others,
    lapsed ones included, the latest end first.
    """
    found = sorted(requests, key=lambda each: (each.until, each.id))
    waiting = [each for each in found if each.state in OPEN and not has_lapsed(each, now)]
    return waiting + [each for each in reversed(found) if each not in waiting]
