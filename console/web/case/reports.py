"""What a caller tells, written where it belongs: on the case, to the bank, to the watchlist, to screening."""

import asyncio
from dataclasses import dataclass

from console.web.auth.who import Who
from console.web.case.acting import acted
from console.web.case.answers import Answered, put
from console.web.case.callers import Caller, case_elsewhere
from console.web.kit.services import Services
from console.web.live.hub import ANSWER_SECONDS
from domain.identity.identifiers import account_token, normal_phone
from domain.ids import short_hash
from domain.payments.call_in import in_danger, to_stop
from schemas.casework.cases import Case
from schemas.casework.inputs import AskStopAct, NoteAct
from schemas.codes.any_code import AnyCode
from schemas.people.calls import CallerRequest, CameOf, Statement
from schemas.risk.signals import Signal
from streams.intake.acceptor import Intake, examine
from streams.messaging.sources import CONSOLE

LONGEST = 1500  # characters: a note on a case has its beginning beside them
ATTEMPTS = 3  # at a stop while the case moves on under it


@dataclass(frozen=True, slots=True)
class Reported:
    """What was taken down. `name`: the id of the form; `account`, `phone`: the suspect's, as they were told."""

    name: str
    what: CallerRequest
    text: str
    account: str = ""
    phone: str = ""
    amount_fen: int | None = None
    recording: str = ""


class UnreadableError(ValueError):
    """A number of the report is none. `field`: suspect_account or suspect_phone."""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} cannot be read")
        self.field = field


async def take(services: Services, who: Who, caller: Caller, told: Reported) -> Statement:
    """Write down what was told, and return it with what came of it; the same form again counts once.

    A report that names a suspect puts him on the watchlist as reported, and asks the bank for a stop of what the case
    has paid him. Raises UnreadableError, and nothing is written then, for a number that is none.
    """
    case = caller.case or await case_elsewhere(services, caller)
    signals = _signals(services, caller, case, told)
    came: list[CameOf] = []
    why: AnyCode | None = None
    if told.what is CallerRequest.REPORT and caller.case and told.account:
        came, why = await _stop(services, who, caller.case, told)
    if signals:
        await Intake(services.line.producer, services.line.settings).accept(signals)
        came += _watched(told) + ([CameOf.SCREENED] if caller.call.resident else [])
    if case:
        await _note(services, who, case, told)
        came.append(CameOf.NOTED)
    if signals and caller.resident and not in_danger(case):
        await raised(services, caller.resident.id)
    return Statement(id=told.name, at=services.line.clock.now(), what=told.what, text=told.text, came_of=came, why=why)


async def raised(services: Services, resident: str) -> None:
    """Return when the resident has a case at work, or it has taken longer than a page may wait."""
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
    """The report as signals: one for each suspect. Without one, only where no case is at work that it could go to."""
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
    """A signal's field for each suspect that was named. Raises UnreadableError for a telephone that is none."""
    if told.phone:
        try:
            normal_phone(told.phone)
        except ValueError:
            raise UnreadableError("suspect_phone") from None
    named = {"suspect_account": told.account, "suspect_phone": told.phone}
    return [{field: value} for field, value in named.items() if value]


def _watched(told: Reported) -> list[CameOf]:
    return [CameOf.ACCOUNT_WATCHED] * bool(told.account) + [CameOf.PHONE_WATCHED] * bool(told.phone)


async def _stop(services: Services, who: Who, case: Case, told: Reported) -> tuple[list[CameOf], AnyCode | None]:
    """Ask for a stop of each payment to the reported account; what came of it, and why one was refused."""
    came: list[CameOf] = []
    why: AnyCode | None = None
    for transfer in to_stop(case, account_token(services.line.settings.key(), told.account)):
        refused = await _ask(services, who, case, transfer, told)
        why = refused or why
        came.append(CameOf.STOP_REFUSED if refused else CameOf.STOP_ASKED)
    return list(dict.fromkeys(came)), why


async def _ask(services: Services, who: Who, case: Case, transfer: str, told: Reported) -> AnyCode | None:
    """Ask for one stop. Return why the case refused it, or None.

    What the caller tells does not depend on what was on the screen: when the case has moved on meanwhile, it is asked
    again by the case as it stands.
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
    """What was said, on the case; and where the call's recording lies."""
    said = NoteAct(do="note", what="note", note=told.text, caller=told.what)
    await put(services, who, acted(services, who, case, said, f"{told.name}-note"))
    if told.recording:
        recorded = NoteAct(do="note", what="recording", note=told.recording)
        await put(services, who, acted(services, who, case, recorded, f"{told.name}-recording"))
