"""A scam as a script: timed events (hook, trust, pressure, transfers), as they happen if nobody intervenes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from schemas.people.residents import Resident
from schemas.risk.signals import AppKind, Channel, NumberClass
from simulators.assumptions.figures import CALL_UPDATE


class Phase(StrEnum):
    """The phases of a scam. AFTER: a report of the loss, or a recovery scam."""

    HOOK = "hook"
    TRUST = "trust"
    PRESSURE = "pressure"
    TRANSFER = "transfer"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Gang:
    """The scammers who run the same scam on several victims, with the same accounts and telephones."""

    id: str
    scam_type: str
    mules: tuple[str, ...]
    phones: tuple[tuple[str, NumberClass], ...]
    target: str  # domain of its app or site
    confirmed: tuple[tuple[str, datetime], ...]  # mule accounts that the police confirm, and when


@dataclass(frozen=True, slots=True)
class Ring:
    """A call from the scammer. `number`: the caller's; `shown`: its class as the carrier reports it."""

    at: datetime
    phase: Phase
    number: str
    shown: NumberClass
    lasts: timedelta

    @property
    def ends(self) -> datetime:
        """When the call ends if nobody intervenes."""
        return self.at + self.lasts

    def told(self) -> Iterator[datetime]:
        """Yield when the carrier reports the call: during a long call, and at its end."""
        told = self.at + CALL_UPDATE / 10
        while told < self.ends and self.lasts >= CALL_UPDATE:
            yield told
            told += CALL_UPDATE
        yield self.ends


@dataclass(frozen=True, slots=True)
class Message:
    """A text message from the scammer. `number`: the sender's; `shown`: its class as the carrier reports it."""

    at: datetime
    phase: Phase
    number: str
    shown: NumberClass


@dataclass(frozen=True, slots=True)
class Opened:
    """The victim opens the scam's app or website."""

    at: datetime
    phase: Phase
    target: str
    app: AppKind
    known: bool = True  # to the app watch: what it does not know leaves no signal


@dataclass(frozen=True, slots=True)
class Pay:
    """A payment that the victim makes if nobody intervenes. `settles`: when it reaches the payee; `source`: a bank."""

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
        """The uid of its signals."""
        return f"{self.source}:{self.id}"


@dataclass(frozen=True, slots=True)
class Tell:
    """The victim has understood, and reports the loss."""

    at: datetime
    phase: Phase = Phase.AFTER


Beat = Ring | Message | Opened | Pay | Tell


@dataclass(frozen=True, slots=True)
class Story:
    """One scam on one victim. `beats`: its events, in order of time."""

    id: str
    scam_type: str
    victim: Resident
    gang: Gang
    begins: datetime
    beats: tuple[Beat, ...]
    relapses_after: timedelta | None = None  # after being dissuaded: when the victim believes the scammer again

    @property
    def payments(self) -> tuple[Pay, ...]:
        """Its payments, in order of time."""
        return tuple(beat for beat in self.beats if isinstance(beat, Pay))

    @property
    def asked_fen(self) -> int:
        """The loss (fen) if nobody intervenes."""
        return sum(payment.amount_fen for payment in self.payments)

    @property
    def over_internet(self) -> bool:
        """Whether it began on the internet, not with a call or SMS."""
        return isinstance(self.beats[0], Opened)

    @property
    def uses_app(self) -> bool:
        """Whether an app or website is part of it."""
        return any(isinstance(beat, Opened) for beat in self.beats)

    @property
    def ends(self) -> datetime:
        """The end of its last event."""
        return max(_end(beat) for beat in self.beats)


def _end(beat: Beat) -> datetime:
    match beat:
        case Ring():
            return beat.ends
        case Pay():
            return beat.settles
        case _:
            return beat.at
