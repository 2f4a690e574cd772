"""Lifting of stop-payments by two persons: one asks, another decides. Both names are written to the case
and the audit.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from domain.payments.status import stopped_fen
from schemas.casework.acts import ReleaseStopAct
from schemas.casework.cases import Case, Payment
from schemas.channels.releases import ReleaseRequest, ReleaseState
from schemas.codes.money import ReleaseApproved
from schemas.levels import Action

WITHIN = timedelta(hours=24)  # assumed: half the duration of a stop, so that a decision still helps


FIRST_TRACED = 10_000
"""The number of a case's first account beyond the payees'. Payments have lower ones: their indexes."""


def numbered(case: Case) -> Iterator[tuple[int, Payment]]:
    """Yield (number, payment) for the case's payments, numbered from 0, and then for the accounts to which money went
    on from there (`Case.traced`), numbered from FIRST_TRACED (10,000). A payment's number never changes.
    """
    yield from enumerate(case.payments)
    yield from enumerate(case.traced, FIRST_TRACED)


def of_number(case: Case, number: int) -> Payment | None:
    """Return the payment or traced account with this number, as `numbered` counts them. None if the case has none."""
    held, place = (case.traced, number - FIRST_TRACED) if number >= FIRST_TRACED else (case.payments, number)
    return held[place] if 0 <= place < len(held) else None


class Why(StrEnum):
    """The reason why a request to lift a stop, or the decision on it, is refused.

    NO_STOP: the payment has no stop, or no stop any more. ASKED_ALREADY: another request to lift this stop waits for a
    decision. SAME_PERSON: the person who asked may not decide. DECIDED: somebody has already decided. TOLD: the case
    already has the approval.
    """

    NO_STOP = "no_stop"  # there is no stop on this payment, or no longer
    ASKED_ALREADY = "asked_already"
    SAME_PERSON = "same_person"
    DECIDED = "decided"
    TOLD = "told"  # the case has the approval already


NotAsked = Literal[Why.NO_STOP, Why.ASKED_ALREADY]


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
) -> ReleaseRequest | NotAsked:
    """Return the request to lift the stop on the case's payment `number`, or the reason why it is refused: NO_STOP or
    ASKED_ALREADY. Nothing is stored.

    `known`: all requests so far; `name`: the new request's id. `by`: the login of the person who asks; `evidence`:
    their description of the proof. The request is due 24 hours after `now`. Raises ValidationError, a ValueError, if
    the reason does not have 2 to 300 characters or another field is invalid.
    """
    payment = of_number(case, number)
    if payment is None or not has_stop(case, number):
        return Why.NO_STOP
    if of_stop((each for each in known if each.id != name), case.id, number):
        return Why.ASKED_ALREADY
    return ReleaseRequest(
        id=name,
        case=case.id,
        resident=case.resident,
        payment=number,
        transfer=payment.transfer,
        amount_fen=stopped_fen(payment),
        division=case.profile.division,
        asked_by=by,
        asked_at=now,
        due=now + WITHIN,
        reason=reason,
        evidence=evidence,
    )


def has_stop(case: Case, number: int) -> bool:
    """Return True if the case's payment `number` has a stop that can be lifted: requested or in force."""
    payment = of_number(case, number)
    return bool(payment and payment.stop and payment.stop.state.open)


def may_not_decide(request: ReleaseRequest, by: str) -> Why | None:
    """Return the reason why the person with the login `by` may not decide on a request: DECIDED (somebody has already
    decided) or SAME_PERSON (they asked for it). None if they may.
    """
    if request.state is not ReleaseState.ASKED:
        return Why.DECIDED
    return Why.SAME_PERSON if by == request.asked_by else None


def of_stop(requests: Iterable[ReleaseRequest], case: str, number: int) -> ReleaseRequest | None:
    """Return the request to lift the stop on a case's payment `number` that waits for a decision, or None."""
    return next((each for each in requests if is_open(each) and (each.case, each.payment) == (case, number)), None)


def decided(request: ReleaseRequest, state: ReleaseState, by: str, words: str, now: datetime) -> ReleaseRequest:
    """Return a copy of the request in the state `state` after a decision of the person `by`, with its reason (`words`).

    Raises ValueError if this person may not decide on it.
    """
    if why := may_not_decide(request, by):
        raise ValueError(f"request {request.id}: {why.value}")
    return request.model_copy(update={"state": state, "decided_by": by, "decided_at": now, "words": words})


def act_of(request: ReleaseRequest) -> ReleaseStopAct:
    """Return the act that lifts the stop, with the reason, the request's id and the person who asked.

    The caller must check that a second person has approved.
    """
    return ReleaseStopAct(
        transfer=request.transfer, reason=request.reason, asked_by=request.asked_by, request=request.id
    )


def approver(request: ReleaseRequest, case: Case) -> str | None:
    """Return the login of the person who approved a request according to its case; None if the case has no approval.

    The case gets the approval before the request does. So after an interruption the request may still be open although
    the bank is being asked to lift the stop.
    """
    found = (step.because for step in case.steps if step.action is Action.STOP_RELEASE)
    return next((why.by for why in found if isinstance(why, ReleaseApproved) and why.request == request.id), None)


def is_open(request: ReleaseRequest) -> bool:
    """Return True if nobody has decided on the request yet."""
    return request.state is ReleaseState.ASKED


def overdue(request: ReleaseRequest, now: datetime) -> bool:
    """Return True if the request is undecided and due at `now` or before."""
    return is_open(request) and request.due <= now


def in_order(requests: Iterable[ReleaseRequest]) -> list[ReleaseRequest]:
    """Return the open requests by due time, then the decided ones, the latest decision first."""
    found = list(requests)
    waiting = sorted((each for each in found if is_open(each)), key=lambda each: (each.due, each.id))
    done = [each for each in found if not is_open(each)]
    return waiting + sorted(done, key=lambda each: (each.decided_at or each.asked_at, each.id), reverse=True)
