"""Receipts that providers send later, by webhook. `id` is given by the provider; one receipt may arrive twice."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from schemas.base import Fen, Model, Note, Text, Token, When
from schemas.casework.acts import OutcomeAct
from schemas.casework.inputs import TOLD_BY_SYSTEM, BankState, Checklist, VisitStage
from schemas.casework.movements import MOST_STATED, MovedMoney
from schemas.casework.own_account import OwnHoldAnswerState
from schemas.people.residents import DivisionCode


class _Receipt(Model):
    id: Annotated[Text, Field(max_length=100)]
    dispatch: Annotated[str, Field(min_length=1, max_length=120)]
    detail: Note = ""


class SmsState(StrEnum):
    """The result of a text message: the handset received it, or did not."""

    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"


class SmsReceipt(_Receipt):
    """A carrier's report on a text message."""

    result: SmsState


class SmsReply(Model):
    """A telephone's reply to a text message. `id`: the provider's own id of the reply; `dispatch`: the id of the latest
    message that went to the telephone; `text`: the words of the reply.
    """

    id: Annotated[Text, Field(max_length=100)]
    dispatch: Annotated[str, Field(min_length=1, max_length=120)]
    text: Note = ""


class CallState(StrEnum):
    """The ways in which an automated call ends. With `answered`, the receipt's `key` is the pressed key, or None."""

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


class AccountNumber(Model):
    """An account by its number. `bank`: the code of its bank or payment institution."""

    bank: Token
    account: Text


class MovementReceipt(MovedMoney):
    """A movement of money out of the payee's account, or out of an account that this money reached later. `payee`: None
    unless the movement is a transfer.
    """

    payer: AccountNumber
    payee: AccountNumber | None = None

    @model_validator(mode="after")
    def _goes_somewhere(self) -> Self:
        self.check_payee(self.payee)
        return self


class BankReceipt(_Receipt):
    """A bank's report on a stop-payment. `transfer`: the payment's uid. `until`: when the stop ends, or when the freeze
    ended (UNFROZEN). `bank`: the code of the answering bank.

    `amount_fen`: the part of the payment that was still in the account (IN_FORCE), frozen, returned, cancelled or freed
    from its freeze (UNFROZEN; 0: all of it); not 0 if the money was returned. `movements`: the movements by which money
    left the account.
    """

    transfer: Text
    state: BankState
    amount_fen: Fen = 0
    until: When | None = None
    bank: Token | None = None
    movements: list[MovementReceipt] = Field(default_factory=list, max_length=MOST_STATED)

    @model_validator(mode="after")
    def _returns_something(self) -> Self:
        if self.state is BankState.RETURNED and self.amount_fen == 0:
            raise ValueError("returned needs amount_fen: write how much came back")
        return self


class OwnHoldReceipt(_Receipt):
    """A bank's answer to an order about its customer's own account. `bank`: the code of the bank that answers.

    `until`: when the bank ends the hold, if sooner than ordered, or None.
    """

    state: OwnHoldAnswerState
    until: When | None = None
    bank: Token | None = None


class StationReceipt(_Receipt):
    """An officer's report on a visit, which the station's gateway sends. `officer`: the id on the roster; `stage`: how
    far the visit is; `place`: the division where the officer is, never a position; `checklist`, `outcome`: of a visit
    that was made, else None.
    """

    officer: Text
    stage: VisitStage
    place: DivisionCode | None = None
    checklist: Checklist | None = None
    outcome: OutcomeAct | None = None

    @model_validator(mode="after")
    def _told_by_an_officer(self) -> Self:
        if self.stage in TOLD_BY_SYSTEM:
            raise ValueError(f"{self.stage.value} is not a stage that an officer reports")
        return self
