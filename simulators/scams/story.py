"""A scam as a script: timed events (hook, trust, pressure, transfers), as they happen if nobody intervenes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from schemas.people.residents import Resident
from schemas.risk.signals import AppKind, Channel, NumberClass
from simulators.assumptions.figures import CALL_UPDATE


class Phase(StrEnum):
    """The phases of a scam, in order: HOOK: the first contact; TRUST: contacts that build trust; PRESSURE: to pay;
    TRANSFER: the payments; AFTER: a report of the loss, or a recovery scam.
    """

    HOOK = "hook"
    TRUST = "trust"
    PRESSURE = "pressure"
    TRANSFER = "transfer"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Gang:
    """The scammers who run the same scam (`scam_type`, a key of SCAMS) on several victims. `mules`: their account
    numbers; `phones`: telephones (E.164), each with its class as the carrier reports it; `target`: domain of their app
    or site; `confirmed`: the mule accounts that the police confirm, and when.
    """

    id: str
    scam_type: str
    mules: tuple[str, ...]
    phones: tuple[tuple[str, NumberClass], ...]
    target: str
    confirmed: tuple[tuple[str, datetime], ...]


@dataclass(frozen=True, slots=True)
class Ring:
    """A call from the scammer that begins at `at`. `number`: the caller's; `shown`: its class as the carrier reports
    it; `lasts`: its duration if nobody intervenes.
    """

    at: datetime
    phase: Phase
    number: str
    shown: NumberClass
    lasts: timedelta

    @property
    def ends(self) -> datetime:
        """Return the time at which the call ends if nobody intervenes."""
        return self.at + self.lasts

    def told(self) -> Iterator[datetime]:
        """Yield, in order, the times at which the carrier reports the call: for a call of at least five minutes, 30 s
        after its beginning and then every five minutes; for every call, at its end.
        """
        told = self.at + CALL_UPDATE / 10
        while told < self.ends and self.lasts >= CALL_UPDATE:
            yield told
            told += CALL_UPDATE
        yield self.ends


@dataclass(frozen=True, slots=True)
class Message:
    """A text message from the scammer that is received at `at`. `number`: the sender's; `shown`: its class as the
    carrier reports it.
    """

    at: datetime
    phase: Phase
    number: str
    shown: NumberClass


@dataclass(frozen=True, slots=True)
class Opened:
    """The victim opens the scam's app or website. `target`: its domain.

    `known`: True if the app watch knows the domain; otherwise there is no signal.
    """

    at: datetime
    phase: Phase
    target: str
    app: AppKind
    known: bool = True


@dataclass(frozen=True, slots=True)
class Pay:
    """A payment that the victim makes at `at` if nobody intervenes. `new_payee`: True if the payer never paid this
    payee before.

    `settles`: when the money reaches the payee. `payee`, `payer`: account numbers. `source`: the payer's bank.
    `balance_fen`: the payer's balance before the payment, None if the bank does not tell it. `id`: unique within the
    source.
    """

    at: datetime
    settles: datetime
    amount_fen: int
    payee: str
    payer: str
    source: str
    channel: Channel
    new_payee: bool
    balance_fen: int | None
    id: str
    phase: Phase = Phase.TRANSFER

    @property
    def uid(self) -> str:
        """Return the uid of the payment's signals, "source:id"."""
        return f"{self.source}:{self.id}"


@dataclass(frozen=True, slots=True)
class Tell:
    """The victim has understood the scam, and reports the loss to 96110 or 110."""

    at: datetime
    phase: Phase = Phase.AFTER


StoryEvent = Ring | Message | Opened | Pay | Tell


@dataclass(frozen=True, slots=True)
class Story:
    """One scam on one victim. `scam_type`: a key of SCAMS; `begins`: the time of its first event; `events`: its events,
    in order of time; `relapses_after`: how long after being dissuaded the victim believes the scammer again; None:
    never.
    """

    id: str
    scam_type: str
    victim: Resident
    gang: Gang
    begins: datetime
    events: tuple[StoryEvent, ...]
    relapses_after: timedelta | None = None

    @property
    def payments(self) -> tuple[Pay, ...]:
        """Return the payments of the story, in order of time; empty if the victim is never asked for money."""
        return tuple(beat for beat in self.events if isinstance(beat, Pay))

    @property
    def asked_fen(self) -> int:
        """Return the sum of the payments in fen, which is the loss if nobody intervenes; 0 without payments."""
        return sum(payment.amount_fen for payment in self.payments)

    @property
    def over_internet(self) -> bool:
        """True if the scam began on the internet, not with a call or SMS."""
        return isinstance(self.events[0], Opened)

    @property
    def uses_app(self) -> bool:
        """True if an app or website is part of the scam."""
        return any(isinstance(beat, Opened) for beat in self.events)

    @property
    def ends(self) -> datetime:
        """Return the time at which the last event is over: a call with its end, a payment when it settles."""
        return max(_end(beat) for beat in self.events)


def _end(beat: StoryEvent) -> datetime:
    match beat:
        case Ring():
            return beat.ends
        case Pay():
            return beat.settles
        case _:
            return beat.at
