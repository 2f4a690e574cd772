"""Records a caller who is being defrauded now: a provisional entry for an unknown caller, a report,
and a claimed case.
"""

from collections.abc import Sequence
from dataclasses import replace

from console.web.auth import trail
from console.web.auth.who import Who
from console.web.case import reports
from console.web.case.acting import acted
from console.web.case.answers import Answer, put
from console.web.case.callers import Caller, find, residents_calling
from console.web.case.danger_form import Paid
from console.web.case.reports import Reported, Stopped
from console.web.kit.services import Services
from console.web.live import claims
from domain.casework.orders.open_orders import stands
from domain.desk.unknown_caller import Newcomer, caller_entry
from domain.identity.identifiers import account_token, own_tokens
from domain.ids import short_hash
from domain.payments.call_in import in_danger
from schemas.casework.acts import NoteAct
from schemas.casework.cases import Case, Payment
from schemas.casework.events import Fact
from schemas.casework.inputs import PaymentReport
from schemas.codes.refusals import RefusalCode
from schemas.people.calls import CameOf, Statement
from schemas.risk.evidence import WatchStatus
from schemas.risk.signals import TransferState
from streams.screening.evaluation import profile_of

WAITS = 4  # times that a case is waited for: other cases are decided too


async def open_case(
    services: Services, who: Who, caller: Caller, newcomer: Newcomer | None, told: Reported, paid: Paid
) -> tuple[Statement, Case | None]:
    """Record the report, claim the caller's case for the person, and note in the case that the person talks with the
    caller. If another person has claimed the case, it stays theirs.

    Returns a pair: the statement (not stored yet), which lists the consequences, and the case as it was before the
    claim. The case is None if none appeared within WAITS (4) times ANSWER_SECONDS.

    The stop order of the payment is proposed at once if the payee's account is known. `newcomer`: the data of a caller
    without an entry, who gets a provisional one. Raises UnreadableError, before anything is written, if a number is
    invalid; TimeoutError if Kafka does not answer in time, and SendError if it refuses a record for good, when a part
    may have been recorded. Errors of Redis pass through.
    """
    reports.check(services, caller, told)
    payment = _payment(services, told, paid)
    if newcomer:
        caller = await _entered(services, who, caller, newcomer)
    answer = await _reported(services, who, caller, payment, told)
    ordered = await _ordered(services, caller, payment, answer) if payment else None
    statement = await reports.take(services, who, caller, told, ordered)
    case = await _raised(services, caller.call.resident or "")
    if case and await claims.claim(services, who, case):
        await _in_conversation(services, who, case, told.name)
    return statement.model_copy(update={"payment": paid.reported}), case


def _payment(services: Services, told: Reported, paid: Paid) -> Payment | None:
    """Return the reported payment; None without the payee's account or the amount, because nothing can
    be stopped then.
    """
    if not told.account or told.amount_fen is None:
        return None
    return Payment(
        transfer=f"reported:{told.name}",
        payee=account_token(services.line.settings.key(), told.account),
        amount_fen=told.amount_fen,
        at=paid.at,
        state=TransferState.SETTLED,  # who calls has paid; a feed that knows better says so later
        watched=WatchStatus.REPORTED,
        institution=paid.institution,
        reported=paid.reported,
    )


async def _reported(
    services: Services, who: Who, caller: Caller, payment: Payment | None, told: Reported
) -> Answer | None:
    """Write the report as an input of the resident's case, which opens a case if none is open. Return the answer; None
    if the resident is no longer known or in the area.
    """
    resident = caller.resident
    if resident is None:  # erased, or moved to another area, this very moment
        return None
    now = services.line.clock.now()
    report = PaymentReport(
        id=f"{told.name}-report",
        at=now,
        resident=resident.id,
        by=who.login,
        role=who.role,
        payment=payment,
        profile=profile_of(resident, now),
        accounts=sorted(own_tokens(services.line.settings.key(), resident)),
        note="" if caller.case else told.text,  # on an earlier case the report itself is noted
    )
    return await put(services, who, report)


async def _ordered(services: Services, caller: Caller, payment: Payment, answer: Answer | None) -> Stopped:
    """Return the consequence of the report for the payment's stop; empty if the case has not answered
    and has no order.
    """
    if answer is not None and answer.event is not None:
        return _by_facts(answer.event.facts)
    case = await services.line.calls.latest_case(caller.call.resident or "")
    orders = [order for order in case.orders if order.payee == payment.payee] if case else []
    ordered = case is not None and any(stands(case, order, case.steps) for order in orders)
    return ([CameOf.STOP_ASKED] if ordered else []), None


def _by_facts(facts: Sequence[Fact]) -> Stopped:
    """Return the consequence of the report for the payment's stop, from the facts that the case recorded."""
    why = next((fact.what for fact in facts if isinstance(fact.what, RefusalCode)), None)
    return [CameOf.STOP_REFUSED if why else CameOf.STOP_ASKED], why


async def _entered(services: Services, who: Who, caller: Caller, newcomer: Newcomer) -> Caller:
    """Write a provisional entry for the caller, and return the caller as found afterwards.

    No entry is written if somebody else has written one meanwhile, or if the register knows the caller's ID number.
    """
    call = caller.call
    people = await residents_calling(services, call.phone) or await _with_number(services, who, newcomer)
    if not people:
        made = caller_entry(call.id, call.at, call.phone, newcomer)
        await trail.write(services, who, "caller-entered", made.id)
        async with trail.in_time():
            await services.line.residents.put([made])
        people = [made.id]
    known = {"people": people, "resident": people[0]}
    async with trail.in_time():
        call = await services.line.calls.change(call.id, lambda now: (now or call).model_copy(update=known))
    return replace(await find(services, who, call.id), call=call)


async def _with_number(services: Services, who: Who, newcomer: Newcomer) -> list[str]:
    """Return the id of the resident in the person's area who has the caller's ID number, in a list;
    empty if unknown.
    """
    residents = services.line.residents
    found = (await residents.by_id_hash([newcomer.id_hash]))[0] if newcomer.id_hash else None
    known = (await residents.standing([found])).get(found) if found else None
    return [known.id] if known and who.sees(known.division) else []


async def _raised(services: Services, resident: str) -> Case | None:
    """Return the resident's open, unsettled case, waiting some time for it; None if it has not appeared by then."""
    for _ in range(WAITS):
        case = await services.line.calls.latest_case(resident)
        if case is not None and in_danger(case):
            return case
        await reports.raised(services, resident)
    return None


async def _in_conversation(services: Services, who: Who, case: Case, name: str) -> None:
    """Note on the case that the operator is talking with the resident, so that answers may be recorded at once."""
    latest = await services.desk.load(case.id) or case
    said = NoteAct(do="note", what="conversation", note="")
    await put(services, who, acted(services, who, latest, said, short_hash("danger", name, case.id)))
