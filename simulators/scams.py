"""Write the scripts: who is picked, by which hook, how it goes on, how much is asked for and where it goes."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from domain.ids import short_hash
from schemas.residents import BalanceBand, Resident
from schemas.signals import Channel
from simulators import figures
from simulators.chance import between, pick, stream
from simulators.figures import SCAMS, Hook, Scam
from simulators.numbers import BANKS, account, bank_of, scam_phone
from simulators.pace import Pace
from simulators.story import Beat, Gang, Message, Opened, Pay, Phase, Ring, Story, Tell

_MULES_FROM = 5 * 10**10  # serial numbers of accounts: residents have the low ones
_PHONES_A_GANG = 4
_SHORT_CALL = (20, 240)  # seconds; assumed
_CHANNELS = {Channel.MOBILE_BANK: 0.8, Channel.WEB_BANK: 0.12, Channel.COUNTER: 0.04, Channel.ATM: 0.04}
_COMPANY_BALANCE = (100_000, 8_000_000)  # yuan: whom a "boss" orders to pay does it from the company's account
_LEAST_YUAN = 100


def gang(seed: int, scam_type: str, since: datetime, number: int) -> Gang:
    """Gang `number` of a type, at work since that time."""
    name = f"{scam_type}-{since:%Y%m%d%H}-{number}"
    chance = stream(seed, "gang", name)
    shown = [pick(chance, SCAMS[scam_type].classes) for _ in range(_PHONES_A_GANG)]
    mules = tuple(_mule(chance) for _ in range(figures.MULES_A_GANG))
    return Gang(
        id=name,
        scam_type=scam_type,
        mules=mules,
        phones=tuple((scam_phone(chance, kind), kind) for kind in shown),
        target=f"{short_hash(seed, name)[:8]}.example",
        confirmed=tuple(_confirmed(chance, mules, since)),
    )


def _mule(chance: Random) -> str:
    return account(chance.choice(BANKS), _MULES_FROM + chance.randrange(10**10))


def _confirmed(chance: Random, mules: tuple[str, ...], since: datetime) -> Iterator[tuple[str, datetime]]:
    for mule in mules:
        if chance.random() < figures.CONFIRMED:
            yield mule, since + figures.GANG_LIVES * round(chance.uniform(0.35, 0.95), 4)


@dataclass(frozen=True, slots=True)
class _Draft:
    """What every part of a script needs to know."""

    chance: Random
    key: str
    scam: Scam
    victim: Resident
    gang: Gang
    begins: datetime
    life: timedelta

    def at(self, low: float, high: float) -> datetime:
        """A moment between two shares of the scam's life."""
        return self.begins + self.life * round(self.chance.uniform(low, high), 5)

    def sees_app(self) -> bool:
        return self.chance.random() < self.scam.app_share * figures.KNOWN_TO_APPWATCH


def write(seed: int, key: str, gang: Gang, victim: Resident, begins: datetime, pace: Pace) -> Story:
    """The whole script of one scam on one victim; `key` names it among the seed's."""
    chance, scam = stream(seed, "story", key), SCAMS[gang.scam_type]
    draft = _Draft(chance, key, scam, victim, gang, begins, pace.life(chance, scam))
    beats = sorted(_beats(draft, pick(chance, figures.DEPTHS)), key=lambda beat: beat.at)
    return Story(key, gang.scam_type, victim, gang, beats[0].at, tuple(beats))


def _beats(draft: _Draft, depth: str) -> Iterator[Beat]:
    yield from _hook(draft)
    if depth == "touched":
        return
    yield from _trust(draft)
    if depth == "courted":
        return
    payments = list(_payments(draft))
    yield from _pressure(draft, payments[-1].at)
    yield from payments
    if draft.chance.random() < figures.REPORTS_LOSS:
        yield Tell(payments[-1].settles + draft.life * round(draft.chance.uniform(0.05, 0.3), 5))


def _hook(draft: _Draft) -> Iterator[Beat]:
    match pick(draft.chance, draft.scam.hooks):
        case Hook.CALL:
            yield _short_call(draft, draft.begins, Phase.HOOK)
        case Hook.SMS:
            yield Message(draft.begins, Phase.HOOK, *draft.chance.choice(draft.gang.phones))
        case Hook.APP:
            yield Opened(draft.begins, Phase.HOOK, draft.gang.target, draft.scam.app)


def _trust(draft: _Draft) -> Iterator[Beat]:
    """Calls and messages that follow one another, and the app that is to be installed."""
    if draft.sees_app():
        yield Opened(draft.at(0.1, 0.3), Phase.TRUST, draft.gang.target, draft.scam.app)
    if draft.chance.random() < max(0.35, draft.scam.on_the_phone):
        yield _short_call(draft, draft.at(0.12, 0.25), Phase.TRUST)
        yield _short_call(draft, draft.at(0.27, 0.4), Phase.TRUST)
    else:
        yield Message(draft.at(0.12, 0.3), Phase.TRUST, *draft.chance.choice(draft.gang.phones))


def _pressure(draft: _Draft, until: datetime) -> Iterator[Beat]:
    """The line is held until the money has moved; or the app is opened again, and a call hurries."""
    if draft.chance.random() < draft.scam.on_the_phone:
        at = draft.at(0.41, 0.46)
        # Over days nobody stays on the line from the hook to the end: the last hours are what a call covers.
        at = max(at, until - timedelta(hours=2))
        number, shown = draft.chance.choice(draft.gang.phones)
        yield Ring(at, Phase.PRESSURE, number, shown, until - at + between(draft.chance, 60, 300))
        return
    if draft.sees_app():
        yield Opened(draft.at(0.41, 0.46), Phase.PRESSURE, draft.gang.target, draft.scam.app)
    if draft.chance.random() < 0.3:
        yield _short_call(draft, draft.at(0.41, 0.46), Phase.PRESSURE)


def _short_call(draft: _Draft, at: datetime, phase: Phase) -> Ring:
    number, shown = draft.chance.choice(draft.gang.phones)
    lasts = timedelta(seconds=draft.chance.randint(*_SHORT_CALL))
    return Ring(at, phase, number, shown, lasts)


def _payments(draft: _Draft) -> Iterator[Pay]:
    chance = draft.chance
    balance = _balance(draft)
    count = chance.randint(*draft.scam.payments)
    for number, amount in enumerate(_amounts(draft, count, balance)):
        at = draft.at(0.5 + 0.5 * number / count, 0.5 + 0.5 * (number + 0.8) / count)
        settles = at + between(chance, *pick(chance, figures.SETTLES))
        payer = chance.choice(draft.victim.accounts).value
        yield Pay(
            at=at,
            settles=settles,
            amount_fen=amount,
            payee=chance.choice(draft.gang.mules),
            payer=payer,
            source=bank_of(payer),
            channel=Channel.THIRD_PARTY if bank_of(payer) == "pay-a" else pick(chance, _CHANNELS),
            new_payee=True,
            balance_fen=max(balance, amount) if chance.random() < 0.5 else None,
            id=short_hash(draft.key, "payment", number, draft.victim.id),
        )
        balance = max(balance - amount, 0)


def _balance(draft: _Draft) -> int:
    """In fen."""
    company = draft.gang.scam_type == "boss"
    band: BalanceBand = draft.victim.balance
    low, high = _COMPANY_BALANCE if company else figures.BALANCE_YUAN[band]
    return round(math.exp(draft.chance.uniform(math.log(low), math.log(high)))) * 100


def _amounts(draft: _Draft, count: int, balance_fen: int) -> list[int]:
    """In fen, each greater than the one before: a whole drawn by the type's tail, within what can be raised."""
    whole = draft.chance.lognormvariate(math.log(draft.scam.middle), draft.scam.spread)
    yuan = min(whole, figures.BEYOND_BAND * balance_fen / 100, figures.LARGEST_YUAN)
    weights = [draft.scam.growth**number for number in range(count)]
    parts = [max(yuan, _LEAST_YUAN) * weight / sum(weights) for weight in weights]
    return [max(round(part * 100 / figures.FEN_STEP), 1) * figures.FEN_STEP for part in parts]
