"""Lives of made-up cases, input by input, as a seed decides: what the line would be told, and in which order."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random

from domain.casework import awaited, deadlines
from domain.identity.identifiers import new_resident_id
from domain.ids import short_hash
from schemas.casework.acts import OutcomeAct
from schemas.casework.cases import Case, Danger, Payment, Profile
from schemas.casework.events import CaseEvent, Dispatch
from schemas.casework.inputs import (
    Alert,
    BankFeedback,
    BankState,
    ContactResult,
    Deadline,
    Hold,
    HoldChange,
    OperatorReport,
    ResidentInput,
    VictimReport,
)
from schemas.codes.danger import PaymentUnderWay, SuspiciousCall
from schemas.levels import Action, Channel, Level, Outcome, Result
from schemas.people.residents import BalanceBand, Language, Occupation, Resident, Sex
from schemas.risk.evidence import EvidenceKind
from schemas.risk.signals import TransferState

LEVELS = {Level.RED: 5, Level.ORANGE: 15, Level.YELLOW: 30, Level.BLUE: 50}  # of a hundred
FOLLOWS = {  # what came of a contact that was made
    Channel.SMS: (Result.DELIVERED, Result.DELIVERED, Result.DELIVERED, Result.UNDELIVERED),
    Channel.PHONE: (Result.ACKNOWLEDGED, Result.NO_ANSWER, Result.BUSY, Result.HUNG_UP, Result.REFUSED),
    Channel.VISIT: (Result.SENT,),
    Channel.PAYMENT: (Result.SENT,),
}
OUTCOMES = (Outcome.DISSUADED, Outcome.DISSUADED, Outcome.NOT_PERSUADED, Outcome.FALSE_ALARM)


def resident(chance: Random) -> Resident:
    """Somebody made up, whom nobody calls."""
    return Resident(
        id=new_resident_id(chance.randbytes(10)),
        name="某某",
        birth_year=chance.randrange(1940, 2005),
        sex=chance.choice(list(Sex)),
        occupation=chance.choice(list(Occupation)),
        division="220102001",
    )


def alert(of: Resident, at: datetime, chance: Random) -> Alert:
    """Screening's word that somebody is in danger."""
    (level,) = chance.choices(list(LEVELS), list(LEVELS.values()))
    paid = [_payment(of, at, chance)] if level in (Level.RED, Level.ORANGE) else []
    profile = Profile(
        birth_year=of.birth_year,
        sex=of.sex,
        occupation=of.occupation,
        division=of.division,
        language=Language.CHINESE,
        balance=BalanceBand.MIDDLE,
    )
    danger = Danger(
        level=level,
        probability=0.5,
        exposure_fen=sum(payment.amount_fen for payment in paid),
        scam_type=chance.choice(["brushing", "loan", "impersonated_police"]),
        reasons=[
            SuspiciousCall(EvidenceKind.SUSPECT_CALLER, 2_400, at),
            PaymentUnderWay(EvidenceKind.NEW_PAYEE, 2_000_000, at),
        ],
    )
    name = short_hash("alert", of.id, at.isoformat())
    return Alert(
        id=name, at=at, resident=of.id, danger=danger, payments=paid, profile=profile, signal_at=at, kind="alert"
    )


def mute(at: datetime) -> HoldChange:
    """A mute of robot calls for an hour."""
    hold = Hold(id="mute", until=at + timedelta(hours=1), reason="a field test", by="li", action=Action.ROBOT_CALL)
    return HoldChange(id="mute", at=at, hold=hold)


def following(events: Sequence[CaseEvent], chance: Random) -> Iterator[ResidentInput]:
    """What each case of these events is told next: results of its dispatches, then an outcome or its next deadline."""
    latest = {event.case.resident: event for event in events}
    for event in events:
        for dispatch in event.dispatches:
            yield from _results(dispatch, event.at + timedelta(seconds=chance.randrange(1, 5)), chance)
    for event in latest.values():
        if event.dispatches:
            yield from _told(event.case, event.at + timedelta(seconds=chance.randrange(60, 600)), chance)
        elif event.case.open:
            yield from _due(event.case)
        else:
            yield _again(event.case)


def _results(dispatch: Dispatch, at: datetime, chance: Random) -> Iterator[ResidentInput]:
    sent = _result(dispatch, Result.SENT, at)
    yield sent
    if chance.random() < 0.05:
        yield sent  # reported twice
    if dispatch.payment and chance.random() < 0.6:
        yield BankFeedback(
            id=f"{dispatch.id}:bank",
            at=at + timedelta(minutes=5),
            resident=dispatch.resident,
            case=dispatch.case,
            dispatch=dispatch.id,
            transfer=dispatch.payment.transfer,
            state=BankState.IN_FORCE,
            amount_fen=dispatch.payment.amount_fen // 2,
            until=at + timedelta(hours=48),
        )
    elif chance.random() < 0.8:
        yield _result(dispatch, chance.choice(FOLLOWS[dispatch.channel]), at + timedelta(seconds=20))


def _told(case: Case, at: datetime, chance: Random) -> Iterator[ResidentInput]:
    if chance.random() < 0.25 and awaited(case):
        act = OutcomeAct(outcome=chance.choice(OUTCOMES))
        name = short_hash("form", case.id, case.version)
        yield OperatorReport(
            id=name, at=at, resident=case.resident, case=case.id, by="li", seen=case.version + 9, act=act
        )
    if chance.random() < 0.01:
        yield VictimReport(id=f"victim:{case.id}:{case.version}", at=at, resident=case.resident, amount_fen=1_000_000)


def _due(case: Case) -> Iterator[ResidentInput]:
    """Its next deadline; of one that is settled all of them, to its end."""
    due_steps = sorted(deadlines(case).items(), key=lambda item: item[1])
    for step, due in due_steps if case.settled else due_steps[:1]:
        milliseconds = round(due.timestamp() * 1000)
        name = f"d:{case.id}:{step}:{milliseconds}"
        yield Deadline(id=name, at=due, resident=case.resident, case=case.id, step=step, due=due)


def _again(case: Case) -> Alert:
    """A day after a case was closed its resident is in danger once more."""
    at = case.updated_at + timedelta(days=1)
    name = short_hash("alert", case.resident, at.isoformat())
    return Alert(id=name, at=at, resident=case.resident, danger=case.danger, profile=case.profile, signal_at=at)


def _result(dispatch: Dispatch, result: Result, at: datetime) -> ContactResult:
    return ContactResult(
        id=f"{dispatch.id}:{result.value}",
        at=at,
        resident=dispatch.resident,
        case=dispatch.case,
        dispatch=dispatch.id,
        step=dispatch.step,
        attempt=dispatch.attempt,
        action=dispatch.action,
        result=result,
    )


def _payment(of: Resident, at: datetime, chance: Random) -> Payment:
    return Payment(
        transfer=f"bank:{of.id}:{at.timestamp():.0f}",
        payee=f"a{chance.randrange(1000):06d}",
        amount_fen=chance.randrange(100_000, 20_000_000),
        at=at,
        state=TransferState.PENDING,
    )
