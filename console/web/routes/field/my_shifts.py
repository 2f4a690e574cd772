"""Routes of an officer's own shifts: ask colleagues for swaps and answer their requests. A supervisor approves each
swap.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from fastapi import Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from console.web.auth.who import Signed, Who
from console.web.kit.door import Door
from console.web.kit.filled import form_value, new_form
from console.web.kit.pages import ZONE, page
from console.web.kit.services import Services, services
from console.web.rosters.rostering import Make, RefusedError, name_of, shift_named, stations, words, write
from domain.ids import short_hash
from domain.visits import swaps
from domain.visits.rostering import RosterError
from schemas.people.rosters import Officer, Roster, Shift, Swap
from schemas.people.staff import StaffRole
from streams.repositories.stations import Stored

door = Door("/rosters/mine")
OFFICERS = frozenset({StaffRole.OFFICER})
AHEAD = timedelta(days=28)  # how far ahead an officer sees shifts


@door.page("", OFFICERS, name="my-shifts")
async def mine(request: Request, who: Signed, shift: str = "") -> Response:
    """Return the page with the officer's shifts of the coming four weeks, and their swaps.

    `shift`: the shift to give away, as "start/end"; "" for none. Errors of Redis pass through.
    """
    return await _mine(request, who, shift)


@door.act("/ask", OFFICERS, name="swap-ask")
async def ask(request: Request, who: Signed) -> Response:
    """Ask a colleague to take one's shift, in exchange for one of theirs or for nothing, and redirect to the shifts.

    409, 422 or 503 with the reason if this is refused. An officer who is on no roster only gets the page. Errors of
    Redis pass through.
    """

    def make(form: FormData) -> Make:
        other, _, back = form_value(form, "offer").rpartition("|")
        wanted, given = shift_named(back) if back else None, shift_named(form_value(form, "shift"))
        name = short_hash("swap", who.login, form_value(form, "form"))

        def asked(roster: Roster, now: datetime) -> Roster:
            swap = Swap(id=name, at=now, asker=who.officer or "", shift=given, other=other, wanted=wanted)
            return swaps.ask(roster, swap, now)

        return asked

    return await _act(request, who, "swap-asked", make)


@door.act("/accept", OFFICERS, name="swap-accept")
async def accept(request: Request, who: Signed) -> Response:
    """Accept a colleague's request and redirect to the shifts. 409, 422 or 503 with the reason if this is refused. An
    officer who is on no roster only gets the page. Errors of Redis pass through.
    """

    def make(form: FormData) -> Make:
        name = form_value(form, "swap")
        return lambda roster, now: swaps.accept(roster, name, who.officer or "", now)

    return await _act(request, who, "swap-accepted", make)


@door.act("/decline", OFFICERS, name="swap-decline")
async def decline(request: Request, who: Signed) -> Response:
    """Decline a colleague's request, or withdraw one's own, and redirect to the shifts.

    409, 422 or 503 with the reason if this is refused. An officer who is on no roster only gets the page. Errors of
    Redis pass through.
    """

    def make(form: FormData) -> Make:
        name = form_value(form, "swap")
        return lambda roster, now: swaps.decline(roster, name, who.officer or "")

    return await _act(request, who, "swap-declined", make)


async def _act(request: Request, who: Who, act: str, make: Callable[[FormData], Make]) -> Response:
    """Carry out a form's change and redirect to the shifts; if it is refused, return the page with the reason."""
    made, form = services(request), await request.form()
    stored = await _own(made, who)
    if stored is None:
        return await _mine(request, who)
    try:
        await write(request, who, stored, form, act, make(form), form_value(form, "swap")[:128])
    except RefusedError as error:
        return await _mine(request, who, form_value(form, "shift"), error)
    return RedirectResponse("/rosters/mine", 303)


async def _mine(request: Request, who: Who, shift: str = "", refused: RefusedError | None = None) -> Response:
    made = services(request)
    stored, now = await _own(made, who), made.line.clock.now()
    me, roster = who.officer or "", stored.roster if stored else None
    shifts = _coming(roster, me, now)
    given = next((each for each in shifts if name_of(each) == shift), None)
    return page(
        request,
        "my_shifts.html",
        refused.status if refused else 200,
        roster=roster,
        mark=stored.mark if stored else "",
        me=me,
        shifts=[(each, name_of(each)) for each in shifts],
        given=given,
        shift=shift,
        offers=_offers(roster, me, given, now),
        swaps=[each for each in (roster.swaps if roster else ()) if me in (each.asker, each.other)][::-1],
        names={each.id: each.name for each in (roster.officers if roster else ())},
        zone=ZONE,
        refused=words(request, refused) if refused else "",
        form=new_form(),
    )


async def _own(made: Services, who: Who) -> Stored | None:
    """Return the roster that the officer is on: that of the account's station, else any other. None if they are on no
    roster.
    """
    if not who.officer:
        return None
    stored = await stations(made).get(who.station) if who.station else None
    if stored and _is_on(stored.roster, who.officer):
        return stored
    for name, roster in (await stations(made).all()).items():
        if _is_on(roster, who.officer):
            return await stations(made).get(name)
    return None


def _is_on(roster: Roster, officer: str) -> bool:
    return any(each.id == officer for each in roster.officers)


def _coming(roster: Roster | None, me: str, now: datetime) -> list[Shift]:
    mine = [each for officer in (roster.officers if roster else ()) if officer.id == me for each in officer.shifts]
    return [each for each in mine if each.end > now and each.start < now + AHEAD]


def _offers(
    roster: Roster | None, me: str, given: Shift | None, now: datetime
) -> list[tuple[Officer, Shift | None, str]]:
    """Return the possible exchanges for a shift: the colleague, the shift in return (or None), and the form's value for
    them.
    """
    if roster is None or given is None or given.start <= now:
        return []
    try:
        found = swaps.could_take(roster, me, given, now)
    except RosterError:
        return []
    return [(officer, back, f"{officer.id}|{name_of(back) if back else ''}") for officer, back in found]
