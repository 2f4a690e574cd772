"""People who are to be warned in the midst of a flood, and how soon each was: the truth beside the load."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import cycle

from schemas.levels import Action
from schemas.people.residents import Resident
from schemas.risk.signals import App, AppKind, Call, Channel, NumberClass, Signal, Sms, Transfer, TransferState, Watch
from schemas.risk.signals import WatchState as State
from simulators.population.numbers import account, bank_of
from simulators.providers.base import Contact
from streams.intake.acceptor import Intake
from streams.runtime.clock import Clock

MULE, CALLER = account("bank-a", 5 * 10**10), "+8612299999999"
GROWN = 1990  # born by then: who is warned is the resident and no guardian
SUM = 2_000_000  # fen


class Kind(StrEnum):
    """What happens to somebody. `unlisted`: what it takes to be red waits in the bulk lane."""

    CALL_AND_PAYEE = "a scam call goes on, and a payment to a new payee"
    SUSPECT_PAYEE = "a payment to a confirmed suspect moves"
    JUST_ENDED = "a scam call has just ended, and a payment to a new payee"
    UNLISTED = "a confirmed suspect calls from an ordinary number, and a payment to a new payee"
    SHORT_CALL = "one short scam call"
    SCAM_APP = "a scam app"
    SCAM_SMS = "a scam message"


RED = (Kind.CALL_AND_PAYEE, Kind.SUSPECT_PAYEE, Kind.JUST_ENDED)
LOWER = (Kind.SHORT_CALL, Kind.SCAM_APP, Kind.SCAM_SMS)
EVERY_UNLISTED = 20  # of red's stories one is of this kind


@dataclass(frozen=True, slots=True)
class Told:
    """A story that was told: `at` its last signal was given to intake."""

    resident: Resident
    kind: Kind
    at: datetime


def cast(people: Iterable[Resident]) -> list[Resident]:
    """Who may be in a story: grown up, reached by telephone, and of whom nothing else is special."""
    return [each for each in people if each.birth_year <= GROWN and not each.flags and each.accounts]


@dataclass(slots=True)
class Stories:
    """Tells stories through intake, each about the next of `people`."""

    intake: Intake
    clock: Clock
    people: Iterator[Resident]
    told: list[Told] = field(default_factory=list)
    accepted: Counter[str] = field(default_factory=Counter)

    async def confirm(self) -> None:
        """Put the suspects of the stories on the watchlist."""
        about = {"source": "police", "at": self.clock.now(), "state": State.CONFIRMED}
        mule = Watch(id="w1", subject="account", value=MULE, **about)
        await self.accept([mule, Watch(id="w2", subject="phone", value=CALLER, **about)])

    async def keep_telling(self, kinds: Sequence[Kind], every: float) -> None:
        """Tell one each `every` seconds, until cancelled."""
        for number, kind in enumerate(cycle(kinds)):
            unlisted = kinds is RED and number % EVERY_UNLISTED == EVERY_UNLISTED - 1
            await self.tell(Kind.UNLISTED if unlisted else kind)
            await asyncio.sleep(every)

    async def tell(self, kind: Kind) -> Told:
        """Tell one story, to its end."""
        resident = next(self.people)
        for signal in SIGNALS[kind](resident, self.clock.now()):
            await self.accept([signal])
        told = Told(resident, kind, self.clock.now())
        self.told.append(told)
        return told

    async def accept(self, signals: Sequence[Signal]) -> None:
        """Give signals to intake as what has just arrived."""
        now = self.clock.now()
        arrived = [signal.model_copy(update={"arrived": now}) for signal in signals]
        self.accepted.update(await self.intake.accept(arrived))


def delays(told: Sequence[Told], book: Sequence[Contact], action: Action) -> list[float | None]:
    """For each story the seconds until the carrier had the first such contact; none when it never had."""
    first: dict[str, datetime] = {}
    for contact in book:
        if contact.action == action.value:
            at = datetime.fromisoformat(contact.at)
            first[contact.to] = min(at, first.get(contact.to, at))
    found = [first.get(each.resident.phones[0].value) for each in told]
    return [(at - each.at).total_seconds() if at else None for each, at in zip(told, found, strict=True)]


def _id(kind: str, who: Resident, now: datetime) -> str:
    return f"{kind}{who.id}.{now.timestamp():.3f}"  # somebody may be in several stories, one after the other


def _call(who: Resident, now: datetime, ago: float, seconds: int, **more: object) -> Call:
    known = {"source": "carrier-a", "id": _id("c", who, now), "at": now - timedelta(seconds=ago), "seconds": seconds}
    usual = {"caller": "+8612200000000", "called": who.phones[0].value, "number_class": NumberClass.SPOOFED}
    return Call.model_validate(known | usual | more)


def _pay(who: Resident, now: datetime, **more: object) -> Transfer:
    payer = who.accounts[0].value
    known = {
        "source": bank_of(payer),
        "id": _id("t", who, now),
        "at": now,
        "payer": payer,
        "payee": account("bank-b", 6),
    }
    usual = {"amount_fen": SUM, "channel": Channel.MOBILE_BANK, "state": TransferState.ATTEMPTED, "new_payee": True}
    return Transfer.model_validate(known | usual | more)


def _call_and_payee(who: Resident, now: datetime) -> list[Signal]:
    return [_call(who, now, 300, 300, ongoing=True), _pay(who, now)]


def _suspect_payee(who: Resident, now: datetime) -> list[Signal]:
    return [_pay(who, now, payee=MULE, new_payee=False)]


def _just_ended(who: Resident, now: datetime) -> list[Signal]:
    return [_call(who, now, 300, 60), _pay(who, now)]


def _unlisted(who: Resident, now: datetime) -> list[Signal]:
    return [_call(who, now, 300, 60, caller=CALLER, number_class=NumberClass.ORDINARY), _pay(who, now)]


def _short_call(who: Resident, now: datetime) -> list[Signal]:
    return [_call(who, now, 60, 20, number_class=NumberClass.GOIP)]


def _scam_app(who: Resident, now: datetime) -> list[Signal]:
    about = {"phone": who.phones[0].value, "app_kind": AppKind.LOAN, "target": "loan.example"}
    return [App.model_validate({"source": "appwatch", "id": _id("a", who, now), "at": now} | about)]


def _scam_sms(who: Resident, now: datetime) -> list[Signal]:
    about = {"sender": "10690000", "receiver": who.phones[0].value, "number_class": NumberClass.GOIP}
    return [Sms.model_validate({"source": "carrier-b", "id": _id("s", who, now), "at": now} | about)]


SIGNALS: dict[Kind, Callable[[Resident, datetime], list[Signal]]] = {
    Kind.CALL_AND_PAYEE: _call_and_payee,
    Kind.SUSPECT_PAYEE: _suspect_payee,
    Kind.JUST_ENDED: _just_ended,
    Kind.UNLISTED: _unlisted,
    Kind.SHORT_CALL: _short_call,
    Kind.SCAM_APP: _scam_app,
    Kind.SCAM_SMS: _scam_sms,
}
