"""Signals of ordinary life read without pydantic: in a 13th of the time, and only where there can be no doubt.

`Transfer`, `Call`, `Sms` and `App` have the fields of their namesakes in schemas/risk/signals.py, which stay what a
signal is; whoever is handed one instead sees no difference but its type, so they go by `kind`. Fields that a newer
version alone knows are passed over by both (base.ANY_VERSION). What is refused here, is not plain, or tells of a
suspect (a report, the watchlist) is read by pydantic, which has the last word and the words.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, cast

import msgspec
from pydantic import BaseModel

from schemas.base import EARLIEST, LATEST, MOST_FEN, NAME
from schemas.risk.signals import BATCH_LIMIT, LONGEST_CALL, AppKind, Channel, NumberClass, Signal, TransferState

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
_When = Annotated[datetime, msgspec.Meta(tz=True)]
_Fen = Annotated[int, msgspec.Meta(ge=0, le=MOST_FEN)]
_Seconds = Annotated[int, msgspec.Meta(ge=0, le=LONGEST_CALL)]

# Of a second: the seventh digit one rounds, and the other does not. Behind a point in an id it is none; that is looked
# at last, since a search for points is quick.
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
        return f"{self.source}:{self.id}"


class Transfer(_Signal, tag="transfer", frozen=True):
    """As signals.Transfer."""

    kind: ClassVar[Literal["transfer"]] = "transfer"
    payer: _Text
    payee: _Text
    amount_fen: _Fen
    channel: Channel
    state: TransferState
    balance_fen: _Fen | None = None
    new_payee: bool = False


class Call(_Signal, tag="call", frozen=True):
    """As signals.Call."""

    kind: ClassVar[Literal["call"]] = "call"
    caller: _Text
    called: _Text
    seconds: _Seconds
    ongoing: bool = False
    number_class: NumberClass = NumberClass.ORDINARY


class Sms(_Signal, tag="sms", frozen=True):
    """As signals.Sms."""

    kind: ClassVar[Literal["sms"]] = "sms"
    sender: _Text
    receiver: _Text
    number_class: NumberClass = NumberClass.ORDINARY


class App(_Signal, tag="app", frozen=True):
    """As signals.App."""

    kind: ClassVar[Literal["app"]] = "app"
    phone: _Text
    app_kind: AppKind
    target: _Text


_batch = msgspec.json.Decoder(
    Annotated[list[Transfer | Call | Sms | App], msgspec.Meta(min_length=1, max_length=BATCH_LIMIT)]
)
_KINDS: dict[str, type[_Signal]] = {"transfer": Transfer, "call": Call, "sms": Sms, "app": App}
_FIELDS = {kind: frozenset(("kind", *model.__struct_fields__)) for kind, model in _KINDS.items()}


def plain(record: bytes) -> list[Signal] | None:
    """A record's signals, if pydantic would accept it and give the same; none when there is any doubt."""
    if not _visible(record) or _FINE.search(record):
        return None
    try:
        signals = _batch.decode(record)
    except (msgspec.DecodeError, RecursionError):  # ValidationError is one; the other: nested too deep
        return None
    times = [each.at for each in signals] + [each.arrived for each in signals if each.arrived]
    plausible = min(times) >= EARLIEST and max(times) < LATEST
    if not plausible or not all(_token(source) for source in {each.source for each in signals}):
        return None
    return cast("list[Signal]", signals)


def taken(item: Mapping[str, Any]) -> Signal | None:
    """What a feed sent, with `arrived`, if pydantic would accept it and give the same; none when there is any doubt.

    A field that is not known is one; so is a time after its arrival, which intake sets right.
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
    """A record of the topic, as `plain` reads it."""
    return _encoder.encode(signals)


def _written(model: BaseModel) -> msgspec.Raw:
    return msgspec.Raw(model.model_dump_json().encode())


_encoder = msgspec.json.Encoder(enc_hook=_written)


def _visible(record: bytes) -> bool:
    """Whether all that is said in it can be seen (base.Text), and nothing is escaped."""
    if b"\\" in record:
        return False
    if record.isascii():
        return b"\x7f" not in record  # what else cannot be seen JSON does not allow
    try:
        return record.decode().isprintable()
    except UnicodeDecodeError:
        return False
