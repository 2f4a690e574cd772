"""Routes for people's requests about their own data: entered at a desk, decided by a second person within a clock."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta

from fastapi import Request
from pydantic import ValidationError
from starlette.responses import Response

from console.web.auth import trail, unmask
from console.web.auth.who import NotFoundError, Signed, Who
from console.web.auth.words import N_
from console.web.case.subject_request_form import BARS, NO_FILE, correction_of, has_open_case
from console.web.kit.door import DESK, SUPERVISORS, Door
from console.web.kit.filled import Filled, FormError, done, filled, new_form
from console.web.kit.i18n import translate
from console.web.kit.pages import page
from console.web.kit.phone_holders import chosen_holder, holders_to_choose
from console.web.kit.services import Services, services
from console.web.rosters import areas
from domain.calendar import local_date
from domain.desk import subject_requests as rules
from domain.desk.subject_requests import SubjectDecisionBar, SubjectRequestError
from domain.identity.divisions import PREFECTURE_DIGITS
from schemas.people.residents import Language, Occupation, Resident, Sex
from schemas.people.staff import StaffRole
from schemas.people.subject_requests import (
    IdentityProof,
    SubjectRefusal,
    SubjectRequest,
    SubjectRequestState,
    SubjectRight,
)
from streams.operations.legal_orders import order_in_force
from streams.operations.subject_access import marked_copy

door = Door("/subject-requests")
READS = DESK | {StaffRole.AUDITOR}
SHOWN = 500  # most requests in a list
CHOICES = {
    "rights": list(SubjectRight),
    "proofs": list(IdentityProof),
    "sexes": list(Sex),
    "occupations": list(Occupation),
    "spoken": list(Language),
}


@door.page("", READS, name="subject-requests")
async def listed(request: Request, who: Signed, ended: int = 0) -> Response:
    """Return the page with the requests of the person's area, at most 500, the earliest due first. `ended` (1): after
    them also those that have ended, the latest entered first. Errors of Kafka and Redis pass through.
    """
    made = services(request)
    now = made.line.clock.now()
    mine = [each for each in await made.line.subject_requests.all() if who.sees(each.area)]
    found = rules.by_clock(each for each in mine if ended or not each.ended)
    return page(
        request,
        "subject_requests.html",
        requests=found[:SHOWN],
        late={each.id for each in mine if rules.request_late(each, now)},
        more=max(0, len(found) - SHOWN),
        ended=ended,
        enters=who.role in DESK,
        names=await made.staff.names(),
        places=areas.names({each.area for each in found[:SHOWN]}, local_date(now)),
    )


@door.page("/new", DESK, name="subject-request-new")
async def new(request: Request, who: Signed) -> Response:
    """Return the page with the form for a request. UnknownPolicyError or PolicyError passes through if the policy in
    force is lost or invalid. Errors of Kafka and Redis pass through.
    """
    return await _form(request)


@door.act("", DESK, name="subject-request-enter")
async def enter(request: Request, who: Signed) -> Response:
    """Store a request, which sets its clock, and redirect to it; if it belongs to another area, a page says so instead.
    An audit entry is written first. A form sent twice is one request.

    422 if a field is invalid, 400 (HTTPException) if the form has no id. UnknownPolicyError or PolicyError passes
    through if the policy in force is lost or invalid. Errors of Kafka (such as TimeoutError and SendError) and Redis
    pass through.
    """
    made, given = services(request), await filled(request)
    try:
        entered = await _entered(made, who, given)
    except (FormError, ValidationError) as error:
        words = error.words if isinstance(error, FormError) else N_("有一项填写有误，请检查。")
        return await _form(request, 422, given, translate(request, words), holders_to_choose(error))
    async with made.line.subject_requests.locked(entered.id) as known:
        if known is None:  # a form sent twice is one request, and one line of the audit
            await trail.write(made, who, "subject-request-entered", entered.id, detail=_told(entered))
            await made.line.subject_requests.put(entered)
        stored = known or entered
    if not who.sees(stored.area):
        place = areas.name(stored.area[:PREFECTURE_DIGITS], local_date(made.line.clock.now()))
        return page(request, "subject_request_elsewhere.html", place=place)
    return done(request, f"/subject-requests/{stored.id}")


@door.page("/{subject_request_id}", READS, name="subject-request")
async def show(request: Request, who: Signed, subject_request_id: str) -> Response:
    """Return the page of one request. An audit entry of the look is written first. Raises NotFoundError if the person's
    area does not have it. Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    return await _shown(request, who, await _found(services(request), who, subject_request_id))


@door.act("/{subject_request_id}/grant", SUPERVISORS, name="subject-request-grant", steps_up=N_("同意个人信息请求"))
async def grant(request: Request, who: Signed, subject_request_id: str) -> Response:
    """Grant a request and redirect to it. A correction is carried out at once; an operator's command carries out the
    others, because only its user may read every topic and destroy keys. Audit entries are written first. Sent again, it
    completes a correction that was interrupted.

    409 if the request changed, the person entered it, or what the law protects stands against it; 400 (HTTPException)
    if the form has no id. Raises NotFoundError if the person's area does not have it. Errors of Kafka (such as
    TimeoutError and SendError) and Redis pass through.
    """
    made, given = services(request), await filled(request)
    seen = await _found(made, who, subject_request_id)
    try:
        async with made.line.subject_requests.locked(seen.id) as known:
            await _grant(made, who, known or seen)
    except SubjectRequestError as error:
        return await _shown(request, who, seen, 409, given, translate(request, BARS[error.bar]))
    return done(request, f"/subject-requests/{seen.id}")


@door.act("/{subject_request_id}/file", SUPERVISORS, name="subject-request-file", steps_up=N_("下载个人信息"))
async def file(request: Request, who: Signed, subject_request_id: str) -> Response:
    """Return the copy of a person's data that an operator's command has made for a granted request to see it, as a ZIP
    to download, and mark the request as done. An audit entry and a security event are written first; the ZIP names who
    downloaded it. It can be downloaded again until it expires.

    409 if the request is not granted, or there is no copy (any more); 400 (HTTPException) if the form has no id. Raises
    NotFoundError if the person's area does not have the request. Errors of Kafka (such as TimeoutError and SendError)
    and Redis pass through.
    """
    made, given = services(request), await filled(request)
    seen = await _found(made, who, subject_request_id)
    try:
        async with made.line.subject_requests.locked(seen.id) as known:
            raw = await _handed_over(made, who, known or seen)
    except SubjectRequestError:
        return await _shown(request, who, seen, 409, given, translate(request, NO_FILE))
    await made.security.revealed(request, who.login, seen.id)
    headers = {"Content-Disposition": f'attachment; filename="{seen.id}.zip"', "Cache-Control": "no-store"}
    return Response(raw, 200, headers, "application/zip")


@door.act("/{subject_request_id}/refuse", SUPERVISORS, name="subject-request-refuse")
async def refuse(request: Request, who: Signed, subject_request_id: str) -> Response:
    """Refuse a request, also a granted one that is not carried out, with a reason of the list, and redirect to it. An
    audit entry is written first.

    422 without a reason, 409 if the request changed, is carried out (also if the register has the correction already),
    or the person entered it, 400 (HTTPException) if the form has no id. Raises NotFoundError if the person's area does
    not have it. Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    made, given = services(request), await filled(request)
    seen = await _found(made, who, subject_request_id)
    why = next((each for each in SubjectRefusal if each.value == given["why"]), None)
    if why is None:
        return await _shown(request, who, seen, 422, given, translate(request, N_("请选择不同意的理由。")))
    try:
        async with made.line.subject_requests.locked(seen.id) as known:
            await _refuse_corrected(made, known or seen)
            after = rules.refused_for(known or seen, who.login, made.line.clock.now(), why)
            if after != known:
                await trail.write(made, who, "subject-request-refused", after.id, detail=f"{_told(after)}, {why.value}")
                await made.line.subject_requests.put(after)
    except SubjectRequestError as error:
        return await _shown(request, who, seen, 409, given, translate(request, BARS[error.bar]))
    return done(request, f"/subject-requests/{seen.id}")


async def _entered(made: Services, who: Who, given: Filled) -> SubjectRequest:
    """Return the form's request. Raises FormError or ValidationError for an invalid field."""
    now = made.line.clock.now()
    right = next((each for each in SubjectRight if each.value == given["right"]), None)
    proof = next((each for each in IdentityProof if each.value == given["proof"]), None)
    if right is None or proof is None or not given["name"]:
        raise FormError("right", N_("请选择请求的种类和核实身份的方式，并填写申请人姓名。"))
    resident = await chosen_holder(made, given) if given["phone"] else None
    policy = await made.line.policies.live()
    return SubjectRequest(
        id=f"s{given.name('subject-request')}",
        at=now,
        by=who.login,
        right=right,
        proof=proof,
        name=given["name"],
        note=given["note"],
        area=resident.division if resident else who.area,
        resident=resident.id if resident else None,
        correction=correction_of(given) if right is SubjectRight.CORRECT else None,
        due=policy.subject_requests.due_of(now, made.line.calendar),
    )


async def _grant(made: Services, who: Who, known: SubjectRequest) -> None:
    """Grant a request under its lock; a correction that was interrupted is completed.

    If the entry was merged into another after the request was entered, the request is about that one from now on.
    Raises SubjectRequestError if it cannot be granted.
    """
    now, asked = made.line.clock.now(), known.resident
    entry = (await made.line.residents.standing([asked])).get(asked) if asked else None
    if known.state is SubjectRequestState.GRANTED and known.right is SubjectRight.CORRECT:
        if entry is None:
            raise SubjectRequestError(SubjectDecisionBar.NOT_IN_REGISTER)
        if bar := rules.completion_barred(known, who.login, entry):
            raise SubjectRequestError(bar)
    else:
        same = {each for each in (asked, entry.id if entry else None) if each}
        open_case = any([await has_open_case(made, each) for each in same])
        ordered = await order_in_force(made.line, same) is not None
        known = known.model_copy(update={"resident": entry.id if entry else None})
        if bar := rules.granting_barred(known, who.login, open_case=open_case, held=ordered):
            raise SubjectRequestError(bar)
        before = rules.fields_before(entry, known.correction) if entry and known.correction else None
        known = rules.granted(known, who.login, now, before)
        await trail.write(made, who, "subject-request-granted", known.id, detail=_told(known))
        await made.line.subject_requests.put(known)
    if known.right is SubjectRight.CORRECT and entry and (correction := known.correction):
        fields = ", ".join(rules.fields_given(correction))
        await trail.write(made, who, "resident-corrected", entry.id, detail=f"request {known.id}: {fields}")
        await made.line.residents.change([entry.id], lambda each: rules.with_correction(each, correction))
        await made.line.subject_requests.put(rules.carried_out_by(known, who.login, now))


async def _handed_over(made: Services, who: Who, known: SubjectRequest) -> bytes:
    """Return the copy for a request, under its lock, after an audit entry; the request is done then. Raises
    SubjectRequestError if it is not granted, or there is no copy.
    """
    now = made.line.clock.now()
    done_by = rules.handed_over_by(known, who.login, now)
    raw = await made.line.subject_files.get(known.id, known.resident) if known.resident else None
    if raw is None:
        raise SubjectRequestError(SubjectDecisionBar.CHANGED)
    detail = f"{_told(known)}, SHA-256 {hashlib.sha256(raw).hexdigest()}"
    await trail.record_look(made, who, "held", known.id, detail=detail)
    if done_by != known:
        await trail.write(made, who, "subject-request-done", known.id, detail=known.right.value)
        await made.line.subject_requests.put(done_by)
    return marked_copy(raw, {"request": known.id, "downloaded_by": who.login, "downloaded_at": now})


async def _refuse_corrected(made: Services, known: SubjectRequest) -> None:
    """Raises SubjectRequestError if the request is a granted correction that the register has already: it is to be
    completed, not refused.
    """
    if known.state is not SubjectRequestState.GRANTED or known.correction is None or known.resident is None:
        return
    entry = (await made.line.residents.standing([known.resident])).get(known.resident)
    if entry is not None and rules.fields_before(entry, known.correction) == known.correction:
        raise SubjectRequestError(SubjectDecisionBar.CHANGED)


async def _found(made: Services, who: Who, name: str) -> SubjectRequest:
    """Return a request of the person's area. Raises NotFoundError if the area does not have it."""
    found = await made.line.subject_requests.get(name)
    if found is None:
        raise NotFoundError
    who.require(found.area)
    return found


def _told(known: SubjectRequest) -> str:
    """Return what the audit says of a request: codes and the random id, no personal data."""
    return f"{known.right.value} of {known.resident or 'nobody in the register'}, proved by {known.proof.value}"


async def _form(
    request: Request,
    status: int = 200,
    typed: Filled | None = None,
    wrong: str = "",
    holders: Sequence[Resident] = (),
) -> Response:
    """Return the page with the form. `holders`: of the telephone, if the person has to choose among several."""
    made = services(request)
    days = (await made.line.policies.live()).subject_requests.working_days
    context = {"form_id": new_form(), "typed": typed.fields if typed else {}, "wrong": wrong, "days": days}
    context["holders"] = holders
    return page(request, "subject_request_new.html", status, **CHOICES, **context)


async def _shown(
    request: Request, who: Who, known: SubjectRequest, status: int = 200, typed: Filled | None = None, wrong: str = ""
) -> Response:
    """Return the page of a request in its present state. An audit entry of the look is written first. `typed`: the
    fields of a refused form.
    """
    made = services(request)
    known = await made.line.subject_requests.get(known.id) or known
    await trail.record_look(made, who, "subject-request", known.id)
    now = made.line.clock.now()
    standing = await made.line.residents.standing([known.resident] if known.resident else [])
    left = await unmask.seconds_left(made, who, known.resident) if known.resident else 0
    decides = who.role in SUPERVISORS
    file_seconds = await made.line.subject_files.seconds_left(known.id) if rules.is_to_hand_over(known) else 0
    return page(
        request,
        "subject_request.html",
        status,
        known=known,
        entry=standing.get(known.resident or ""),
        whole=left > 0,
        left=left,
        late=rules.request_late(known, now),
        fields=rules.fields_given(known.correction) if known.correction else [],
        barred=rules.refusal_barred(known, who.login),
        bars=BARS,
        decides=decides,
        file_until=made.line.clock.wall.now() + timedelta(seconds=file_seconds) if file_seconds else None,
        goes_on=decides and known.state is SubjectRequestState.GRANTED and known.right is SubjectRight.CORRECT,
        refusals=list(SubjectRefusal),
        names=await made.staff.names(),
        place=areas.name(known.area, local_date(now)),
        form_id=new_form(),
        typed=typed.fields if typed else {},
        wrong=wrong,
    )
