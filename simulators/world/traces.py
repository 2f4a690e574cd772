"""The signals that the feeds send about each event of a scam, depending on what has happened to the victim."""

from collections.abc import Iterator
from datetime import datetime

from domain.ids import short_hash
from schemas.risk.signals import App, Call, Report, Signal, Sms, Transfer, TransferState, Watch, WatchState
from simulators.assumptions.figures import CALL_UPDATE
from simulators.scams.ordinary import APPWATCH, carrier_of
from simulators.scams.story import Gang, Message, Opened, Pay, Ring, StoryEvent, Tell
from simulators.world.truth import Fate, Life, Truth

POLICE = "police"  # the watchlist, and reports to 110 and 96110
_HELD_BACK = 0.5  # share of the settling time after which the bank reports a payment as pending


def moments(beat: StoryEvent) -> Iterator[datetime]:
    """Yield, in order, the times at which an event may leave a signal: for a call during it and at its end; for a
    payment when it is made, pending and settled; for other events their own time.
    """
    match beat:
        case Ring():
            yield from beat.told()
        case Pay():
            yield beat.at
            yield beat.at + (beat.settles - beat.at) * _HELD_BACK
            yield beat.settles
        case _:
            yield beat.at


def trace(life: Life, beat: StoryEvent, at: datetime, truth: Truth) -> Signal | None:
    """Return the signal that an event leaves at the time `at`, one of its `moments`. Return None if the victim was
    dissuaded before, the payment did not get that far, nothing was lost that the victim could report, or no feed sees
    the event.
    """
    match beat:
        case Ring():
            return _call(life, beat, at)
        case Pay():
            return _transfer(life, beat, at, truth)
        case Tell():
            return _report(life, beat, truth)
        case Opened(known=False):
            return None
        case Message() | Opened():
            return None if life.persuaded(at) else _touch(life, beat)


def _phone(life: Life) -> str:
    return life.story.victim.phones[0].value


def _id(life: Life, beat: StoryEvent) -> str:
    """Return an id like that of a feed, which reveals nothing about the scam."""
    return short_hash(life.story.id, life.story.victim.id, type(beat).__name__, beat.at.isoformat())


def _call(life: Life, ring: Ring, at: datetime) -> Call | None:
    """Return the signal of a call, with the same id during the call and at its end; None if the dissuaded victim had
    hung up or not answered.
    """
    ends = life.ends(ring)
    if ends <= ring.at or ends < at - CALL_UPDATE:
        return None
    phone = _phone(life)
    return Call(
        source=carrier_of(phone),
        id=_id(life, ring),
        at=ring.at,
        caller=ring.number,
        called=phone,
        seconds=round((min(at, ends) - ring.at).total_seconds()),
        ongoing=at < ends,
        number_class=ring.shown,
    )


def _touch(life: Life, beat: Message | Opened) -> Signal:
    phone, name = _phone(life), _id(life, beat)
    if isinstance(beat, Opened):
        return App(source=APPWATCH, id=name, at=beat.at, phone=phone, app_kind=beat.app, target=beat.target)
    return Sms(
        source=carrier_of(phone),
        id=name,
        at=beat.at,
        sender=beat.number,
        receiver=phone,
        number_class=beat.shown,
    )


def _transfer(life: Life, payment: Pay, at: datetime, truth: Truth) -> Transfer | None:
    """Return the signal of a payment, with one id for all states; None if it leaves no signal. Withdrawn, caught or
    blocked payments never settle.
    """
    state = _state(life.fate(payment, at, truth.stops), at, payment)
    if state is None:
        return None
    return Transfer(
        source=payment.source,
        id=payment.id,
        at=payment.at,
        payer=payment.payer,
        payee=payment.payee,
        amount_fen=payment.amount_fen,
        channel=payment.channel,
        state=state,
        balance_fen=payment.balance_fen,
        new_payee=payment.new_payee,
    )


def _state(fate: Fate, at: datetime, payment: Pay) -> TransferState | None:
    if fate is Fate.SETTLED:
        return TransferState.SETTLED
    if fate is Fate.IN_FLIGHT:
        return TransferState.ATTEMPTED if at == payment.at else TransferState.PENDING
    return None


def _report(life: Life, tell: Tell, truth: Truth) -> Report | None:
    """Return the victim's report to 96110 or 110, or None if nothing is lost."""
    paid = [payment for payment, fate in truth.fates(life, tell.at) if fate is Fate.SETTLED]
    if not paid:
        return None
    return Report(
        source=POLICE,
        id=_id(life, tell),
        at=tell.at,
        phone=_phone(life),
        suspect_account=paid[-1].payee,
        suspect_phone=life.story.gang.phones[0][0],
        amount_fen=sum(payment.amount_fen for payment in paid),
    )


def confirmations(gang: Gang) -> Iterator[Watch]:
    """Yield the police's confirmations of the gang's accounts, as signals for the watchlist, in the order of
    `gang.confirmed`.
    """
    for mule, at in gang.confirmed:
        yield Watch(
            source=POLICE,
            id=short_hash(gang.id, mule),
            at=at,
            subject="account",
            value=mule,
            state=WatchState.CONFIRMED,
            scam_type=gang.scam_type,
        )
