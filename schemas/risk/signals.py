"""Signals of feeds: the only data with plain telephone and account numbers."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter, model_validator
from pydantic_core import PydanticCustomError

from schemas.base import Fen, LongText, Model, Note, Text, Token, When
from schemas.risk.sharing import Tlp

BATCH_LIMIT = 500  # signals in one record of the topic
LONGEST_CALL = 86_400  # seconds
ID_HASH = r"^[a-z2-7]{26}(\.[0-9]{1,3})?$"  # base 32, and the number of its key (domain/identity/id_keys)


class TransferState(StrEnum):
    """The progress of a payment. ATTEMPTED: the payer has ordered it; PENDING: the bank processes it; SETTLED: the
    payee has the money. The payer's bank can cancel it unless it is settled.
    """

    ATTEMPTED = "attempted"
    PENDING = "pending"
    SETTLED = "settled"

    @property
    def stage(self) -> int:
        """Return the state as a number: 0 attempted, 1 pending, 2 settled. Of two reports on one payment, the report
        with the higher stage counts.
        """
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
    """The carrier's classification of the other party's number. ORDINARY: nothing is known against it; OVERSEAS: from
    abroad; GOIP: of a device with many SIM cards, as scammers use it; SPOOFED: forged; HOTLINE: 96110 itself, which is
    never suspicious.
    """

    ORDINARY = "ordinary"
    OVERSEAS = "overseas"
    GOIP = "goip"
    SPOOFED = "spoofed"
    HOTLINE = "hotline"  # 96110 itself: never suspicious


class CallEnd(StrEnum):
    """How a call ended, or why it did not come about. CANCELLED: the caller hung up before anybody answered.

    OUT_OF_AREA: the telephone is switched off or has no coverage; FAILED: the network did not connect the call.
    """

    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    WRONG_NUMBER = "wrong_number"
    OUT_OF_AREA = "out_of_area"
    FAILED = "failed"

    @property
    def reached(self) -> bool:
        """True if the called telephone rang or may have rung, so that its holder could notice the call (ANSWERED,
        NO_ANSWER, REFUSED, CANCELLED).
        """
        return self in (CallEnd.ANSWERED, CallEnd.NO_ANSWER, CallEnd.REFUSED, CallEnd.CANCELLED)


class AppKind(StrEnum):
    """The kind of service that a scam application or website imitates: paid online tasks (BRUSHING), loans,
    investments, shopping, screen sharing (MEETING), chat, or another.
    """

    BRUSHING = "brushing"
    LOAN = "loan"
    INVESTMENT = "investment"
    SHOPPING = "shopping"
    MEETING = "meeting"  # screen sharing, by which false police or customer service controls the telephone
    CHAT = "chat"
    OTHER = "other"


class WatchState(StrEnum):
    """The change of a suspect: put on the watchlist (CONFIRMED), or taken off (LIFTED). RATED: the verdict of a vendor
    or of another centre about a telephone number, account or link, which decides nothing by itself.
    """

    CONFIRMED = "confirmed"
    LIFTED = "lifted"
    RATED = "rated"


class NumberVerdict(StrEnum):
    """A vendor's verdict about a suspect. NUISANCE: the telephone disturbs many people, such as advertising does."""

    SCAM = "scam"
    NUISANCE = "nuisance"
    CLEAN = "clean"


class _Signal(Model):
    source: Token
    id: Text
    at: When
    arrived: When | None = None  # set by intake

    @property
    def uid(self) -> str:
        """The signal's unique id over all sources, `source:id`."""
        return f"{self.source}:{self.id}"


IdHash = Annotated[str, Field(pattern=ID_HASH)]
"""The keyed hash of an ID number, as intake makes it of a bank's file (domain/identity/id_keys)."""


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
    payer_id: IdHash | None = None  # keyed hash of the payer's ID number; the number itself is never stored


class Call(_Signal):
    """A telephone call. `at`: its start; `seconds`: its duration so far, counted from the answer if the feed knows it.

    `ended`: how it ended; None while it goes on, or if the feed does not say.
    """

    kind: Literal["call"] = "call"
    caller: Text
    called: Text
    seconds: Annotated[int, Field(strict=True, ge=0, le=LONGEST_CALL)]
    ongoing: bool = False
    number_class: NumberClass = NumberClass.ORDINARY
    ended: CallEnd | None = None


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
    """A suspect account, telephone or link is confirmed as a scammer's, or taken off the watchlist, or a vendor or
    another centre has rated it.

    `value`: the account or telephone number; for a link the address, or a bare domain, which includes all links below
    it. `verdict`, `until`, `confidence`: only of a rating: what the source says, until when, and how sure it is (1 to
    100; None: as sure as the policy believes it). `tlp`: of a confirmation: with whom the suspect may be shared;
    None: with nobody, unless an earlier confirmation in force says it. Of a rating by another centre: its mark; None:
    the rating is a vendor's, without one.
    """

    kind: Literal["watchlist"] = "watchlist"
    subject: Literal["account", "phone", "link"]
    value: LongText
    state: WatchState
    scam_type: Token | None = None
    reason: Note = ""
    verdict: NumberVerdict | None = None
    until: When | None = None
    confidence: Annotated[int, Field(strict=True, ge=1, le=100)] | None = None
    tlp: Tlp | None = None

    @model_validator(mode="after")
    def _rated_whole(self) -> Self:
        if self.tlp is not None and self.state is WatchState.LIFTED:
            raise PydanticCustomError("not_confirmed", "tlp belongs to the states confirmed and rated only")
        if self.state is not WatchState.RATED:
            if self.verdict is not None or self.until is not None or self.confidence is not None:
                raise PydanticCustomError("not_rated", "verdict, until and confidence belong to the state rated only")
        elif self.verdict is None or self.until is None:
            raise PydanticCustomError("rated_whole", "the state rated needs verdict and until")
        elif self.subject != "phone" and self.verdict is NumberVerdict.NUISANCE:
            raise PydanticCustomError("rated_phone", "only a phone is rated as a nuisance")
        elif self.until <= self.at:
            raise PydanticCustomError("rated_until", "until must be later than at")
        return self


Signal = Annotated[Transfer | Call | Sms | App | Report | Watch, Field(discriminator="kind")]
SignalBatch = Annotated[list[Signal], Field(min_length=1, max_length=BATCH_LIMIT)]


class SentAgain(Model):
    """A record with the repaired content of a dead letter. Of two records for one dead letter, the first counts.

    `tallied`: the source under which screening counted the dead letter; None if it never reached screening.
    """

    kind: Literal["sent_again"] = "sent_again"
    letter: Text
    tallied: Token | None = None
    signals: SignalBatch


signal_adapter: TypeAdapter[Signal] = TypeAdapter(Signal)
batch_adapter: TypeAdapter[list[Signal]] = TypeAdapter(SignalBatch)
