"""Prepares what the desk shows of calls to the centre: who waits, the reader's own call, and whom to call back."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from console.web.auth.who import NotFoundError, Who
from console.web.case import callers
from console.web.kit.services import Services
from domain.desk.call_backs import is_taken
from domain.identity.masking import phone as masked_phone
from domain.ids import short_hash
from schemas.casework.cases import Case
from schemas.channels.call_backs import CallBack, LiveIncoming
from schemas.channels.incoming_calls import IncomingCallState
from schemas.people.residents import Resident
from streams.repositories.residents.register import Asked

LINE_WAIT_SECONDS = 8.0  # a page's question is open so long: fewer questions, and a change is told at once
LINE_LOOK_SECONDS = 0.5
BACKS_SHOWN = 20  # call-backs in the list


@dataclass(frozen=True, slots=True)
class MyCall:
    """The incoming call that rings the reader's telephone, or in which they talk.

    `number`: masked, "" if it is withheld; `resident`, `case`: of the reader's area, None if unknown, or if the network
    does not vouch for the number: anybody may call with it; `others`: how many more residents hold the telephone.
    """

    live: LiveIncoming
    number: str
    resident: Resident | None = None
    case: Case | None = None
    others: int = 0

    @property
    def talks(self) -> bool:
        """True if the reader has answered."""
        return self.live.state is IncomingCallState.CONNECTED


@dataclass(frozen=True, slots=True)
class BackRow:
    """A request to call back. `number`: masked; `taken`: somebody calls now; `mine`: the reader does; `first`: it is
    the one to be served next.
    """

    request: CallBack
    number: str
    taken: bool
    mine: bool
    first: bool


@dataclass(frozen=True, slots=True)
class IncomingLine:
    """The state of the line of calls to the centre for one reader. `has_phone`, `ready`: the reader has a telephone at
    the gateway, and calls ring it; `waiting`: the number of callers who wait; `since`: when the one who has waited
    longest called, None without one; `backs`: requests to call back, the next to be served first; `more`: how many
    others are not listed; `token`: a text that changes whenever the state changes.
    """

    has_phone: bool
    ready: bool
    waiting: int
    since: datetime | None
    backs: Sequence[BackRow]
    more: int
    token: str


async def incoming_line(services: Services, who: Who) -> IncomingLine | None:
    """Return the state of the line of calls to the centre; None if no gateway takes calls to the centre, and nobody is
    to be called back. Errors of Redis pass through.
    """
    now, phones = services.line.clock.now(), services.phones
    backs = await services.incoming.call_backs(now)
    if not backs and (phones is None or not phones.takes_calls):
        return None
    waits = [each for each in await services.incoming.calls(now) if each.state is not IncomingCallState.CONNECTED]
    has, ready = phones is not None and phones.has(who.login), phones is not None and phones.is_ready(who.login)
    first = next((each.id for each in backs if not is_taken(each, now)), None)
    rows = [
        BackRow(
            each,
            masked_phone(services.incoming.number(each.sealed)),
            is_taken(each, now),
            each.taken_by == who.login,
            each.id == first,
        )
        for each in backs[:BACKS_SHOWN]
    ]
    since = waits[0].since if waits else None
    state = "|".join(f"{row.request.model_dump_json()}{row.taken}" for row in rows)
    token = short_hash("incoming-line", f"{has}{ready}{len(waits)}{since}{len(backs)}", state)
    return IncomingLine(has, ready, len(waits), since, rows, len(backs) - len(rows), token)


async def changed_line(services: Services, who: Who, known: str) -> IncomingLine | None:
    """Wait until the state of the line of calls to the centre has another token than `known`, at most 8 seconds, and
    return the state then, changed or not. None, at once, if `incoming_line` returns None. Errors of Redis pass through.
    """
    ends = time.monotonic() + LINE_WAIT_SECONDS
    while True:
        shown = await incoming_line(services, who)
        if shown is None or shown.token != known or time.monotonic() >= ends:
            return shown
        await asyncio.sleep(LINE_LOOK_SECONDS)


async def my_live(services: Services, who: Who) -> LiveIncoming | None:
    """Return the call that rings the person's telephone or in which they talk, None without one. Errors of Redis pass
    through.
    """
    found = await services.incoming.calls(services.line.clock.now())
    return next((each for each in found if each.operator == who.login), None)


async def my_call(services: Services, who: Who) -> MyCall | None:
    """Return the incoming call that rings the person's telephone or in which they talk, with what is known of the
    caller; None without one. Errors of Redis pass through.
    """
    if services.phones is None or not services.phones.takes_calls:
        return None
    live = await my_live(services, who)
    if live is None:
        return None
    number = services.incoming.number(live.sealed)
    people = await residents_of(services, who, number) if live.vouched else ()
    if not people:
        return MyCall(live, masked_phone(number) if number else "")
    case = await services.line.calls.latest_case(people[0].id)
    return MyCall(live, masked_phone(number), people[0], case if case and case.open else None, len(people) - 1)


async def residents_of(services: Services, who: Who, number: str) -> Sequence[Resident]:
    """Return the residents of the person's area who hold a telephone, the most likely first. Errors of Redis pass
    through.
    """
    if not number:
        return ()
    register = services.line.residents
    found = (await register.holders([Asked("phones", number, services.line.clock.now())]))[0]
    entries = await register.standing(found)
    return [entries[name] for name in dict.fromkeys(found) if name in entries and who.sees(entries[name].division)]


async def open_record(services: Services, who: Who, call_id: str) -> str:
    """Begin the record of the person's own incoming call, and return the path of the page to open: of the caller's open
    case, else of the record with the caller's number in it; without a number for which the network vouches, of the form
    to enter one, and no record is begun.

    Raises NotFoundError if the call is not the person's, TimeoutError if Kafka does not answer in time, and SendError
    if it refuses a record for good. Errors of Redis pass through.
    """
    live = await my_live(services, who)
    if live is None or live.call != call_id:
        raise NotFoundError
    number = services.incoming.number(live.sealed)
    return await page_of(services, who, number, call_id) if number and live.vouched else "/call-in"


async def page_of(services: Services, who: Who, number: str, call_id: str) -> str:
    """Begin the record of a call with this number (E.164) under the id `call_id`, and return the path of the page to
    work on: of the caller's open case, else of the record. Raises NotFoundError if another person has a record under
    this id, TimeoutError if Kafka does not answer in time, and SendError if it refuses a record for good. Errors of
    Redis pass through.
    """
    call = await callers.begin(services, who, number, call_id)
    caller = await callers.find(services, who, call.id)
    return f"/cases/{caller.case.id}" if caller.case and caller.case.open else f"/call-in/{call.id}"
