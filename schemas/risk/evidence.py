"""Screening's data in Redis: evidence about residents, the watchlist, and the alerts already raised."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from pydantic import Field

from schemas.base import Fen, Model, Text, Token, When
from schemas.levels import Level
from schemas.risk.sharing import Tlp
from schemas.risk.signals import NumberVerdict, TransferState


class EvidenceKind(StrEnum):
    """The kinds of evidence. A signal that fits no kind is everyday life and gives no evidence.

    CALL_…: a call with a number that the carrier classifies as overseas, as of a SIM bank (GOIP) or as forged
    (SPOOFED); SUSPECT_CALLER, SUSPECT_PAYEE: the other party is on the watchlist as confirmed; RATED_CALLER: vendors
    rate the caller's number as a scammer's; REPORTED_PAYEE: the payee was reported and is not confirmed; NEW_PAYEE: the
    resident never paid this account before; APP_…: the kind of a scam app or site; OWN_REPORT: the resident reported a
    fraud.
    """

    CALL_OVERSEAS = "call_overseas"
    CALL_GOIP = "call_goip"
    CALL_SPOOFED = "call_spoofed"
    SUSPECT_CALLER = "suspect_caller"  # the other party's number is on the watchlist
    RATED_CALLER = "rated_caller"
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
    """A piece of evidence. `id` is `{signal uid}~{kind}`: the same id is the same evidence. `at`: the time of the
    signal, for a call its start; `topic`, `partition`, `offset`: the place of the signal's record.
    """

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
    share: Annotated[float, Field(ge=0, le=1)] | None = None  # of its kind's weight, by vendors' verdicts; None: all


class WatchStatus(StrEnum):
    """A suspect's status on the watchlist. RATED: of an entry that is the verdict of one vendor or other centre."""

    REPORTED = "reported"
    CONFIRMED = "confirmed"
    LIFTED = "lifted"
    RATED = "rated"


class PayersAsked(Model):
    """A request to a person to decide: shall those who paid the suspect before `before` be alerted, although they are
    too many to be alerted without asking?

    `id`: of the request. `refused`: True if the person answered no.
    """

    id: Token
    before: When
    refused: bool = False


class WatchEntry(Model):
    """A suspect account, telephone or link on the watchlist. `uid`: of the signal that made the entry. The newest entry
    counts. But a report never replaces a confirmation or a lift, because those are decisions.

    `first_at`: the time of the first of successive entries with this standing; None: this one is the first. `asked`:
    set while earlier payers are not alerted until a person decides, or if the person refused. `verdict`, `until`,
    `confidence`: of a rating, whose subject also names the vendor (domain/risk/verdicts). `check`: the data by which
    the public check lists the number (domain/public_check/listing); "" if it does not list it. `tlp`: with whom the
    suspect may be shared; None: with nobody; of a rating: the other centre's mark, or None if it is a vendor's.
    `marks`: the mark of each source that confirmed the suspect, by the source's name; `tlp` is the strictest of them.
    `shared_since`, `shared_as`: since when and how widely it has been shared (domain/risk/sharing); None: never.
    """

    subject: Annotated[str, Field(pattern=r"^(account|phone|link):.+$")]  # contains a token, never the number
    standing: WatchStatus
    at: When
    first_at: When | None = None
    scam_type: Token | None = None
    uid: str = ""
    topic: Text = "signals"  # the topic (lane) of that signal
    partition: int = 0
    offset: int = 0
    asked: PayersAsked | None = None
    verdict: NumberVerdict | None = None
    until: When | None = None
    confidence: Annotated[int, Field(ge=1, le=100)] | None = None
    check: Annotated[str, Field(max_length=64)] = ""
    tlp: Tlp | None = None
    marks: dict[Token, Tlp] = Field(default_factory=dict)
    shared_since: When | None = None
    shared_as: Tlp | None = None

    @property
    def begun_at(self) -> datetime:
        """Return the time since which the suspect has had its present status. An entry that repeats the status keeps
        this time.
        """
        return self.first_at or self.at

    @property
    def campaign(self) -> str:
        """Return the campaign's id, `k-` and the suspect's token. All residents whom one suspect called, or whom one
        account was paid by, share it.
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


class Callee(msgspec.Struct, frozen=True, gc=False):
    """A call that a resident got, stored in case its caller is confirmed as a suspect later. `resident`: the callee;
    `call`: the uid of its signal; `at`: its start; `seconds`: its duration so far.
    """

    resident: str
    call: str
    at: datetime
    topic: str
    partition: int
    offset: int
    seconds: int
    ongoing: bool


EarlierContact = Payer | Callee
"""What is stored of a resident's contact with somebody who may become a suspect."""


class PriorLoss(Model):
    """A resident's latest loss. `at`: when it became known. `scam_type`: of its case.

    `shielded_until`: the end of the resident's protection by the policy of that time; None if it had none.
    """

    at: When
    scam_type: Token
    shielded_until: When | None = None


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
