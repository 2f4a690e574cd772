"""Fast parsing of everyday signals without pydantic, in a 13th of the time. Used only if the result is certainly the
same.

`Transfer`, `Call`, `Sms` and `App` have the fields of their namesakes in schemas/risk/signals.py, which define a
signal. Only the Python type differs, so users check `kind`. Both parsers ignore unknown fields of a newer version
(base.ANY_VERSION). A signal that cannot be parsed here, or that is about a suspect (a report, the watchlist), is parsed
by pydantic, which decides and words the errors.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, cast

import msgspec
from pydantic import BaseModel

from schemas.base import EARLIEST, LATEST, MOST_FEN, NAME
from schemas.risk.signals import (
    BATCH_LIMIT,
    ID_HASH,
    LONGEST_CALL,
    AppKind,
    CallEnd,
    Channel,
    NumberClass,
    Signal,
    TransferState,
)

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
_When = Annotated[datetime, msgspec.Meta(tz=True)]
_Fen = Annotated[int, msgspec.Meta(ge=0, le=MOST_FEN)]
_IdHash = Annotated[str, msgspec.Meta(pattern=ID_HASH)]
_Seconds = Annotated[int, msgspec.Meta(ge=0, le=LONGEST_CALL)]

# A seventh fractional digit of seconds: msgspec and pydantic round it differently. The lookbehind excludes points in
# ids, and comes last because searching for points is fast.
_FINE = re.compile(rb"\.[0-9]{7}(?<=:[0-9]{2}\.[0-9]{7})")
_fine_part = re.compile(r"\.[0-9]{7}").search
_token = re.compile(NAME).search


class _Signal(msgspec.Struct, frozen=True, tag_field="kind", kw_only=True, gc=False):
    source: str
    id: _Text
    at: _When
    arrived: _When | None = None

    @property
    def uid(self) -> str:
        """The signal's unique id over all sources, `source:id`."""
        return f"{self.source}:{self.id}"


class Transfer(_Signal, tag="transfer", frozen=True):
    """A payment: the same fields as signals.Transfer, parsed without pydantic.

    `payer`, `payee`: account numbers. `balance_fen`: the payer's balance before the payment; None if unknown.
    `payer_id`: the keyed hash of the payer's ID number.
    """

    kind: ClassVar[Literal["transfer"]] = "transfer"
    payer: _Text
    payee: _Text
    amount_fen: _Fen
    channel: Channel
    state: TransferState
    balance_fen: _Fen | None = None
    new_payee: bool = False
    payer_id: _IdHash | None = None


class Call(_Signal, tag="call", frozen=True):
    """A telephone call: the same fields as signals.Call, parsed without pydantic."""

    kind: ClassVar[Literal["call"]] = "call"
    caller: _Text
    called: _Text
    seconds: _Seconds
    ongoing: bool = False
    number_class: NumberClass = NumberClass.ORDINARY
    ended: CallEnd | None = None


class Sms(_Signal, tag="sms", frozen=True):
    """A text message: the same fields as signals.Sms, parsed without pydantic."""

    kind: ClassVar[Literal["sms"]] = "sms"
    sender: _Text
    receiver: _Text
    number_class: NumberClass = NumberClass.ORDINARY


class App(_Signal, tag="app", frozen=True):
    """A visit to a scam app or site: the same fields as signals.App, parsed without pydantic."""

    kind: ClassVar[Literal["app"]] = "app"
    phone: _Text
    app_kind: AppKind
    target: _Text


_batch = msgspec.json.Decoder(
    Annotated[list[Transfer | Call | Sms | App], msgspec.Meta(min_length=1, max_length=BATCH_LIMIT)]
)
_KINDS: dict[str, type[_Signal]] = {"transfer": Transfer, "call": Call, "sms": Sms, "app": App}
_FIELDS = {kind: frozenset(("kind", *model.__struct_fields__)) for kind, model in _KINDS.items()}


def parse_record_fast(record: bytes) -> list[Signal] | None:
    """Return the signals in a record's JSON, in its order, parsed without pydantic. Return None if pydantic might
    refuse the record or parse it differently; the caller must then parse it with pydantic. Invalid bytes give None, not
    an exception.
    """
    if not _visible(record) or _FINE.search(record):
        return None
    try:
        signals = _batch.decode(record)
    except (msgspec.DecodeError, RecursionError):  # includes ValidationError; RecursionError: nested too deep
        return None
    times = [each.at for each in signals] + [each.arrived for each in signals if each.arrived]
    plausible = min(times) >= EARLIEST and max(times) < LATEST
    if not plausible or not all(_token(source) for source in {each.source for each in signals}):
        return None
    return cast("list[Signal]", signals)


def parse_item_fast(item: Mapping[str, Any]) -> Signal | None:
    """Return the signal in a feed's item, parsed without pydantic.

    Return None if pydantic might refuse the item or parse it differently, if the kind is not transfer, call, sms or
    app, if a field is unknown, if `arrived` is not set, or if the signal's time is after its arrival, which intake
    corrects. Invalid values give None, not an exception.
    """
    kind, at = str(item.get("kind")), item.get("at")
    if kind not in _KINDS or not item.keys() <= _FIELDS[kind] or (isinstance(at, str) and _fine_part(at)):
        return None
    if not all(value.isprintable() for value in item.values() if isinstance(value, str)):
        return None
    try:
        signal = msgspec.convert(item, _KINDS[kind])
    except msgspec.ValidationError:
        return None
    plausible = signal.arrived and EARLIEST <= signal.at <= signal.arrived < LATEST
    return cast("Signal", signal) if plausible and _token(signal.source) else None


def record(signals: Sequence[Signal]) -> bytes:
    """Return a record's value with these signals, in their order: a JSON array in UTF-8, which `parse_record_fast` can
    usually parse.
    """
    return _encoder.encode(signals)


def _written(model: BaseModel) -> msgspec.Raw:
    return msgspec.Raw(model.model_dump_json().encode())


_encoder = msgspec.json.Encoder(enc_hook=_written)


def _visible(record: bytes) -> bool:
    """Return True if all characters of the record are printable (as base.Text requires) and none is escaped."""
    if b"\\" in record:
        return False
    if record.isascii():
        return b"\x7f" not in record  # JSON allows no other invisible ASCII characters
    try:
        return record.decode().isprintable()
    except UnicodeDecodeError:
        return False
