"""Requests about one's own data that the console granted and an operator's command carries out."""

from domain.desk.subject_requests import SubjectRequestError, carried_out_by
from schemas.administration.audit import AuditEntry
from schemas.errors import UserError
from schemas.people.residents import ResidentId
from schemas.people.subject_requests import SubjectRequest, SubjectRequestState, SubjectRight
from streams.installation import Installation
from streams.security import audit


class RequestNotGrantedError(UserError, ValueError):
    """The request is unknown, about something else, or not granted; nothing was carried out."""


async def granted_request(line: Installation, name: str, right: SubjectRight, resident: ResidentId) -> SubjectRequest:
    """Return the granted request with this id (`name`). If its entry was merged into this resident's, store the request
    as about this resident, and return it so.

    Raises RequestNotGrantedError if it is unknown, not granted (or done), of another right, or about another resident;
    and to lock or store it, TimeoutError if Kafka or Redis does not answer within 8 s, and SendError if Kafka refuses
    the record. Errors of Redis pass through.
    """
    async with line.subject_requests.locked(name) as known:
        found = _refuse_other(await _of_standing(line, known, resident), name, right, resident)
        if found != known:  # an erasure deletes the merged entry first, and may have to be repeated
            await line.subject_requests.put(found)
        return found


async def _of_standing(line: Installation, known: SubjectRequest | None, resident: ResidentId) -> SubjectRequest | None:
    """Return the request as about this resident if its entry was merged into this one, else unchanged."""
    if known is None or known.resident in (None, resident):
        return known
    standing = (await line.residents.standing([known.resident])).get(known.resident)
    merged = standing is not None and standing.id == resident
    return known.model_copy(update={"resident": resident}) if merged else known


def _refuse_other(found: SubjectRequest | None, name: str, right: SubjectRight, resident: ResidentId) -> SubjectRequest:
    """Return the request. Raises RequestNotGrantedError as `granted_request` does."""
    if found is None:
        raise RequestNotGrantedError(f"there is no request {name!r}: the console's list has the ids")
    if (found.right, found.resident) != (right, resident):
        raise RequestNotGrantedError(
            f"request {name} is to {found.right.value} the data of {found.resident or 'nobody in the register'}: check "
            "the id and the command on the request's page"
        )
    if found.state is not SubjectRequestState.GRANTED:
        raise RequestNotGrantedError(
            f"request {name} is {found.state.value}, not granted: a supervisor decides on it in the console"
        )
    return found


async def require_granted_or_audit(
    line: Installation, name: str | None, right: SubjectRight, resident: ResidentId, by: str, reason: str
) -> None:
    """Check that the request with the id `name` is granted; without one (None), write to the audit that `by` acts
    without a second person's agreement.

    Raises RequestNotGrantedError if the request is unknown, not granted (or done), of another right, or about another
    resident; TimeoutError if Kafka or Redis does not answer within 8 s; and SendError if Kafka refuses the audit entry.
    Errors of Redis pass through.
    """
    if name is not None:
        await granted_request(line, name, right, resident)
        return
    alone = AuditEntry(
        at=line.clock.now(), by=by, act="subject-request-none", on=resident, reason=reason, detail=right.value
    )
    await audit.write(line.producer, [alone])


async def close_request(line: Installation, name: str, by: str) -> None:
    """Store that `by` has carried out the granted request with the id `name`, with a line in the audit. A request that
    is done already stays unchanged.

    Raises RequestNotGrantedError if it is gone or was not granted, SendError if Kafka refuses a record, and
    TimeoutError if Kafka or Redis does not answer within 8 s. Errors of Redis pass through.
    """
    async with line.subject_requests.locked(name) as known:
        if known is None:
            raise RequestNotGrantedError(f"request {name} is gone: what it asked for was carried out")
        now = line.clock.now()
        try:
            after = carried_out_by(known, by, now)
        except SubjectRequestError:
            raise RequestNotGrantedError(f"request {name} is {known.state.value}, not granted") from None
        if after != known:
            entry = AuditEntry(at=now, by=by, act="subject-request-done", on=name, detail=known.right.value)
            await audit.write(line.producer, [entry])
            await line.subject_requests.put(after)
