"""Routes for orders of a court, prosecutor or the police to keep a person's data: two persons begin and lift each."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from fastapi import Request
from pydantic import ValidationError
from starlette.responses import Response

from console.web.auth import trail
from console.web.auth.who import NotFoundError, Signed, Who
from console.web.auth.words import N_
from console.web.kit.door import SUPERVISORS, Door
from console.web.kit.filled import Filled, FormError, done, filled, new_form
from console.web.kit.i18n import translate
from console.web.kit.pages import page
from console.web.kit.phone_holders import SeveralHoldersError, chosen_holder, holders_to_choose
from console.web.kit.services import Services, services
from console.web.rosters import areas
from domain.calendar import JILIN, local_date
from domain.desk import legal_holds as rules
from domain.desk.legal_holds import LegalHoldBar, LegalHoldError
from schemas.people.legal_holds import LegalAuthority, LegalHold, LegalHoldDeed, LegalHoldEntry
from schemas.people.residents import Resident
from schemas.people.staff import StaffRole

door = Door("/legal-holds")
READS = SUPERVISORS | {StaffRole.AUDITOR}
SHOWN = 500
BARS = {
    LegalHoldBar.CHANGED: N_("有人刚处理过这份保留要求，或者它已到期，请看下面的新情况。"),
    LegalHoldBar.SAME_PERSON: N_("须由另一人同意：提出的人不能自己同意。"),
}
_FIELDS_WRONG = N_("请填写居民电话、作出决定的机关、文书编号和两年以内的截止日期。")


@door.page("", READS, name="legal-holds")
async def listed(request: Request, who: Signed) -> Response:
    """Return the page with the orders of the person's area, those in effect first, and for a supervisor the form for a
    new one. Errors of Kafka and Redis pass through.
    """
    return await _page(request, who)


@door.act("", SUPERVISORS, name="legal-hold-enter")
async def enter(request: Request, who: Signed) -> Response:
    """Store an order, which another person must confirm, and redirect to the list.

    422 if a field is invalid or the register has nobody with the telephone, 400 (HTTPException) if the form has no id.
    Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    made, given = services(request), await filled(request)
    try:
        hold = await _entered(made, who, given)
    except (FormError, ValidationError) as error:
        words = error.words if isinstance(error, FormError) else _FIELDS_WRONG
        return await _page(request, who, 422, given, translate(request, words), holders_to_choose(error))
    detail = f"{hold.ordered_by.value} {hold.number}, data of {hold.resident} until {hold.until:%Y-%m-%d}"
    async with made.line.legal_holds.locked(hold.id) as known:
        if known is None:  # a form sent twice is one order, and one line of the audit
            await trail.write(made, who, "legal-hold-entered", hold.id, detail=detail)
            await made.line.legal_holds.put(hold)
    return done(request, door.router.prefix)


@door.act("/{legal_hold_id}/confirm", SUPERVISORS, name="legal-hold-confirm", steps_up=N_("同意保留数据"))
async def confirm(request: Request, who: Signed, legal_hold_id: str) -> Response:
    """Confirm an order that another person entered, which puts it in force, and redirect to the list. 409 if it changed
    or the same person entered it, 400 (HTTPException) if the form has no id. Raises NotFoundError if the area does not
    have it. Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    return await _do(request, who, legal_hold_id, LegalHoldDeed.CONFIRMED)


@door.act("/{legal_hold_id}/drop", SUPERVISORS, name="legal-hold-drop")
async def drop(request: Request, who: Signed, legal_hold_id: str) -> Response:
    """Drop an order that is not in force yet, and redirect to the list. 409 if it changed, 400 (HTTPException) if the
    form has no id.

    Raises NotFoundError if the area does not have it. Errors of Kafka (such as TimeoutError and SendError) and Redis
    pass through.
    """
    return await _do(request, who, legal_hold_id, LegalHoldDeed.DROPPED)


@door.act("/{legal_hold_id}/ask-lift", SUPERVISORS, name="legal-hold-ask-lift")
async def ask_lift(request: Request, who: Signed, legal_hold_id: str) -> Response:
    """Ask to lift an order before its end, and redirect to the list. 409 if it changed, 400 (HTTPException) if the form
    has no id.

    Raises NotFoundError if the area does not have it. Errors of Kafka (such as TimeoutError and SendError) and Redis
    pass through.
    """
    return await _do(request, who, legal_hold_id, LegalHoldDeed.LIFT_ASKED)


@door.act("/{legal_hold_id}/keep", SUPERVISORS, name="legal-hold-keep")
async def keep(request: Request, who: Signed, legal_hold_id: str) -> Response:
    """Keep an order in force that somebody asked to lift, and redirect to the list. 409 if it changed, 400
    (HTTPException) if the form has no id. Raises NotFoundError if the area does not have it. Errors of Kafka (such as
    TimeoutError and SendError) and Redis pass through.
    """
    return await _do(request, who, legal_hold_id, LegalHoldDeed.LIFT_REFUSED)


@door.act("/{legal_hold_id}/lift", SUPERVISORS, name="legal-hold-lift", steps_up=N_("同意解除保留"))
async def lift(request: Request, who: Signed, legal_hold_id: str) -> Response:
    """Lift an order that another person asked to lift, and redirect to the list. 409 if it changed or the same person
    asked, 400 (HTTPException) if the form has no id. Raises NotFoundError if the area does not have it. Errors of Kafka
    (such as TimeoutError and SendError) and Redis pass through.
    """
    return await _do(request, who, legal_hold_id, LegalHoldDeed.LIFTED)


async def _do(request: Request, who: Who, name: str, deed: LegalHoldDeed) -> Response:
    made, given = services(request), await filled(request)
    await _check_area(made, who, name)
    now = made.line.clock.now()
    entry = LegalHoldEntry(id=given.name(deed.value, name), at=now, by=who.login, did=deed)
    try:
        # An erasure destroys keys under the same lock: either it sees the order, or the order begins after it.
        confirming = made.line.legal_holds.none_begins("the confirmation of an order at the console")
        async with confirming, made.line.legal_holds.locked(name) as known:
            if known is None:
                raise NotFoundError
            after = rules.after_deed(known, entry, now)
            if after != known:
                await trail.write(made, who, f"legal-hold-{deed.value.replace('_', '-')}", name, detail=known.resident)
                await made.line.legal_holds.put(after)
    except LegalHoldError as error:
        return await _page(request, who, 409, None, translate(request, BARS[error.bar]))
    return done(request, door.router.prefix)


async def _entered(made: Services, who: Who, given: Filled) -> LegalHold:
    """Return the form's order. Raises FormError or ValidationError for an invalid field."""
    now = made.line.clock.now()
    authority = next((each for each in LegalAuthority if each.value == given["ordered_by"]), None)
    until = _end_of(given["until"])
    if authority is None or until is None or not now < until <= now + rules.LONGEST or not given["phone"]:
        raise FormError("until", _FIELDS_WRONG)
    try:
        resident = await chosen_holder(made, given)
    except SeveralHoldersError as error:  # only those of the area are shown
        seen = [each for each in error.holders if who.sees(each.division)]
        if len(seen) > 1:
            raise SeveralHoldersError(seen) from None
        resident = next(iter(seen), None)
    if resident is None or not who.sees(resident.division):
        raise FormError("phone", N_("名册中没有这个电话的居民，或者不在您的辖区。"))
    entry = LegalHoldEntry(id=given.name("entered"), at=now, by=who.login, did=LegalHoldDeed.ENTERED)
    return LegalHold(
        id=f"l{given.name('legal-hold')}",
        resident=resident.id,
        ordered_by=authority,
        number=given["number"],
        until=until,
        area=resident.division,
        entries=[entry],
    )


def _end_of(day: str) -> datetime | None:
    """Return the end of a day in Jilin, written YYYY-MM-DD; None if it is not a day."""
    try:
        return datetime.combine(date.fromisoformat(day) + timedelta(days=1), time(0), JILIN)
    except (ValueError, OverflowError):
        return None


async def _check_area(made: Services, who: Who, name: str) -> None:
    """Raise NotFoundError if the order does not exist, and its subclass OtherAreaError if it is of another area."""
    found = await made.line.legal_holds.get(name)
    if found is None:
        raise NotFoundError
    who.require(found.area)


async def _page(
    request: Request,
    who: Who,
    status: int = 200,
    typed: Filled | None = None,
    wrong: str = "",
    holders: Sequence[Resident] = (),
) -> Response:
    """Return the page. `holders`: of the form's telephone, if the person has to choose among several."""
    made = services(request)
    now = made.line.clock.now()
    mine = [each for each in await made.line.legal_holds.all() if who.sees(each.area)]
    found = sorted(mine, key=lambda each: (rules.hold_ended(each, now), each.until, each.id))[:SHOWN]
    decides = who.role in SUPERVISORS
    return page(
        request,
        "legal_holds.html",
        status,
        holds=[(each, rules.deeds_open(each, who.login, now) if decides else []) for each in found],
        people=await made.line.residents.standing([each.resident for each in found]),
        ended={each.id for each in found if rules.hold_ended(each, now)},
        more=max(0, len(mine) - SHOWN),
        enters=decides,
        authorities=list(LegalAuthority),
        places=areas.names({each.area for each in found}, local_date(now)),
        names=await made.staff.names(),
        forms=new_form,
        typed=typed.fields if typed else {},
        wrong=wrong,
        holders=holders,
    )
