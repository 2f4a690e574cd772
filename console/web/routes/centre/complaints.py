"""Routes for complaints: every desk records them; the release desk and supervisors answer and decide them."""

from collections.abc import Mapping

from fastapi import Request
from starlette.responses import Response

from console.web.auth import trail, unmask
from console.web.auth.who import NotFoundError, Signed, Who
from console.web.case.acting import acted
from console.web.case.answers import Answered, put
from console.web.kit.door import DESK, Door
from console.web.kit.filled import Filled, FormError, done, filled, new_form
from console.web.kit.i18n import translate
from console.web.kit.pages import page
from console.web.kit.phone_holders import WHICH, holders_of
from console.web.kit.services import Services, services
from console.web.kit.wording import say
from console.web.rosters import areas
from domain.calendar import local_date
from domain.desk import complaints as rules
from schemas.casework.acts import Act, NoteAct, OutcomeAct
from schemas.casework.cases import Case
from schemas.codes.any_code import AnyCode
from schemas.levels import Outcome
from schemas.people.complaints import Complaint, ComplaintKind, Deed, Entry
from schemas.people.residents import Flag, Resident
from schemas.people.staff import StaffRole

door = Door()
TAKES = frozenset({StaffRole.OPERATOR, StaffRole.SUPERVISOR, StaffRole.RELEASE_DESK})
DECIDES = frozenset({StaffRole.SUPERVISOR, StaffRole.RELEASE_DESK})
LONGEST = 1900  # characters
SHOWN = 500  # most complaints in a list
CHANGED = "有人刚处理过这件投诉，请看下面的新情况；您写的内容已保留。"


class _WrongError(ValueError):
    """A form field is invalid. The text says why in the person's language."""


@door.page("/complaints", DECIDES, name="complaints")
async def show_all(request: Request, who: Signed, decided: int = 0) -> Response:
    """Return the page with the complaints of the person's area, the earliest due first. `decided` (1): also those that
    have ended. Errors of Kafka and Redis pass through.
    """
    made = services(request)
    now = made.line.clock.now()
    mine = [each for each in await made.line.complaints.all() if who.sees(each.area)]
    found = rules.sorted_complaints(each for each in mine if decided or not each.ended)
    return page(
        request,
        "complaints.html",
        names=await made.staff.names(),
        complaints=[(each, rules.next_due(each), rules.overdue(each, now)) for each in found[:SHOWN]],
        late=sum(rules.overdue(each, now) for each in mine),
        more=max(0, len(found) - SHOWN),
        decided=decided,
        places=areas.names({each.area for each in found[:SHOWN]}, local_date(now)),
    )


@door.page("/complaints/new", TAKES, name="complaint-new")
async def new(request: Request, who: Signed, case: str = "") -> Response:
    """Return the page with the form for a complaint. `case`: the case from whose page it was opened, or "".

    Raises NotFoundError if the person's area does not have the case. Errors of Redis pass through.
    """
    if case:
        await _case(services(request), who, case)
    return _form(request, who, case)


@door.act("/complaints", TAKES, name="complaint-take")
async def take(request: Request, who: Signed) -> Response:
    """Record a complaint, which sets its deadlines. One about a case redirects to it. Any other is answered with the
    same page, whether the register has the telephone, and wherever its holder lives: else the form would tell.

    422 if a field is invalid, 400 (HTTPException) if the form has no id. Raises NotFoundError for a case outside the
    person's area. TimeoutError and SendError of Kafka, and errors of Redis, pass through.
    """
    made, given = services(request), await filled(request)
    try:
        complaint = await _taken(request, made, who, given)
    except _WrongError as error:
        return _form(request, who, given["case"], 422, given, str(error))
    except FormError as error:
        return _form(request, who, given["case"], 422, given, translate(request, error.words))
    async with made.line.complaints.locked(complaint.id) as known:
        if known is None:  # a form sent twice is one complaint, and one line of the audit
            await trail.write(made, who, "complaint-taken", complaint.id)
            await made.line.complaints.put(complaint)
    if complaint.case is None:
        return page(request, "complaint_taken.html", name=complaint.id, decides=who.role in DECIDES)
    return done(request, f"/complaints/{complaint.id}", complaint=complaint.id)


@door.page("/complaints/{complaint_id}", TAKES, name="complaint")
async def show(request: Request, who: Signed, complaint_id: str) -> Response:
    """Return the page of one complaint. Raises NotFoundError if the person's area does not have the complaint, or if it
    is about no case and the person does not decide complaints: its area would tell an operator whose telephone it is.
    Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    found = await _complaint(services(request), who, complaint_id)
    if found.case is None and who.role not in DECIDES:
        raise NotFoundError
    return await _shown(request, who, found)


@door.act("/complaints/{complaint_id}/assign", DECIDES, name="complaint-assign")
async def assign(request: Request, who: Signed, complaint_id: str) -> Response:
    """Assign a complaint to a person and redirect to it. 409 if the complaint changed or ended, 400 (HTTPException) if
    the form has no id.

    Raises NotFoundError if that person may not handle the complaint, or the area does not have the complaint. Errors of
    Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    made, given = services(request), await filled(request)
    complaint = await _complaint(made, who, complaint_id)
    if given["to"] not in await _people(made, complaint):
        raise NotFoundError
    return await _do(request, who, complaint, given, Deed.ASSIGNED, assigned=given["to"], note=given["to"])


@door.act("/complaints/{complaint_id}/answer", DECIDES, name="complaint-answer")
async def answer(request: Request, who: Signed, complaint_id: str) -> Response:
    """Record the answer given to the resident and redirect to the complaint.

    409 if the complaint changed or ended, 422 for a note that is too short or too long, 400 (HTTPException) if the form
    has no id. Raises NotFoundError if the area does not have the complaint. Errors of Kafka (such as TimeoutError and
    SendError) and Redis pass through.
    """
    made, given = services(request), await filled(request)
    complaint = await _complaint(made, who, complaint_id)
    return await _do(request, who, complaint, given, Deed.ANSWERED, note=given["note"], needs_note=True)


@door.act("/complaints/{complaint_id}/decide", DECIDES, name="complaint-decide")
async def decide(request: Request, who: Signed, complaint_id: str) -> Response:
    """Record the decision that the complaint is upheld or not, with the reason, and redirect to the complaint.

    409 if the complaint changed or ended, 422 for a reason that is too short or too long, 400 (HTTPException) if the
    form has no id. Raises NotFoundError if the area does not have the complaint. Errors of Kafka (such as TimeoutError
    and SendError) and Redis pass through.
    """
    made, given = services(request), await filled(request)
    complaint = await _complaint(made, who, complaint_id)
    deed = Deed.UPHELD if given["upheld"] == "yes" else Deed.NOT_UPHELD
    return await _do(request, who, complaint, given, deed, note=given["note"], needs_note=True)


@door.act("/complaints/{complaint_id}/follow", DECIDES, name="complaint-follow")
async def follow(request: Request, who: Signed, complaint_id: str) -> Response:
    """Carry out a consequence of the complaint and redirect to it: close the case as a false alarm, flag the resident,
    or request a release.

    409 if the complaint changed or ended, or the case refuses; 422 if it does not say which of several holders of the
    telephone is meant; 400 (HTTPException) if the form has no id. Raises NotFoundError if the area does not have the
    complaint, its case or its resident. TimeoutError and SendError of Kafka, and errors of Redis, pass through.
    """
    made, given = services(request), await filled(request)
    complaint = await _complaint(made, who, complaint_id)
    deed = next((each for each in rules.open_consequences(complaint) if each.value == given["deed"]), None)
    if deed is None:
        return done(request, f"/complaints/{complaint_id}")  # done before
    if complaint.version != given.seen:
        return await _shown(request, who, complaint, 409, given, translate(request, CHANGED))
    if complaint.resident is None and deed in (Deed.NO_CALLS, Deed.DATA_REFERRED):
        if given["resident"] not in [each.id for each in await _holders(made, who, complaint)]:
            return await _shown(request, who, complaint, 422, given, translate(request, WHICH))
        complaint = complaint.model_copy(update={"resident": given["resident"]})
    if refused := await _followed(made, who, complaint, deed, given):
        return await _shown(request, who, complaint, 409, given, say(request, refused))
    return await _do(request, who, complaint, given, deed)


async def _taken(request: Request, made: Services, who: Who, given: Filled) -> Complaint:
    """Return the form's complaint. Raises _WrongError or FormError for an invalid field, and NotFoundError for a case
    outside the area.
    """
    if not 2 <= len(given["text"]) <= LONGEST:
        raise _WrongError(translate(request, "请写下投诉内容，2 至 1900 字。"))
    try:
        kind = ComplaintKind(given["kind"])
    except ValueError:
        raise _WrongError(translate(request, "请选择投诉的种类。")) from None
    case = await _case(made, who, given["case"]) if given["case"] else None
    holders = await holders_of(made, given) if case is None and given["phone"] else []
    area = case.profile.division if case else holders[0].division if holders else who.area
    several = [each.id for each in holders] if len(holders) > 1 else []
    resident = holders[0].id if holders and not several else None
    entry = Entry(id=given.name("taken"), at=made.line.clock.now(), by=who.login, did=Deed.TAKEN)
    return rules.new_complaint(
        f"k{given.name('complaint')}",
        entry,
        kind,
        given["text"],
        area,
        resident=case.resident if case else resident,
        holders=several,
        case=case.id if case else None,
    )


async def _case(made: Services, who: Who, case_id: str) -> Case:
    """Return a case of the person's area. Raises NotFoundError if the area does not have it."""
    found = await made.desk.load(case_id)
    if found is None:
        raise NotFoundError
    who.require(found.profile.division)
    return found


async def _complaint(made: Services, who: Who, complaint_id: str) -> Complaint:
    """Return a complaint of the person's area. Raises NotFoundError if the area does not have it."""
    found = await made.line.complaints.get(complaint_id)
    if found is None:
        raise NotFoundError
    who.require(found.area)
    return found


async def _holders(made: Services, who: Who, complaint: Complaint) -> list[Resident]:
    """Return the residents of the person's area among whom the complaint leaves the choice; empty if it is made."""
    if complaint.resident is not None:
        return []
    standing = await made.line.residents.standing(complaint.holders)
    found = (standing[each] for each in complaint.holders if each in standing)
    return [each for each in found if who.sees(each.division)]


async def _people(made: Services, complaint: Complaint) -> dict[str, str]:
    """Return the names, by login, of the people who may handle the complaint: release desk and supervisors
    of its area.
    """
    return {
        each.login: each.name
        for each in await made.staff.all()
        if each.role in DECIDES and not each.disabled and complaint.area.startswith(each.area)
    }


async def _do(
    request: Request,
    who: Who,
    complaint: Complaint,
    given: Filled,
    deed: Deed,
    *,
    assigned: str | None = None,
    note: str = "",
    needs_note: bool = False,
) -> Response:
    """Record an act on the version of the complaint that was shown. 409 if it changed or ended, 422 for an invalid
    note. The audit entry comes first, so that no act is without one; a form sent twice has one entry.
    """
    made = services(request)
    if (needs_note and len(note) < 2) or len(note) > LONGEST:
        words = translate(request, "请写明内容，2 至 1900 字。")
        return await _shown(request, who, complaint, 422, given, words)
    entry = Entry(id=given.name(deed.value), at=made.line.clock.now(), by=who.login, did=deed, note=note)
    try:
        async with made.line.complaints.locked(complaint.id) as known:
            after = rules.with_entry(known or complaint, entry, given.seen, assigned)
            after = after.model_copy(update={"resident": complaint.resident or after.resident})
            if after != known:
                await trail.write(made, who, f"complaint-{deed.replace('_', '-')}", complaint.id)
                await made.line.complaints.put(after)
    except rules.EndedError:
        return await _shown(request, who, complaint, 409, given, translate(request, "该投诉已经办结。"))
    except rules.ChangedError:
        words = translate(request, CHANGED)
        return await _shown(request, who, complaint, 409, given, words)
    return done(request, f"/complaints/{complaint.id}")


async def _followed(made: Services, who: Who, complaint: Complaint, deed: Deed, given: Filled) -> AnyCode | None:
    """Carry out a consequence of a complaint. Return why it was refused, or None."""
    if deed is Deed.NO_CALLS and complaint.resident:
        await _flag(made, who, complaint.resident)
    if deed in (Deed.FALSE_ALARM, Deed.RELEASE_ASKED) and complaint.case:
        case = await _case(made, who, complaint.case)
        act: Act = (
            OutcomeAct(do="outcome", outcome=Outcome.FALSE_ALARM, complaint=complaint.id)
            if deed is Deed.FALSE_ALARM
            else NoteAct(do="note", what="note", complaint=complaint.id)
        )
        seen = given.version("case_seen")
        answered = await put(made, who, acted(made, who, case, act, given.name("case", deed.value), seen))
        return answered.why if answered.how is Answered.REFUSED else None
    return None


async def _flag(made: Services, who: Who, resident_id: str) -> None:
    """Flag that the resident objects to calls, so that later plans make no automated calls. Whatever else of the entry
    changes at the same time stays. Raises NotFoundError if the resident is unknown.
    """
    residents = made.line.residents
    found = (await residents.standing([resident_id])).get(resident_id)
    if found is None:
        raise NotFoundError
    await trail.write(made, who, "flag-objects-to-calls", found.id)
    await residents.change(
        [found.id], lambda each: each.model_copy(update={"flags": each.flags | {Flag.OBJECTS_TO_CALLS}})
    )


def _form(
    request: Request,
    who: Who,
    case: str,
    status: int = 200,
    typed: Filled | None = None,
    wrong: str = "",
) -> Response:
    """Return the page with the form."""
    fields: Mapping[str, str] = typed.fields if typed else {}
    return page(
        request,
        "complaint_new.html",
        status,
        case=case,
        opens_cases=who.role in DESK,
        kinds=list(ComplaintKind),
        form_id=new_form(),
        longest=LONGEST,
        typed=fields,
        wrong=wrong,
    )


async def _shown(
    request: Request, who: Who, complaint: Complaint, status: int = 200, typed: Filled | None = None, wrong: str = ""
) -> Response:
    """Return the page of a complaint in its present state. `typed`: the fields of a refused form."""
    made = services(request)
    complaint = await made.line.complaints.get(complaint.id) or complaint
    await trail.record_look(made, who, "complaint", complaint.id)
    now = made.line.clock.now()
    case = await made.desk.load(complaint.case) if complaint.case else None
    left = await unmask.seconds_left(made, who, complaint.resident) if complaint.resident else 0
    return page(
        request,
        "complaint.html",
        status,
        complaint=complaint,
        whole=left > 0,
        left=left,
        due=rules.next_due(complaint),
        late=rules.overdue(complaint, now),
        follows=rules.open_consequences(complaint),
        holders=await _holders(made, who, complaint) if who.role in DECIDES else [],
        case=case,
        may_decide=who.role in DECIDES,
        people=await _people(made, complaint),
        names=await made.staff.names(),
        opens_cases=who.role in DESK,
        place=areas.name(complaint.area, local_date(now)),
        forms=new_form,
        longest=LONGEST,
        typed=typed.fields if typed else {},
        wrong=wrong,
    )
