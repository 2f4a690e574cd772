"""Acts of administration by two persons: a system administrator asks, a security administrator confirms."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from schemas.administration.requests import AdminAct, AdminRequest, RequestState
from schemas.people.staff import StaffRole

WITHIN = timedelta(hours=24)  # to decide on a request, and again to carry a confirmed one out
OPEN = frozenset({RequestState.ASKED, RequestState.CONFIRMED})
_OF_ACCOUNTS = frozenset(AdminAct) - {AdminAct.TOKEN_NEW, AdminAct.WEBHOOK_NEW}


class RequestRefusal(StrEnum):
    """Why a decision on a request, or its carrying out, is refused.

    SAME_PERSON: the asker may not decide; OWN_ACCOUNT: nobody decides on their own account; DECIDED: it was decided
    before; LAPSED: 24 hours have passed; NOT_CONFIRMED: nobody has confirmed it; NOT_ASKER: only the asker carries it
    out.
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
    """Return a new request with the id `name`, which lapses 24 hours after `now`. `on`: what the act is about;
    `fields`: its particulars; `by`: who asks; `seen`: a hash of the account as this person saw it, or "".

    Raises ValidationError if a field is too long.
    """
    return AdminRequest(
        id=name, act=act, on=on, fields=dict(fields), seen=seen, asked_by=by, asked_at=now, until=now + WITHIN
    )


def decision_refused(request: AdminRequest, by: str, now: datetime) -> RequestRefusal | None:
    """Return why this person (login `by`) may not confirm or refuse a request, or None if they may.

    DECIDED: it no longer waits; LAPSED: its 24 hours are over; SAME_PERSON: they asked for it; OWN_ACCOUNT: it is about
    their own account.
    """
    if request.state is not RequestState.ASKED:
        return RequestRefusal.DECIDED
    if has_lapsed(request, now):
        return RequestRefusal.LAPSED
    if by == request.asked_by:
        return RequestRefusal.SAME_PERSON
    return RequestRefusal.OWN_ACCOUNT if request.act in _OF_ACCOUNTS and by == request.on else None


def with_decision(request: AdminRequest, state: RequestState, by: str, now: datetime, words: str = "") -> AdminRequest:
    """Return the request in the state `state` after this person's decision, with their reason (`words`); a confirmed
    one has 24 hours to be carried out. Raises ValueError if this person may not decide on it.
    """
    if why := decision_refused(request, by, now):
        raise ValueError(f"request {request.id}: {why.value}")
    fields = {"state": state, "decided_by": by, "decided_at": now, "words": words, "until": now + WITHIN}
    return request.model_copy(update=fields)


def carrying_out_refused(request: AdminRequest, by: str, now: datetime) -> RequestRefusal | None:
    """Return why this person may not carry out a request, or None if they may: NOT_CONFIRMED, LAPSED (its 24 hours are
    over) or NOT_ASKER: only the one who asked carries it out, and sees the secret.
    """
    if request.state is not RequestState.CONFIRMED:
        return RequestRefusal.NOT_CONFIRMED
    if has_lapsed(request, now):
        return RequestRefusal.LAPSED
    return None if by == request.asked_by else RequestRefusal.NOT_ASKER


def carried_out(request: AdminRequest) -> AdminRequest:
    """Return a copy of the request in the state DONE. Its previous state is not checked."""
    return request.model_copy(update={"state": RequestState.DONE})


def shows_secret(request: AdminRequest) -> bool:
    """Return whether carrying the request out makes a secret (a one-time password, a token, a webhook's secret), which
    only the asker may see. Requests without one need nobody to carry them out.
    """
    if request.act is AdminAct.ACCOUNT_NEW:
        return not request.fields.get("without") and request.fields.get("role") != StaffRole.SERVICE
    return request.act in (AdminAct.ONE_TIME, AdminAct.TOKEN_NEW, AdminAct.WEBHOOK_NEW)


def has_lapsed(request: AdminRequest, now: datetime) -> bool:
    """Return whether a request is asked or confirmed and its 24 hours are over."""
    return request.state in OPEN and request.until <= now


def by_urgency(requests: Iterable[AdminRequest], now: datetime) -> list[AdminRequest]:
    """Return the open requests, the first to lapse first; then the others, the latest first."""
    found = sorted(requests, key=lambda each: (each.until, each.id))
    waiting = [each for each in found if each.state in OPEN and not has_lapsed(each, now)]
    return waiting + [each for each in reversed(found) if each not in waiting]
