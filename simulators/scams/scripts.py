"""Writes the scripts of scams: the hook, the course, the payments and their payees."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from domain.ids import short_hash
from schemas.people.residents import BalanceBand, Resident
from schemas.risk.signals import Channel
from simulators.assumptions import figures
from simulators.assumptions.chance import between, pick, stream
from simulators.assumptions.figures import SCAMS, Hook, Scam
from simulators.assumptions.pace import Pace
from simulators.population.numbers import BANKS, account, bank_of, scam_phone
from simulators.scams.story import Gang, Message, Opened, Pay, Phase, Ring, Story, StoryEvent, Tell

_MULES_FROM = 5 * 10**10  # serial numbers of mule accounts; residents have lower ones
_PHONES_A_GANG = 4
_SHORT_CALL = (20, 240)  # seconds; assumed
_CHANNELS = {Channel.MOBILE_BANK: 0.8, Channel.WEB_BANK: 0.12, Channel.COUNTER: 0.04, Channel.ATM: 0.04}
_COMPANY_BALANCE = (100_000, 8_000_000)  # yuan: the company account from which a "boss" orders payments
_LEAST_YUAN = 100
_DAY = 86_400  # seconds


def gang(seed: int, scam_type: str, since: datetime, number: int) -> Gang:
    """Return the gang number `number` (from 0) of a type of scam (a key of SCAMS) that is active from `since` on: its
    accounts, telephones and site. Equal arguments give an equal gang. Raises KeyError for an unknown type.
    """
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
    """The data that all parts of a script need."""

    chance: Random
    key: str
    scam: Scam
    victim: Resident
    gang: Gang
    begins: datetime
    life: timedelta
    app: bool  # whether an app or website is part of it
    known: bool  # known to the app watch

    def at(self, low: float, high: float) -> datetime:
        """Return a random time within the scam: between the shares `low` and `high` (0 to 1) of its whole duration."""
        return self.begins + self.life * round(self.chance.uniform(low, high), 5)

    def opened(self, at: datetime, phase: Phase) -> Opened:
        return Opened(at, phase, self.gang.target, self.scam.app, self.known)


def write(seed: int, key: str, gang: Gang, victim: Resident, begins: datetime, pace: Pace) -> Story:
    """Return the script of one scam on one victim. Equal arguments give equal scripts. `key`: identifies the script
    within the seed; `begins`: the time of the first event; `pace`: how long a scam takes and how far it goes.
    """
    chance, scam = stream(seed, "story", key), SCAMS[gang.scam_type]
    app, known = chance.random() < scam.app_share, chance.random() < figures.KNOWN_TO_APPWATCH
    draft = _Draft(chance, key, scam, victim, gang, begins, pace.life(chance, scam), app, known)
    beats = sorted(_beats(draft, pick(chance, pace.depths), pace.hit_again), key=lambda beat: beat.at)
    return Story(key, gang.scam_type, victim, gang, beats[0].at, tuple(beats), _relapses(chance))


def _relapses(chance: Random) -> timedelta | None:
    low, high = figures.RELAPSE_DAYS
    return between(chance, low * _DAY, high * _DAY) if chance.random() < figures.RELAPSES else None


def _beats(draft: _Draft, depth: str, hit_again: float) -> Iterator[StoryEvent]:
    yield from _hook(draft)
    if depth == "touched":
        return
    yield from _trust(draft)
    if depth == "courted":
        return
    payments = list(_payments(draft))
    yield from _pressure(draft, payments[-1].at)
    yield from payments
    told = list(_told(draft, payments[-1].settles, draft.life))
    yield from told
    if draft.chance.random() < hit_again:
        yield from _again(draft, payments, told[0].at if told else payments[-1].settles)


def _told(draft: _Draft, since: datetime, life: timedelta) -> Iterator[Tell]:
    """Yield the victim's report of the loss, if they make one."""
    if draft.chance.random() < figures.REPORTS_LOSS:
        yield Tell(since + life * round(draft.chance.uniform(0.05, 0.3), 5))


def _again(draft: _Draft, payments: Sequence[Pay], since: datetime) -> Iterator[StoryEvent]:
    """Yield a recovery scam by the same gang (assumed), which knows the loss and offers to recover it for a fee."""
    chance = draft.chance
    at = since + between(chance, *(days * _DAY for days in figures.HIT_AGAIN_DAYS))
    yield _short_call(draft, at, Phase.AFTER)
    paid = at + between(chance, 3600, _DAY)
    fee = sum(payment.amount_fen for payment in payments) * chance.uniform(*figures.HIT_AGAIN_ASKS)
    yield replace(
        payments[-1],
        at=paid,
        settles=paid + between(chance, *pick(chance, figures.SETTLES)),
        amount_fen=_whole_hundreds(fee),
        payee=chance.choice(draft.gang.mules),
        balance_fen=None,
        id=short_hash(draft.key, "again", draft.victim.id),
        phase=Phase.AFTER,
    )
    yield from _told(draft, paid + timedelta(seconds=_DAY), timedelta(seconds=_DAY))


def _hook(draft: _Draft) -> Iterator[StoryEvent]:
    match pick(draft.chance, draft.scam.hooks):
        case Hook.CALL:
            yield _short_call(draft, draft.begins, Phase.HOOK)
        case Hook.SMS:
            yield Message(draft.begins, Phase.HOOK, *draft.chance.choice(draft.gang.phones))
        case Hook.APP:
            yield draft.opened(draft.begins, Phase.HOOK)


def _trust(draft: _Draft) -> Iterator[StoryEvent]:
    """Yield calls or messages that build trust, and the app that is installed."""
    if draft.app:
        yield draft.opened(draft.at(0.1, 0.3), Phase.TRUST)
    if draft.chance.random() < max(0.35, draft.scam.on_the_phone):
        yield _short_call(draft, draft.at(0.12, 0.25), Phase.TRUST)
        yield _short_call(draft, draft.at(0.27, 0.4), Phase.TRUST)
    else:
        yield Message(draft.at(0.12, 0.3), Phase.TRUST, *draft.chance.choice(draft.gang.phones))


def _pressure(draft: _Draft, until: datetime) -> Iterator[StoryEvent]:
    """Yield a call that lasts until the money has moved, or else another visit to the app and perhaps a short call."""
    if draft.chance.random() < draft.scam.on_the_phone:
        at = draft.at(0.41, 0.46)
        # Nobody stays on the line for days: a call covers the last hours.
        at = max(at, until - timedelta(hours=2))
        number, shown = draft.chance.choice(draft.gang.phones)
        yield Ring(at, Phase.PRESSURE, number, shown, until - at + between(draft.chance, 60, 300))
        return
    if draft.app:
        yield draft.opened(draft.at(0.41, 0.46), Phase.PRESSURE)
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
    """Return the random balance of the victim's account (for an acquaintance scam the company's), in fen."""
    company = draft.gang.scam_type == "acquaintance"
    band: BalanceBand = draft.victim.balance
    low, high = _COMPANY_BALANCE if company else figures.BALANCE_YUAN[band]
    return round(math.exp(draft.chance.uniform(math.log(low), math.log(high)))) * 100


def _amounts(draft: _Draft, count: int, balance_fen: int) -> list[int]:
    """Return the amounts of the payments in fen, each larger than the previous one, within what the
    victim can raise.
    """
    yuan = min(_whole(draft), figures.BEYOND_BAND * balance_fen / 100)
    weights = [draft.scam.growth**number for number in range(count)]
    parts = [max(yuan, _LEAST_YUAN) * weight / sum(weights) for weight in weights]
    return [_whole_hundreds(part * 100) for part in parts]


def _whole_hundreds(fen: float) -> int:
    """Return the amount rounded to whole hundreds of yuan, at least one hundred; in fen."""
    return max(round(fen / figures.FEN_STEP), 1) * figures.FEN_STEP


def _whole(draft: _Draft) -> float:
    """Return the random sum that the scammers aim at, in yuan: lognormal, at most the largest known case."""
    whole = math.inf
    while whole > figures.LARGEST_YUAN:
        whole = draft.chance.lognormvariate(math.log(draft.scam.middle), draft.scam.spread)
    return whole
