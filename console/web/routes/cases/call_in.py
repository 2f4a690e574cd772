"""Routes for calls to 96110: find the caller, confirm the code of a message, record questions and reports."""

from datetime import datetime
from urllib.parse import urlsplit

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from console.web.auth import trail, unmask
from console.web.auth.who import NotFoundError, Signed, Who
from console.web.case import callers, danger, danger_form, evidence, public_check, reports
from console.web.case.acting import acted
from console.web.case.answers import put
from console.web.case.reports import Reported, UnreadableError
from console.web.kit.described import Rung
from console.web.kit.door import DESK, Door
from console.web.kit.filled import Filled, FormError, amount_of, done, filled, new_form
from console.web.kit.i18n import language_of, place, translate, translations
from console.web.kit.pages import page
from console.web.kit.services import Services, services
from console.web.live import places
from console.web.routes.cases.evidence import place as evidence_place
from domain.calendar import local_date
from domain.dispatches.messages import confirm, latest_code
from domain.identity.divisions import meet, name_of
from domain.identity.identifiers import normal_phone
from domain.ids import short_hash
from domain.payments.call_in import next_try
from schemas.casework.acts import NoteAct
from schemas.casework.cases import Case
from schemas.people.calls import Call, CallerRequest, CodeCheck, Ringing, Statement
from schemas.people.public_reports import PublicReportState
from schemas.people.staff import Scope

door = Door()
NAME = r"^[A-Za-z0-9._:-]{1,64}$"


class Rings(BaseModel):
    """A PBX's notice of a call: the PBX's id of the call, and the caller's number. Notices with one id
    are of one call.
    """

    model_config = ConfigDict(extra="forbid")

    id: str = Field(pattern=NAME)
    phone: str = Field(min_length=1, max_length=64)


@door.page("/call-in", DESK, name="call-in")
async def front(request: Request, who: Signed) -> Response:
    """Return the page with the form to enter a caller's number, and who waits. Errors of Redis pass through."""
    return await _front(request, who)


@door.act("/call-in", DESK, name="call-in-search")
async def begin(request: Request, who: Signed) -> Response:
    """Record that a call came from the typed number, and redirect to the record's page; nobody is called. 422 if the
    text is not a telephone number.

    400 (HTTPException) if the form has no id. TimeoutError and SendError of Kafka, and errors of Redis, pass through.
    """
    given = await filled(request)
    try:
        phone = normal_phone(given["phone"])
    except ValueError:
        wrong = translate(request, "这不是可以识别的电话号码。座机请加区号，例如 0431-8xxxxxxx。")
        return await _front(request, who, 422, given["phone"], wrong)
    call = await callers.begin(services(request), who, phone, f"c{given.name('call')}")
    return done(request, f"/call-in/{call.id}")


@door.act("/call-in/ringing/{call_id}", DESK, name="call-in-answer")
async def answer(request: Request, who: Signed, call_id: str) -> Response:
    """Take a ringing call and redirect to its page.

    Raises NotFoundError if another person took the call, it no longer rings, or it rings in another area. TimeoutError
    and SendError of Kafka, and errors of Redis, pass through.
    """
    made = services(request)
    calls = made.line.calls
    ringing = next((each for each in await calls.ringing() if each.id == call_id and _near(who, each)), None)
    if ringing is None or not await calls.answer(call_id):
        if (known := await calls.get(call_id)) and known.by == who.login:
            return done(request, f"/call-in/{call_id}")
        raise NotFoundError
    await callers.begin(made, who, ringing.phone, call_id)
    return done(request, f"/call-in/{call_id}")


@door.page("/call-in/{call_id}", DESK, name="call-in-call")
async def show(request: Request, who: Signed, call_id: str) -> Response:
    """Return the page of a call. Raises NotFoundError if the call is unknown or another person's. TimeoutError and
    SendError of Kafka, and errors of Redis, pass through.
    """
    return await _shown(request, who, call_id)


@door.act("/call-in/{call_id}/who", DESK, name="call-in-who")
async def choose(request: Request, who: Signed, call_id: str) -> Response:
    """Record which of the residents who share the telephone is the caller, and redirect to the call's page.

    Raises NotFoundError for any other resident, or if the call is unknown or another person's; 400 (HTTPException) if
    the form has no id. TimeoutError and SendError of Kafka, and errors of Redis, pass through.
    """
    made, given = services(request), await filled(request)
    caller = await callers.find(made, who, call_id)
    if given["resident"] not in [each.id for each in caller.others]:
        raise NotFoundError
    call, chosen = caller.call, {"resident": given["resident"]}
    async with trail.in_time():
        await made.line.calls.change(call.id, lambda now: (now or call).model_copy(update=chosen))
    return done(request, f"/call-in/{call_id}")


@door.act("/call-in/{call_id}/code", DESK, name="call-in-code")
async def code(request: Request, who: Signed, call_id: str) -> Response:
    """Check a message code that the caller reads out, and redirect to the call's page; a genuine code is noted on the
    case.

    429 after too many wrong codes, 400 (HTTPException) if the form has no id. Raises NotFoundError if the caller has no
    case, or the call is unknown or another person's. TimeoutError and SendError of Kafka, and errors of Redis, pass
    through.
    """
    made, given = services(request), await filled(request)
    caller = await callers.find(made, who, call_id)
    if caller.case is None:
        raise NotFoundError
    if any(check.id == given.name("code") for check in caller.call.checks):
        return done(request, f"/call-in/{call_id}")
    wrong = await made.line.calls.wrong_codes(caller.case.id)
    if until := next_try(wrong, made.line.clock.now()):
        return await _shown(request, who, call_id, 429, wait=until)
    check = await _check(made, who, caller.case, given)
    async with trail.in_time():
        await made.line.calls.change(call_id, lambda now: _checked(now or caller.call, check))
    return done(request, f"/call-in/{call_id}", genuine=check.dispatch is not None)


@door.act("/call-in/{call_id}/told", DESK, name="call-in-told")
async def told(request: Request, who: Signed, call_id: str) -> Response:
    """Record a question or a report of the caller, and redirect to the call's page. 422 if a field is invalid.

    Raises NotFoundError if the call is unknown or another person's; 400 (HTTPException) if the form has no id.
    TimeoutError and SendError of Kafka, and errors of Redis, pass through.
    """
    given = await filled(request)
    what = CallerRequest.REPORT if given["what"] == CallerRequest.REPORT else CallerRequest.QUESTION
    return await _take(request, who, call_id, given, what)


@door.act("/call-in/{call_id}/danger", DESK, name="call-in-danger")
async def being_defrauded(request: Request, who: Signed, call_id: str) -> Response:
    """Record the report of a caller who is being defrauded now, claim the case for the person, and redirect to it.

    422 if a field is invalid, 400 (HTTPException) if the form has no id. Raises NotFoundError for a resident of another
    area, or if the call is unknown or another person's. TimeoutError and SendError of Kafka, and errors of Redis, pass
    through.
    """
    made, given = services(request), await filled(request)
    caller = await callers.find(made, who, call_id)
    if caller.elsewhere:
        raise NotFoundError
    name = given.name("danger")
    if _has(caller.call, name):
        return await _opened(request, who, call_id, caller.case)
    try:
        now, words = made.line.clock.now(), translate(request, danger_form.WORDS)
        keys, institutions = made.line.settings.id_number_keys(), made.line.outgoing.institutions
        known = caller.resident is not None
        # On a page in English, a Chinese name is understood too.
        names = [_places(request, who, language) for language in ("", "zh")]
        newcomer = None if known else danger_form.read_newcomer(given, names, keys, now)
        paid = danger_form.read_paid(given, call_id, name, institutions, now)
        told = danger_form.read_report(given, name, words)
        statement, case = await danger.open_case(made, who, caller, newcomer, told, paid)
    except UnreadableError as error:
        wrong = _WRONG.get(error.field, "这不是可以识别的电话号码。")
        return await _shown(request, who, call_id, 422, typed=given, wrong=translate(request, wrong))
    except FormError as error:
        return await _shown(request, who, call_id, 422, typed=given, wrong=translate(request, error.words))
    await _keep(made, who, caller.call, statement, "", case)
    return await _opened(request, who, call_id, case)


@door.act("/call-in/{call_id}/hand-over", DESK, name="call-in-hand-over")
async def hand_over(request: Request, who: Signed, call_id: str) -> Response:
    """Record the report of a caller from another area on the call and on their case there, and redirect to the call's
    page.

    422 if a field is invalid, 400 (HTTPException) if the form has no id. Raises NotFoundError if the caller is not from
    another area, or the call is unknown or another person's. TimeoutError and SendError of Kafka, and errors of Redis,
    pass through.
    """
    given = await filled(request)
    if (await callers.find(services(request), who, call_id)).elsewhere is None:
        raise NotFoundError
    return await _take(request, who, call_id, given, CallerRequest.HANDED_OVER)


@door.api("POST", "/api/v1/calls", DESK, name="api-call-rings", answers={202: {"model": Rung}}, scopes={Scope.RING})
async def rings(request: Request, who: Signed, given: Rings) -> Response:
    """Show an incoming call to the operators of the account's area, and return 202 with JSON: `call`, its id in the
    console. A call that is sent again with the same id is shown once. 422 for an invalid number, with JSON: `error` and
    `do`, what to send instead. Errors of Redis pass through.
    """
    try:
        phone = normal_phone(given.phone)
    except ValueError as error:
        return JSONResponse({"error": f"phone: {error}", "do": "Send the number as E.164 or as it is dialled"}, 422)
    made = services(request)
    name = f"c{short_hash('ring', who.login, given.id)}"
    await made.line.calls.ring(Ringing(id=name, at=made.line.clock.now(), phone=phone, area=who.area))
    return JSONResponse(Rung(call=name).model_dump(), 202)


async def _opened(request: Request, who: Who, call_id: str, case: Case | None) -> Response:
    """Add the form's files to the case of a report of danger, and redirect to the case. The report itself was written
    before.

    A repeated form adds only the files that are still missing. The page says which files were not added, and why.
    """
    files = await evidence.uploads(request)
    if files and case is None:
        words = translate(request, "预警尚未生成，文件没有保存：请稍后在预警页添加。")
        return await _shown(request, who, call_id, wrong=words)
    if files and case and (refused := await evidence.add(services(request), who, case, files)):
        return done(request, evidence_place(case.id, refused))
    return done(request, _place(call_id, case))


async def _front(request: Request, who: Who, status: int = 200, phone: str = "", wrong: str = "") -> Response:
    line = services(request).line
    rings = [each for each in await line.calls.ringing() if _near(who, each)]
    reports = (await line.public_reports.count(who.sees))[PublicReportState.WAITING]
    context = {"form_id": new_form(), "phone": phone, "wrong": wrong, "rings": rings, "reports": reports}
    return page(request, "call_in.html", status, **context)


async def _shown(
    request: Request,
    who: Who,
    call_id: str,
    status: int = 200,
    *,
    typed: Filled | None = None,
    wrong: str = "",
    wait: datetime | None = None,
) -> Response:
    """Return the page of a call.

    `typed`: the fields of a refused form; `wait`: until when no code is checked.
    """
    made = services(request)
    caller = await callers.find(made, who, call_id)
    await callers.record_look(made, who, caller)
    left = await unmask.seconds_left(made, who, caller.resident.id) if caller.resident else 0
    elsewhere = caller.elsewhere and name_of(f"{caller.elsewhere}00", local_date(made.line.clock.now()))
    return page(
        request,
        "call_in_call.html",
        status,
        caller=caller,
        plain=left > 0,
        left=left,
        call=caller.call,
        case=caller.case,
        place=elsewhere,
        forms={name: new_form() for name in ("who", "code", "told", "hand_over", "danger")},
        counties=list(_places(request, who).values()),
        institutions=list(made.line.outgoing.institutions.by_code.values()),
        typed=typed.fields if typed else await public_check.prefilled_fields(made, caller.call, _places(request, who)),
        wrong=wrong,
        wait=wait,
        longest=reports.LONGEST,
        steps={step.id: step for step in caller.case.steps} if caller.case else {},
        reads=latest_code(made.line.settings.key(), caller.case) if made.guests and caller.case else "",
    )


async def _check(made: Services, who: Who, case: Case, given: Filled) -> CodeCheck:
    """Check a code and return the result. A genuine code is noted on the case, a wrong one is counted."""
    now, name, secret = made.line.clock.now(), given.name("code"), made.line.settings.key()
    found = [confirm(secret, each, given["code"]) for each in await _with_earlier(made, case)]
    dispatch = next(filter(None, found), None)
    if dispatch is None:
        await made.line.calls.note_wrong_code(case.id, given.form, now)
        await trail.write(made, who, "code-wrong", case.id)
    else:
        act = NoteAct(do="note", what="code_confirmed", note=dispatch)
        await put(made, who, acted(made, who, case, act, name))
    return CodeCheck(id=name, at=now, dispatch=dispatch)


async def _with_earlier(made: Services, case: Case) -> list[Case]:
    """Return the case and the resident's previous case (if any), because the caller may be reading a message of that
    one.
    """
    before = await made.desk.load(f"{case.resident}-{case.number - 1}") if case.number > 1 else None
    return [case, before] if before else [case]


async def _take(request: Request, who: Who, call_id: str, given: Filled, what: CallerRequest) -> Response:
    made = services(request)
    caller = await callers.find(made, who, call_id)
    name = given.name("told")
    if _has(caller.call, name):
        return done(request, f"/call-in/{call_id}")
    try:
        reported = _reported(given, what, name)
        statement = await reports.take(made, who, caller, reported)
    except UnreadableError as error:
        words = _WRONG.get(error.field, "这不是可以识别的电话号码。")
        return await _shown(request, who, call_id, 422, typed=given, wrong=translate(request, words))
    except FormError as error:
        return await _shown(request, who, call_id, 422, typed=given, wrong=translate(request, error.words))
    await _keep(made, who, caller.call, statement, reported.recording)
    return done(request, f"/call-in/{call_id}", came_of=statement.came_of)


_WRONG = {
    "suspect_account": "涉诈账户无法识别：应为 6 至 34 位字母和数字。",
    "suspect_phone": "涉诈电话无法识别。座机请加区号。",
}


def _reported(given: Filled, what: CallerRequest, name: str) -> Reported:
    """Return the form's report. Raises FormError if a field is invalid."""
    if not given["text"] or len(given["text"]) > reports.LONGEST:
        raise FormError("text", "请写下来电人所说的内容，最多 1500 字。")
    recording = given["recording"]
    if recording and not _is_link(recording):
        raise FormError("recording", "录音链接应以 https:// 开头。")
    return Reported(
        name, what, given["text"], given["suspect_account"], given["suspect_phone"], amount_of(given), recording
    )


def _places(request: Request, who: Who, language: str = "") -> dict[str, str]:
    """Return "prefecture county" by county code, for the counties of the person's area. `language`: "" for the page's
    language.
    """
    year = local_date(services(request).line.clock.now()).year
    say = translations(language or language_of(request)).gettext
    return {
        code: f"{place(prefecture.name, say)} {place(county, say)}"
        for prefecture in places.within(who.area, year)
        for code, county in prefecture.counties
    }


async def _keep(
    made: Services, who: Who, call: Call, statement: Statement, recording: str, case: Case | None = None
) -> None:
    """Store the statement with the call as it is now, unless it is stored already, and write the audit entry. The
    report of the public page that the call checks is checked then; `case`: the caller's.
    """
    call = await made.line.calls.get(call.id) or call
    await public_check.note_checked(made, who, call, case)
    if _has(call, statement.id):  # the form was sent again before the first had been answered
        return
    async with trail.in_time():
        await made.line.calls.change(call.id, lambda now: _stated(now or call, statement, recording))
    await trail.write(made, who, f"call-{statement.what.replace('_', '-')}", call.id)


def _checked(call: Call, check: CodeCheck) -> Call:
    """Return the call with the check, unless it has it already."""
    had = any(each.id == check.id for each in call.checks)
    return call if had else call.model_copy(update={"checks": [*call.checks, check]})


def _stated(call: Call, statement: Statement, recording: str) -> Call:
    """Return the call with the statement and the link to the recording, unless it has the statement already."""
    if _has(call, statement.id):
        return call
    return call.model_copy(
        update={"statements": [*call.statements, statement], "recording": recording or call.recording}
    )


def _has(call: Call, name: str) -> bool:
    """Return True if the call has a statement with this id."""
    return any(statement.id == name for statement in call.statements)


def _place(call_id: str, case: Case | None) -> str:
    """Return the address of the page after a report of danger: the case's, or the call's without a case."""
    return f"/cases/{case.id}" if case else f"/call-in/{call_id}"


def _near(who: Who, ringing: Ringing) -> bool:
    """Return True if a ringing call concerns this person, because the areas of the PBX and the person overlap."""
    return meet(ringing.area, who.area)


def _is_link(text: str) -> bool:
    try:
        return urlsplit(text).scheme == "https" and len(text) <= 300
    except ValueError:
        return False
