"""Screening's data in Redis: evidence about residents, the watchlist, and the alerts already raised."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from pydantic import Field

from schemas.base import Fen, Model, Text, Token, When
from schemas.levels import Level
from schemas.risk.signals import TransferState


class EvidenceKind(StrEnum):
    """The kinds of evidence. Signals of no kind are everyday life.

    SUSPECT_CALLER, SUSPECT_PAYEE: the other party is confirmed as a scammer's; REPORTED_PAYEE: reported by somebody,
    not confirmed; OWN_REPORT: the resident reported a fraud.
    """

    CALL_OVERSEAS = "call_overseas"
    CALL_GOIP = "call_goip"
    CALL_SPOOFED = "call_spoofed"
    SUSPECT_CALLER = "suspect_caller"  # the other party's number is on the watchlist
    SCAM_SMS = "scam_sms"
    APP_BRUSHING = "app_brushing"
    APP_LOAN = "app_loan"
    APP_INVESTMENT = "app_investment"
    APP_SHOPPING = "app_shopping"
    APP_MEETING = "app_meeting"
    APP_CHAT = "app_chat"
    APP_OTHER = "app_other"
    NEW_PAYEE = "new_payee"
    SUSPECT_PAYEE = "suspect_payee"  # the payee is confirmed as a scammer's
    REPORTED_PAYEE = "reported_payee"  # somebody reported the payee, nobody confirmed it
    OWN_REPORT = "own_report"


class Evidence(Model):
    """A piece of evidence. `id` is `{signal uid}~{kind}`: the same id is the same evidence."""

    id: str
    kind: EvidenceKind
    at: When
    topic: Text = "signals"  # the topic (lane) of its signal
    partition: int
    offset: int
    seconds: int = 0  # duration of a call so far
    ongoing: bool = False
    transfer: str | None = None  # the payment's uid
    payee: str | None = None  # a token
    state: TransferState | None = None
    amount_fen: Fen | None = None
    balance_fen: Fen | None = None
    campaign: Text | None = None
    scam_type: Token | None = None
    watch_at: When | None = None  # time of the watchlist entry that it is based on
    withdrawn: bool = False  # that entry was lifted


class WatchStatus(StrEnum):
    """A suspect's status on the watchlist."""

    REPORTED = "reported"
    CONFIRMED = "confirmed"
    LIFTED = "lifted"


class PayersAsked(Model):
    """A person is asked whether to alert those who paid the suspect before `before`, because they are many.

    `id`: of the request. `refused`: the answer was no.
    """

    id: Token
    before: When
    refused: bool = False


class WatchEntry(Model):
    """A suspect account, telephone or link on the watchlist, by the signal `uid`. The newest event wins.

    A report never outranks a confirmation or a lift, because those are decisions. `asked`: earlier payers are not
    alerted, or not yet.
    """

    subject: Annotated[str, Field(pattern=r"^(account|phone|link):.+$")]  # contains a token, never the number
    standing: WatchStatus
    at: When
    scam_type: Token | None = None
    uid: str = ""
    topic: Text = "signals"  # the topic (lane) of that signal
    partition: int = 0
    offset: int = 0
    asked: PayersAsked | None = None

    @property
    def campaign(self) -> str:
        """The campaign's id: all who paid or were called by one suspect belong to one campaign."""
        return f"k-{self.subject.partition(':')[2]}"


class Payer(msgspec.Struct, frozen=True, gc=False):
    """A payment, stored in case its payee is confirmed as a suspect later. `resident`: who paid.

    It is a struct, not a model: one is made for every payment, from a signal that was validated.
    """

    resident: str
    transfer: str
    at: datetime
    topic: str
    partition: int
    offset: int
    amount_fen: int
    balance_fen: int | None
    state: TransferState


class Alerted(Model):
    """The alerts about a resident that Kafka has acknowledged. `at`: the latest."""

    level: Level
    at: When
    payments: frozenset[str] = frozenset()  # `{transfer}:{state}`: a payment in a new state is news
    campaigns: frozenset[str] = frozenset()


class ScreeningOutcome(StrEnum):
    """The outcome of an accepted signal; each has exactly one.

    RAISED: its resident is in danger; BELOW_THRESHOLD: not in danger; UNMATCHED: no resident is known by its numbers;
    DUPLICATE: the evidence was known; DEAD_LETTERED: it could not be read.
    """

    RAISED = "raised"  # its resident is in danger
    BELOW_THRESHOLD = "below_threshold"
    UNMATCHED = "unmatched"
    DUPLICATE = "duplicate"
    DEAD_LETTERED = "dead_lettered"
