"""What screening keeps in Redis: evidence about residents, the watchlist, and what was already alerted."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from pydantic import Field

from schemas.base import Fen, Model, Text, Token, When
from schemas.levels import Level
from schemas.risk.signals import TransferState


class EvidenceKind(StrEnum):
    """What makes a signal evidence. What is not in here is ordinary life."""

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
    REPORTED_PAYEE = "reported_payee"  # somebody told of the payee, nobody confirmed it
    OWN_REPORT = "own_report"


class Evidence(Model):
    """One thing that speaks for danger. `id` is `{signal uid}~{kind}`: the same again is the same evidence."""

    id: str
    kind: EvidenceKind
    at: When
    topic: Text = "signals"  # where its signal lies: in which lane
    partition: int
    offset: int
    seconds: int = 0  # of a call, so far
    ongoing: bool = False
    transfer: str | None = None  # the payment's uid
    payee: str | None = None  # a token
    state: TransferState | None = None
    amount_fen: Fen | None = None
    balance_fen: Fen | None = None
    campaign: Text | None = None
    scam_type: Token | None = None
    watch_at: When | None = None  # event time of the watchlist entry it rests on
    withdrawn: bool = False  # that entry was lifted


class WatchStatus(StrEnum):
    """How a suspect stands on the watchlist."""

    REPORTED = "reported"
    CONFIRMED = "confirmed"
    LIFTED = "lifted"


class PayersAsked(Model):
    """A person is asked whether those who paid the suspect earlier than `before` are alerted: they are too many.

    `id`: the request's. `refused`: the answer was no.
    """

    id: Token
    before: When
    refused: bool = False


class WatchEntry(Model):
    """A suspect account or telephone, as the signal `uid` told of it. The newest event wins.

    A report never outweighs what was confirmed or lifted: that was somebody's decision. `asked`: earlier payers are not
    alerted, or not yet.
    """

    subject: Annotated[str, Field(pattern=r"^(account|phone):.+$")]  # with a token, never the number
    standing: WatchStatus
    at: When
    scam_type: Token | None = None
    uid: str = ""
    topic: Text = "signals"  # where that signal lies
    partition: int = 0
    offset: int = 0
    asked: PayersAsked | None = None

    @property
    def campaign(self) -> str:
        """All who paid or were called by one suspect are one campaign."""
        return f"k-{self.subject.partition(':')[2]}"


class Payer(msgspec.Struct, frozen=True, gc=False):
    """A payment to somebody, kept for the case that the payee is confirmed later.

    No model: one is made for every payment of a province, out of a signal that was validated.
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
    """What casework was told of a resident, acknowledged by Kafka, up to `at`."""

    level: Level
    at: When
    payments: frozenset[str] = frozenset()  # `{transfer}:{state}`: a payment that moved on is news
    campaigns: frozenset[str] = frozenset()


class ScreeningOutcome(StrEnum):
    """What became of an accepted signal: each has exactly one."""

    RAISED = "raised"  # its resident is in danger
    BELOW_THRESHOLD = "below_threshold"
    UNMATCHED = "unmatched"
    DUPLICATE = "duplicate"
    DEAD_LETTERED = "dead_lettered"
