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
    """The kinds of evidence. A signal that fits no kind is everyday life and gives no evidence.

    SUSPECT_CALLER, SUSPECT_PAYEE: the other party is on the watchlist as confirmed; REPORTED_PAYEE: the payee was
    reported and is not confirmed; OWN_REPORT: the resident reported a fraud.
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
    """A person is asked whether to alert those who paid the suspect before `before`, because they are too many to alert
    unasked. `id`: of the request; `refused`: whether the person answered no.
    """

    id: Token
    before: When
    refused: bool = False


class WatchEntry(Model):
    """A suspect account, telephone or link on the watchlist. `uid`: of the signal that made the entry. The newest event
    wins.

    A report never replaces a confirmation or a lift, because those are decisions. `asked`: set if earlier payers are
    not alerted until a person decides, or were not alerted because the person refused.
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
        """The campaign's id, made from the suspect's token: all who paid or were called by one suspect belong to one
        campaign.
        """
        return f"k-{self.subject.partition(':')[2]}"


class Payer(msgspec.Struct, frozen=True, gc=False):
    """A payment, stored in case its payee is confirmed as a suspect later. `resident`: the payer.

    It is a struct, not a pydantic model, because one is made for every payment, from a validated signal.
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
    """The alerts about a resident that Kafka has acknowledged. `at`: the time of the latest alert."""

    level: Level
    at: When
    payments: frozenset[str] = frozenset()  # `{transfer}:{state}`: a payment in a new state is news
    campaigns: frozenset[str] = frozenset()


class ScreeningOutcome(StrEnum):
    """The outcome of an accepted signal; each signal has exactly one.

    RAISED: the resident is in danger; BELOW_THRESHOLD: the resident is not in danger; UNMATCHED: no resident is known
    by the signal's numbers; DUPLICATE: the evidence was known; DEAD_LETTERED: the signal could not be parsed.
    """

    RAISED = "raised"  # its resident is in danger
    BELOW_THRESHOLD = "below_threshold"
    UNMATCHED = "unmatched"
    DUPLICATE = "duplicate"
    DEAD_LETTERED = "dead_lettered"
