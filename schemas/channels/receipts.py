"""Receipts that providers send later, by webhook. `id` is the provider's; the same receipt may come twice."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.base import Fen, Model, Note, Text, When
from schemas.casework.inputs import BankState, Checklist, OutcomeAct, VisitStage
from schemas.people.residents import DivisionCode


class _Receipt(Model):
    id: Annotated[Text, Field(max_length=100)]
    dispatch: Annotated[str, Field(min_length=1, max_length=120)]
    detail: Note = ""


class SmsState(StrEnum):
    """Whether the handset has received it."""

    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"


class SmsReceipt(_Receipt):
    """A carrier's report on a text message."""

    result: SmsState


class CallState(StrEnum):
    """How a call ended. With `answered`, the receipt has the key that was pressed, if any."""

    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    VOICEMAIL = "voicemail"
    WRONG_NUMBER = "wrong_number"
    OUT_OF_AREA = "out_of_area"
    FAILED = "failed"


class VoiceReceipt(_Receipt):
    """A carrier's report on an automated call."""

    result: CallState
    key: Annotated[str, Field(pattern=r"^[0-9*#]$")] | None = None


class BankReceipt(_Receipt):
    """A bank's report on a stop-payment. `until`: when the stop ends."""

    transfer: Text
    state: BankState
    amount_fen: Fen = 0
    until: When | None = None


class StationReceipt(_Receipt):
    """An officer's report on the way and at the door."""

    officer: Text
    stage: VisitStage
    place: DivisionCode | None = None
    checklist: Checklist | None = None
    outcome: OutcomeAct | None = None
