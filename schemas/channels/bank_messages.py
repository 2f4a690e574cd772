"""Bank messages as received, kept forever on the topic `bank-messages`, even if they change nothing in the case."""

from schemas.base import Fen, Model, Note, Ref, Text, When
from schemas.casework.cases import CaseId
from schemas.casework.inputs import BankState
from schemas.people.residents import ResidentId


class BankMessage(Model):
    """A bank's message about a stop-payment.

    `id`: the id of the case input made from the message, so that a repeated message counts once; `receipt`: the bank's
    own number of the message.
    """

    id: Ref
    at: When
    resident: ResidentId
    case: CaseId
    dispatch: Ref
    receipt: Text
    transfer: Text
    state: BankState
    amount_fen: Fen = 0
    until: When | None = None
    detail: Note = ""

    @property
    def bank(self) -> str:
        """The payer's bank: the source of the payment's signal, which is the part of `transfer` before ":"."""
        return bank_of(self.transfer)


def bank_of(transfer: str) -> str:
    """Return the payer's bank of a transfer: the part of the signal's uid `source:id` before ":"."""
    return transfer.partition(":")[0]
