"""Records a caller's report: on the case, with the bank, on the watchlist and in screening."""

import asyncio
from dataclasses import dataclass

from console.web.auth import trail
from console.web.auth.who import Who
from console.web.case.acting import acted
from console.web.case.answers import Answered, put
from console.web.case.callers import Caller, case_elsewhere
from console.web.kit.services import Services
from console.web.live.hub import ANSWER_SECONDS
from domain.identity.identifiers import account_token, normal_phone
from domain.identity.links import normal_link
from domain.ids import short_hash
from domain.payments.call_in import in_danger, to_stop
from schemas.casework.acts import AskStopAct, NoteAct
from schemas.casework.cases import Case
from schemas.codes.any_code import AnyCode
from schemas.people.calls import CallerRequest, CameOf, Statement
from schemas.risk.signals import Signal
from streams.intake.acceptor import Intake, examine
from streams.messaging.sources import CONSOLE

LONGEST = 1500  # characters; leaves room for the heading of a note on a case
ATTEMPTS = 3  # to ask for a stop while the case keeps changing

Stopped = tuple[list[CameOf], AnyCode | None]
"""What came of asking for a stop, and why it was refused, or None."""


@dataclass(frozen=True, slots=True)
class Reported:
    """A caller's report as the operator typed it. `name`: the form's id; `account`, `phone`, `link`: the suspect's.

    `amount_fen`: None if no amount was given; `recording`: the link to the call's recording, or "".
    """

    name: str
    what: CallerRequest
    text: str
    account: str = ""
    phone: str = ""
    amount_fen: int | None = None
    recording: str = ""
    link: str = ""


class UnreadableError(ValueError):
    """A number in the report is invalid. `field`: suspect_account, suspect_phone or phone."""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} cannot be read")
        self.field = field


async def take(
    services: Services, who: Who, caller: Caller, told: Reported, ordered: Stopped | None = None
) -> Statement:
    """Record a caller's report and return a Statement, which lists the consequences. The same form (`told.name`)
    recorded again has no second effect.

    In this order: asks the bank to stop the case's payments to the named account; sends the report to screening, which
    puts the named suspects on the watchlist as reported; notes the report on the caller's latest case, also if that is
    in another area. If the resident has no case in danger, it then waits up to 2 s for screening to open one.

    A question is only noted. `ordered`: the consequences of a stop request that was already made for this report, and
    the reason of a refusal or None; no stop is requested then.

    Raises UnreadableError, before anything is written, if a telephone or account number is invalid; TimeoutError if
    Kafka does not answer in time, and SendError if it refuses a record for good, when a part may have been recorded.
    Errors of Redis pass through.
    """
    case = caller.case or await case_elsewhere(services, caller)
    signals = _signals(services, caller, case, told)
    came: list[CameOf] = []
    why: AnyCode | None = None
    if ordered is not None:
        came, why = list(ordered[0]), ordered[1]
    elif told.what is CallerRequest.REPORT and caller.case and told.account:
        came, why = await _stop(services, who, caller.case, told)
    if signals:
        async with trail.in_time():
            await Intake(services.line.producer, services.line.settings).accept(signals)
        came += _watched(told) + ([CameOf.SCREENED] if caller.call.resident else [])
    if case:
        await _note(services, who, case, told)
        came.append(CameOf.NOTED)
    if signals and caller.resident and not in_danger(case):
        await raised(services, caller.resident.id)
    return Statement(id=told.name, at=services.line.clock.now(), what=told.what, text=told.text, came_of=came, why=why)


def check(services: Services, caller: Caller, told: Reported) -> None:
    """Raise UnreadableError, with the field's name, if a telephone or account in the report is invalid. Writes
    nothing.
    """
    _signals(services, caller, caller.case, told)


async def raised(services: Services, resident: str) -> None:
    """Wait until the resident (an id) has an open, unsettled case, but for at most ANSWER_SECONDS (2). The caller does
    not learn which of the two happened. Errors of Redis pass through.
    """
    with services.hub.watching() as screen:
        if in_danger(await services.line.calls.latest_case(resident)):
            return
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                while (row := await screen.get()) is None or row.case.resident != resident or not in_danger(row.case):
                    pass
        except TimeoutError:
            return


def _signals(services: Services, caller: Caller, case: Case | None, told: Reported) -> list[Signal]:
    """Return the report as signals, one for each suspect.

    A report without a suspect gives one signal, or none if it is noted on an existing case instead. A question gives
    none.
    """
    if told.what is CallerRequest.QUESTION:
        return []
    named = _suspects(told)
    if not named and (in_danger(case) or (case and told.what is CallerRequest.HANDED_OVER)):
        return []
    now = services.line.clock.now()
    usual: dict[str, object] = {
        "kind": "report",
        "source": CONSOLE,
        "at": now,
        "phone": caller.call.phone,
        "note": told.text,
    }
    if told.amount_fen is not None:
        usual["amount_fen"] = told.amount_fen
    items = [{**usual, **suspect, "id": f"{told.name}-{number}"} for number, suspect in enumerate(named or [{}])]
    found = examine(items, now)
    if found.faults:
        raise UnreadableError(found.faults[0].field or "phone")
    return found.signals


def _suspects(told: Reported) -> list[dict[str, str]]:
    """Return one signal field for each named suspect. Raises UnreadableError if the telephone is invalid.

    An invalid link is left out, because screening could not list it; it stays in the report's text.
    """
    if told.phone:
        try:
            normal_phone(told.phone)
        except ValueError:
            raise UnreadableError("suspect_phone") from None
    link = told.link if _is_link(told.link) else ""
    named = {"suspect_account": told.account, "suspect_phone": told.phone, "suspect_link": link}
    return [{field: value} for field, value in named.items() if value]


def _is_link(text: str) -> bool:
    try:
        return bool(normal_link(text))
    except ValueError:
        return False


def _watched(told: Reported) -> list[CameOf]:
    return [CameOf.ACCOUNT_WATCHED] * bool(told.account) + [CameOf.PHONE_WATCHED] * bool(told.phone)


async def _stop(services: Services, who: Who, case: Case, told: Reported) -> Stopped:
    """Ask for a stop of each payment to the reported account. Return the consequences, and the last refusal or None."""
    came: list[CameOf] = []
    why: AnyCode | None = None
    for transfer in to_stop(case, account_token(services.line.settings.key(), told.account)):
        refused = await _ask(services, who, case, transfer, told)
        why = refused or why
        came.append(CameOf.STOP_REFUSED if refused else CameOf.STOP_ASKED)
    return list(dict.fromkeys(came)), why


async def _ask(services: Services, who: Who, case: Case, transfer: str, told: Reported) -> AnyCode | None:
    """Ask for one stop. Return why the case refused it, or None.

    If the case changed meanwhile, ask again on its new version, because the caller's report does not depend on what the
    operator saw on the screen.
    """
    why: AnyCode | None = None
    for _ in range(ATTEMPTS):
        name = short_hash("stop", told.name, transfer, case.version)
        answer = await put(
            services, who, acted(services, who, case, AskStopAct(do="ask_stop", transfer=transfer), name)
        )
        if answer.how is not Answered.REFUSED or answer.event is None:
            return None
        why, after = answer.why, answer.event.case
        if after.version == case.version + 1 or transfer not in _still(after, transfer):
            return why
        case = after
    return why


def _still(case: Case, transfer: str) -> list[str]:
    payment = next((each for each in case.payments if each.transfer == transfer), None)
    return to_stop(case, payment.payee) if payment else []


async def _note(services: Services, who: Who, case: Case, told: Reported) -> None:
    """Note the caller's words on the case, and the link to the call's recording if given."""
    said = NoteAct(do="note", what="note", note=told.text, caller=told.what)
    await put(services, who, acted(services, who, case, said, f"{told.name}-note"))
    if told.recording:
        recorded = NoteAct(do="note", what="recording", note=told.recording)
        await put(services, who, acted(services, who, case, recorded, f"{told.name}-recording"))
