"""What parties outside report: banks, residents by text message, and another province."""

from collections.abc import Sequence
from datetime import timedelta

from domain.dispatches.ids import named
from schemas.casework.cases import WAITING_STEPS, Danger, Payment, Step
from schemas.casework.inputs import (
    BankFeedback,
    BankState,
    ContactResult,
    ObjectStop,
    OwnHoldAnswer,
    ResidentReply,
    TakeOver,
)
from schemas.casework.movements import MovedAccount, MovementKind, OnwardMovement
from schemas.casework.objections import ObjectionGround, Objector
from schemas.casework.own_account import OwnHoldAnswerState
from schemas.casework.provinces import ContactThere, ProvinceGround
from schemas.codes.danger import CombinedEvidence
from schemas.codes.replies import ReplySender
from schemas.levels import Action, Channel, Level, Result
from schemas.risk.signals import TransferState
from streams.screening.evaluation import profile_of
from tests.simulation.policy import OTHER_PROVINCE
from tests.simulation.reports.seen import SeenCase, pick

_BANK = "bank-one"
_STOPS = (Action.STOP_PAYMENT, Action.STOP_AGAIN)
_CARRIED = (Action.SMS, Action.FLASH_SMS, Action.CONTACT_SMS, Action.ROBOT_CALL)
_RECEIPTS = {
    Channel.SMS: (Result.DELIVERED, Result.UNDELIVERED, Result.WRONG_NUMBER),
    Channel.PHONE: (Result.ACKNOWLEDGED, Result.HUNG_UP, Result.BUSY, Result.NO_ANSWER, Result.WANTS_OPERATOR),
}


def bank_feedbacks(seen: SeenCase, state: BankState) -> list[BankFeedback]:
    """A bank's answer of this state about a stop of the case; none without a stop."""
    stops = [step for step in seen.steps(*_STOPS) if step.transfer]
    if seen.case is None or not stops:
        return []
    random = seen.random()
    step: Step = random.choice(stops)
    paid = next((each for each in seen.paid() if each.transfer == step.transfer), None)
    amount = paid.amount_fen if paid else 0
    dispatch = seen.dispatch(step, Channel.PAYMENT)
    stays = state in (BankState.IN_FORCE, BankState.FROZEN)
    return [
        BankFeedback(
            id=f"{dispatch}:{state.value}:{seen.n % 3}",
            at=seen.now,
            resident=seen.case.resident,
            case=seen.case.id,
            dispatch=dispatch,
            transfer=str(step.transfer),
            state=state,
            amount_fen=0 if state in (BankState.PENDING, BankState.REFUSED) else random.choice((amount, amount // 2)),
            until=seen.now + timedelta(hours=48) if stays else None,
            bank=random.choice((None, _BANK)),
            movements=_moved(seen, paid) if paid and random.random() < 0.3 else [],
        )
    ]


def _moved(seen: SeenCase, paid: Payment) -> list[OnwardMovement]:
    """The money went on to another account, which has an order of its own then."""
    return [
        OnwardMovement(
            payer=MovedAccount(bank=_BANK, token=paid.payee),
            payee=MovedAccount(bank="bank-two", token=f"a{seen.n % 4:032x}"),
            kind=MovementKind.TRANSFER,
            amount_fen=paid.amount_fen // 2,
            at=seen.now,
            sequence=seen.n % 7,
        )
    ]


def unasked_answers(seen: SeenCase) -> list[BankFeedback]:
    """A bank's answer to a stop that nobody has sent it: one that waits or ended before, or a further attempt."""
    stops = [step for step in seen.steps(*_STOPS) if step.transfer]
    if seen.case is None or not stops:
        return []
    random = seen.random()
    step = random.choice(_unsent(stops) or stops)
    asked = named(seen.case.id, step.id, step.attempts_sent + 1, Channel.PAYMENT)
    state = random.choice((BankState.FROZEN, BankState.IN_FORCE, BankState.RELEASED, BankState.REFUSED))
    return [
        BankFeedback(
            id=f"{asked}:{state.value}:{seen.n % 3}",
            at=seen.now,
            resident=seen.case.resident,
            case=seen.case.id,
            dispatch=asked,
            transfer=str(step.transfer),
            state=state,
            amount_fen=0 if state is BankState.REFUSED else random.choice((1_000_000, 3_000_000)),
            until=seen.now + timedelta(hours=48) if state in (BankState.IN_FORCE, BankState.FROZEN) else None,
            bank=_BANK,
        )
    ]


def _unsent(steps: Sequence[Step]) -> list[Step]:
    """The steps whose latest attempt was not sent: they wait, or ended before it."""
    return [step for step in steps if step.state in WAITING_STEPS or step.attempts_sent == 0]


def unsent_receipts(seen: SeenCase) -> list[ContactResult]:
    """A carrier's receipt of a message or call that nobody has sent: of a step that waits or ended before, or of an
    attempt that has not been made.
    """
    steps = seen.steps(*_CARRIED)
    if seen.case is None or not steps:
        return []
    random = seen.random()
    step = random.choice(_unsent(steps) or steps)
    attempt = step.attempts_sent + 1
    dispatch = named(seen.case.id, step.id, attempt, step.action.channel)
    result = random.choice(_RECEIPTS[step.action.channel])
    return [
        ContactResult(
            id=f"{dispatch}:{result.value}",
            at=seen.now,
            resident=seen.case.resident,
            case=seen.case.id,
            dispatch=dispatch,
            step=step.id,
            attempt=attempt,
            action=step.action,
            result=result,
        )
    ]


def own_hold_answers(seen: SeenCase) -> list[OwnHoldAnswer]:
    """A bank's answer about a hold on the resident's own account; none without such an order."""
    steps = seen.steps(Action.HOLD_OUTGOING, Action.LIFT_HOLD)
    if seen.case is None or not steps:
        return []
    random = seen.random()
    step, state = random.choice(steps), random.choice(list(OwnHoldAnswerState))
    dispatch = seen.dispatch(step, Channel.PAYMENT)
    return [
        OwnHoldAnswer(
            id=f"{dispatch}:{state.value}:{seen.n % 3}",
            at=seen.now,
            resident=seen.case.resident,
            case=seen.case.id,
            dispatch=dispatch,
            step=step.id,
            state=state,
            bank=_BANK,
        )
    ]


def stop_objections(seen: SeenCase) -> list[ObjectStop]:
    """An objection that came through a bank, perhaps to an order that does not exist."""
    if seen.case is None:
        return []
    random = seen.random()
    return [
        ObjectStop(
            id=seen.hashed("object"),
            at=seen.now,
            resident=seen.case.resident,
            case=seen.case.id,
            order=str(pick(random, [each.step for each in seen.case.orders], "red.none")),
            who=random.choice(list(Objector)),
            bank=_BANK,
            ground=random.choice(list(ObjectionGround)),
        )
    ]


def resident_replies(seen: SeenCase) -> list[ResidentReply]:
    """A reply to a text message of the case; none before one was planned."""
    steps = seen.steps(Action.SMS, Action.FLASH_SMS, Action.WEEK_SMS, Action.CONTACT_SMS)
    if not steps:
        return []
    random = seen.random()
    dispatch = seen.dispatch(random.choice(steps), Channel.SMS)
    return [
        ResidentReply(
            id=f"{dispatch}:reply:{seen.n}",
            at=seen.now,
            resident=seen.resident.id,
            dispatch=dispatch,
            sender=random.choice(list(ReplySender)),
            text=random.choice(("知道了", "退订", "T", "1", "2", "3")),
        )
    ]


def take_overs(seen: SeenCase) -> list[TakeOver]:
    """Another province hands a case over, tells more of it, or says that both handle the resident."""
    random = seen.random()
    level, both = random.choice(list(Level)), random.random() < 0.3
    case = f"r{'a' * 16}-{1 + seen.n % 2}"
    told = ("take-over", case, level.value, str(both))
    return [
        TakeOver(
            id=seen.hashed(":".join(told)),
            at=seen.now,
            resident=seen.resident.id,
            province=OTHER_PROVINCE,
            offer=f"{case}:province.1",
            other_case=case,
            ground=random.choice(list(ProvinceGround)),
            danger=Danger(
                level=level,
                probability=0.5,
                exposure_fen=0,
                scam_type="impersonated_police",
                reasons=[CombinedEvidence("told by another province")],
            ),
            payments=_paid_there(seen) if random.random() < 0.5 else [],
            profile=profile_of(seen.resident, seen.now),
            contacts=[ContactThere(action=Action.SMS, results=[Result.DELIVERED])],
            both=both,
        )
    ]


def _paid_there(seen: SeenCase) -> list[Payment]:
    return [
        Payment(
            transfer=f"province.{OTHER_PROVINCE}:{seen.n % 5}",
            payee=f"a{seen.n % 4:032x}",
            amount_fen=2_000_000,
            at=seen.now - timedelta(minutes=2),
            state=TransferState.PENDING,
        )
    ]
