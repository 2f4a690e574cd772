"""Onward movements: where money went from a payee's account, as banks state. Accounts are tokens."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from schemas.base import Fen, Model, Token, When

MOST_STATED = 50  # movements in one answer of a bank
MOST_MOVEMENTS = 500  # statements that a case keeps
MOST_TRACED = 100  # accounts beyond the payees' about which a case has orders

Sequence = Annotated[int, Field(strict=True, ge=0, le=10**15)]
"""The number that the payer's bank gave a debit; its debits of one moment are in the order of their numbers."""


class MovementKind(StrEnum):
    """The way in which money left an account: transfer, cash, card terminal (POS), payment wallet, cryptocurrency, bank
    fee. After any kind but TRANSFER, no bank can stop the money any more.
    """

    TRANSFER = "transfer"
    CASH = "cash"
    POS = "pos"
    WALLET = "wallet"
    CRYPTO = "crypto"
    FEE = "fee"


class MovedMoney(Model):
    """Money that left an account. `at`: when it left; `executed`: False if the movement was refused or cancelled, so
    the money never left.

    The payer's bank and its `sequence` identify the movement, whichever bank states it.
    """

    kind: MovementKind
    amount_fen: Fen
    at: When
    sequence: Sequence
    executed: bool = True

    def check_payee(self, payee: Model | None) -> None:
        """Check that a transfer has a payee and a movement of any other kind has none. Raise ValueError otherwise."""
        if (self.kind is MovementKind.TRANSFER) is (payee is None):
            raise ValueError("a transfer has a payee, and no other movement does")


class MovedAccount(Model):
    """An account that money left or reached, as a token. `bank`: the code of its bank or payment institution."""

    bank: Token
    token: Annotated[str, Field(min_length=1, max_length=256)]


class OnwardMovement(MovedMoney):
    """A movement from the account `payer`, whose account numbers are replaced by tokens. `payee`: None unless it is a
    transfer.
    """

    payer: MovedAccount
    payee: MovedAccount | None = None

    @model_validator(mode="after")
    def _goes_somewhere(self) -> Self:
        self.check_payee(self.payee)
        return self


class StatedMovement(Model):
    """A movement as one bank stated it. `by`: the bank, None if its answer does not name it; `told_at`: when that bank
    stated the movement last.
    """

    by: Token | None = None
    told_at: When
    movement: OnwardMovement
