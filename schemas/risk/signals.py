"""Signals of feeds: the only data with plain telephone and account numbers."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from schemas.base import Fen, LongText, Model, Note, Text, Token, When

BATCH_LIMIT = 500  # signals in one record of the topic
LONGEST_CALL = 86_400  # seconds


class TransferState(StrEnum):
    """How far a payment has gone. The payer's bank can cancel it unless it is settled."""

    ATTEMPTED = "attempted"
    PENDING = "pending"
    SETTLED = "settled"

    @property
    def stage(self) -> int:
        """The state as a number, 0 to 2. Of two reports on one payment, the report with the higher stage counts."""
        match self:
            case TransferState.ATTEMPTED:
                return 0
            case TransferState.PENDING:
                return 1
            case TransferState.SETTLED:
                return 2


class Channel(StrEnum):
    """The payment channel."""

    MOBILE_BANK = "mobile_bank"
    WEB_BANK = "web_bank"
    COUNTER = "counter"
    ATM = "atm"
    POS = "pos"
    THIRD_PARTY = "third_party"


class NumberClass(StrEnum):
    """The carrier's classification of the other party's number. HOTLINE: 96110 itself, which is never suspicious."""

    ORDINARY = "ordinary"
    OVERSEAS = "overseas"
    GOIP = "goip"
    SPOOFED = "spoofed"
    HOTLINE = "hotline"  # 96110 itself: never suspicious


class AppKind(StrEnum):
    """The kind of service that a scam application or website imitates. MEETING: screen sharing."""

    BRUSHING = "brushing"
    LOAN = "loan"
    INVESTMENT = "investment"
    SHOPPING = "shopping"
    MEETING = "meeting"  # screen sharing, by which false police or customer service controls the telephone
    CHAT = "chat"
    OTHER = "other"


class WatchState(StrEnum):
    """Whether a suspect is put on the watchlist (CONFIRMED) or taken off (LIFTED)."""

    CONFIRMED = "confirmed"
    LIFTED = "lifted"


class _Signal(Model):
    source: Token
    id: Text
    at: When
    arrived: When | None = None  # set by intake

    @property
    def uid(self) -> str:
        """The signal's unique id over all sources, `source:id`."""
        return f"{self.source}:{self.id}"


class Transfer(_Signal):
    """A payment, as the payer's bank or payment service sees it."""

    kind: Literal["transfer"] = "transfer"
    payer: Text
    payee: Text
    amount_fen: Fen
    channel: Channel
    state: TransferState
    balance_fen: Fen | None = None  # the payer's balance before it, when known
    new_payee: bool = False  # the bank says that the payer never paid this account before


class Call(_Signal):
    """A telephone call. `at`: its start; `seconds`: its duration so far."""

    kind: Literal["call"] = "call"
    caller: Text
    called: Text
    seconds: Annotated[int, Field(strict=True, ge=0, le=LONGEST_CALL)]
    ongoing: bool = False
    number_class: NumberClass = NumberClass.ORDINARY


class Sms(_Signal):
    """A text message from a suspicious sender. Its content stays with the carrier."""

    kind: Literal["sms"] = "sms"
    sender: Text
    receiver: Text
    number_class: NumberClass = NumberClass.ORDINARY


class App(_Signal):
    """A subscriber opened a scam application or visited a fraud website."""

    kind: Literal["app"] = "app"
    phone: Text
    app_kind: AppKind
    target: Text  # domain or package


class Report(_Signal):
    """A person reports a fraud to 96110 or 110, with the suspect's account, telephone or link if known."""

    kind: Literal["report"] = "report"
    phone: Text  # the reporter's
    suspect_account: Text | None = None
    suspect_phone: Text | None = None
    suspect_link: LongText | None = None  # looked at if no account and no telephone is given
    amount_fen: Fen | None = None
    note: Note = ""


class Watch(_Signal):
    """A suspect account, telephone or link is confirmed as a scammer's, or taken off the watchlist.

    `value`: the account or telephone number; for a link the address, or a bare domain, which includes all links below
    it.
    """

    kind: Literal["watchlist"] = "watchlist"
    subject: Literal["account", "phone", "link"]
    value: LongText
    state: WatchState
    scam_type: Token | None = None
    reason: Note = ""


Signal = Annotated[Transfer | Call | Sms | App | Report | Watch, Field(discriminator="kind")]
SignalBatch = Annotated[list[Signal], Field(min_length=1, max_length=BATCH_LIMIT)]


class SentAgain(Model):
    """A record with the repaired content of a dead letter. Of two records for one letter, the first counts.

    `tallied`: the source under which screening counted the letter; None if the letter never reached screening.
    """

    kind: Literal["sent_again"] = "sent_again"
    letter: Text
    tallied: Token | None = None
    signals: SignalBatch


signal_adapter: TypeAdapter[Signal] = TypeAdapter(Signal)
batch_adapter: TypeAdapter[list[Signal]] = TypeAdapter(SignalBatch)
