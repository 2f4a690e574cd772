"""A scam as a script: beats in time (hook, trust, pressure, transfers), as they come if nobody steps in."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from schemas.people.residents import Resident
from schemas.risk.signals import AppKind, Channel, NumberClass
from simulators.assumptions.figures import CALL_UPDATE


class Phase(StrEnum):
    """The steps of every scam."""

    HOOK = "hook"
    TRUST = "trust"
    PRESSURE = "pressure"
    TRANSFER = "transfer"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Gang:
    """Those who run the same scam on several victims, with the same accounts and numbers."""

    id: str
    scam_type: str
    mules: tuple[str, ...]
    phones: tuple[tuple[str, NumberClass], ...]
    target: str  # the domain of its app or site
    confirmed: tuple[tuple[str, datetime], ...]  # which mules the police confirm, and when


@dataclass(frozen=True, slots=True)
class Ring:
    """A call from the scammer, from `at` on."""

    at: datetime
    phase: Phase
    number: str
    shown: NumberClass
    lasts: timedelta

    @property
    def ends(self) -> datetime:
        return self.at + self.lasts

    def told(self) -> Iterator[datetime]:
        """When the carrier tells of it: while it goes on, if it is long, and at its end."""
        told = self.at + CALL_UPDATE / 10
        while told < self.ends and self.lasts >= CALL_UPDATE:
            yield told
            told += CALL_UPDATE
        yield self.ends


@dataclass(frozen=True, slots=True)
class Message:
    """A text message from the scammer."""

    at: datetime
    phase: Phase
    number: str
    shown: NumberClass


@dataclass(frozen=True, slots=True)
class Opened:
    """The victim opens the scam app or website."""

    at: datetime
    phase: Phase
    target: str
    app: AppKind
    known: bool = True  # to the watch: what it does not know leaves no signal


@dataclass(frozen=True, slots=True)
class Pay:
    """A payment that the victim makes if nobody steps in."""

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
        """As the signal's."""
        return f"{self.source}:{self.id}"


@dataclass(frozen=True, slots=True)
class Tell:
    """The victim has understood, and reports the loss."""

    at: datetime
    phase: Phase = Phase.AFTER


Beat = Ring | Message | Opened | Pay | Tell


@dataclass(frozen=True, slots=True)
class Story:
    """One scam on one victim. `beats` are in the order of their time."""

    id: str
    scam_type: str
    victim: Resident
    gang: Gang
    begins: datetime
    beats: tuple[Beat, ...]
    relapses_after: timedelta | None = None  # once persuaded: when the victim believes the scammer again

    @property
    def payments(self) -> tuple[Pay, ...]:
        return tuple(beat for beat in self.beats if isinstance(beat, Pay))

    @property
    def asked_fen(self) -> int:
        """What is lost if nobody steps in."""
        return sum(payment.amount_fen for payment in self.payments)

    @property
    def over_internet(self) -> bool:
        """Whether it began there, and not with a call or an SMS."""
        return isinstance(self.beats[0], Opened)

    @property
    def uses_app(self) -> bool:
        """Whether an application or a website is part of it."""
        return any(isinstance(beat, Opened) for beat in self.beats)

    @property
    def ends(self) -> datetime:
        """The end of the last beat."""
        return max(_end(beat) for beat in self.beats)


def _end(beat: Beat) -> datetime:
    match beat:
        case Ring():
            return beat.ends
        case Pay():
            return beat.settles
        case _:
            return beat.at
