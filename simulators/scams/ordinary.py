"""Everyday life as the feeds see it: the cause of false alarms, and many signals that are not evidence."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from random import Random

from domain.ids import short_hash
from schemas.people.residents import Language, Resident
from schemas.risk.signals import App, AppKind, Call, Channel, NumberClass, Signal, Sms, Transfer, TransferState
from simulators.assumptions import figures
from simulators.assumptions.chance import between, pick, stream
from simulators.population.numbers import (
    BANKS,
    HOTLINE,
    abroad_phone,
    account,
    bank_of,
    korean_phone,
    other_phone,
    resident_phone,
)

CARRIERS = ("carrier-a", "carrier-b")
APPWATCH = "appwatch"
_PAYEES_FROM = 7 * 10**10  # serial numbers of honest payees' accounts
_STRANGERS_FROM = 10**7  # serial numbers of telephones and accounts outside the register


@dataclass(frozen=True, slots=True)
class Due:
    """A signal and when its feed sends it (`at`). `order`: breaks ties between equal times, in the same way in every
    run.
    """

    at: datetime
    order: str
    signal: Signal


@dataclass(frozen=True, slots=True)
class _Scene:
    """One event in a resident's day. `id`: the id of its signal."""

    chance: Random
    who: Resident
    at: datetime
    id: str


def carrier_of(phone: str) -> str:
    """Return the carrier (one of CARRIERS) of a telephone number, which is the source of the number's signals. Raises
    ValueError if the number does not end in two digits.
    """
    return CARRIERS[int(phone[-2:]) // 2 % len(CARRIERS)]


class OrdinaryLife:
    """The everyday life of a province's residents, as signals that the feeds send. The same seed gives the same
    signals.
    """

    def __init__(self, seed: int, residents: Sequence[Resident]) -> None:
        self._seed = seed
        self._all = residents
        self._pools = _pools(residents)

    def hour(self, since: datetime, count: int) -> Iterator[Due]:
        """Yield the signals of `count` everyday events that begin in the hour from `since` on, each with the time at
        which it is due. They are not ordered by time.

        A payment to a new payee gives two signals. A signal may be due after the hour.
        """
        chance = stream(self._seed, "ordinary", since)
        for number in range(count):
            kind = pick(chance, figures.ORDINARY)
            who = chance.choice(self._pools.get(kind) or self._all)
            own = stream(self._seed, "ordinary", since, number)
            at = since + between(own, 0, 3599)
            yield from _SCENES[kind](_Scene(own, who, at, short_hash(self._seed, f"{since}", number)))


def _pools(residents: Sequence[Resident]) -> Mapping[str, Sequence[Resident]]:
    """Return the residents who may have an event, by kind of event, for the kinds that not everybody has."""
    korean = [each for each in residents if each.language is Language.KOREAN]
    relatives_there = korean[: round(len(korean) * figures.FAMILY_IN_KOREA)]
    by_job = {
        kind: [each for each in residents if each.occupation in jobs] for kind, jobs in figures.ORDINARY_JOBS.items()
    }
    return {**by_job, "family_in_korea": relatives_there, "remittance": relatives_there}


def _call(scene: _Scene, caller: str, seconds: tuple[int, int], shown: NumberClass = NumberClass.ORDINARY) -> Due:
    phone = scene.who.phones[0].value
    lasts = scene.chance.randint(*seconds)
    signal = Call(
        source=carrier_of(phone),
        id=scene.id,
        at=scene.at,
        caller=caller,
        called=phone,
        seconds=lasts,
        number_class=shown,
    )
    return Due(scene.at + timedelta(seconds=lasts), scene.id, signal)


def _relative(scene: _Scene) -> Iterator[Due]:
    yield _call(scene, other_phone(scene.chance), (20, 1500))


def _courier(scene: _Scene) -> Iterator[Due]:
    yield _call(scene, other_phone(scene.chance), (5, 60))


def _hotline(scene: _Scene) -> Iterator[Due]:
    yield _call(scene, HOTLINE, (30, 300), NumberClass.HOTLINE)


def _business_abroad(scene: _Scene) -> Iterator[Due]:
    yield _call(scene, abroad_phone(scene.chance), (60, 1500), NumberClass.OVERSEAS)


def _family_in_korea(scene: _Scene) -> Iterator[Due]:
    yield _call(scene, korean_phone(scene.chance), (120, 2400), NumberClass.OVERSEAS)


def _spam_sms(scene: _Scene) -> Iterator[Due]:
    phone = scene.who.phones[0].value
    shown = pick(scene.chance, {NumberClass.ORDINARY: 1 - figures.SPAM_BY_GOIP, NumberClass.GOIP: figures.SPAM_BY_GOIP})
    sender = other_phone(scene.chance)
    signal = Sms(source=carrier_of(phone), id=scene.id, at=scene.at, sender=sender, receiver=phone, number_class=shown)
    yield Due(scene.at, scene.id, signal)


def _curious_site(scene: _Scene) -> Iterator[Due]:
    """Yield a visit to a suspicious site that is not part of a scam."""
    target = f"{short_hash(scene.id)[:8]}.example"
    phone = scene.who.phones[0].value
    app = scene.chance.choice((AppKind.LOAN, AppKind.SHOPPING, AppKind.OTHER))
    yield Due(
        scene.at, scene.id, App(source=APPWATCH, id=scene.id, at=scene.at, phone=phone, app_kind=app, target=target)
    )


def _payment(scene: _Scene, what: str, pos: bool = False) -> Iterator[Due]:
    """Yield a payment to an honest payee; for a new payee the bank also reports the attempt."""
    usual = figures.PAYMENTS[what]
    new = scene.chance.random() < usual.new
    payer = scene.who.accounts[0].value
    bank = bank_of(payer)
    channel = Channel.THIRD_PARTY if bank == "pay-a" else Channel.POS if pos else Channel.MOBILE_BANK
    balance = scene.chance.randint(*figures.BALANCE_YUAN[scene.who.balance])
    amount = min(scene.chance.randint(*usual.yuan), balance)
    attempt = Transfer(
        source=bank,
        id=scene.id,
        at=scene.at,
        payer=payer,
        payee=account(scene.chance.choice(BANKS), _PAYEES_FROM + scene.chance.randrange(10**6)),
        amount_fen=amount * 100,
        channel=channel,
        state=TransferState.ATTEMPTED,
        balance_fen=balance * 100 if scene.chance.random() < figures.BALANCE_TOLD else None,
        new_payee=new,
    )
    settled = attempt.model_copy(update={"state": TransferState.SETTLED})
    if new:
        yield Due(scene.at, scene.id, attempt)
    yield Due(scene.at + between(scene.chance, 3, 40), f"{scene.id}.", settled)


def _stranger(scene: _Scene) -> Iterator[Due]:
    """Yield a call to a person who is not in the register."""
    phone = resident_phone(_STRANGERS_FROM + scene.chance.randrange(10**6))
    signal = Call(
        source=carrier_of(phone),
        id=scene.id,
        at=scene.at,
        caller=abroad_phone(scene.chance),
        called=phone,
        seconds=scene.chance.randint(5, 600),
        number_class=NumberClass.OVERSEAS,
    )
    yield Due(scene.at + timedelta(seconds=signal.seconds), scene.id, signal)


_SCENES: Mapping[str, Callable[[_Scene], Iterator[Due]]] = {
    "relative": _relative,
    "courier": _courier,
    "hotline": _hotline,
    "business_abroad": _business_abroad,
    "family_in_korea": _family_in_korea,
    "spam_sms": _spam_sms,
    "curious_site": _curious_site,
    "shop": partial(_payment, what="shop", pos=True),
    "rent": partial(_payment, what="rent"),
    "fees": partial(_payment, what="fees"),
    "first_payee": partial(_payment, what="first_payee"),
    "wages": partial(_payment, what="wages"),
    "remittance": partial(_payment, what="remittance"),
    "stranger": _stranger,
}
