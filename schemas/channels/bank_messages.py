"""A bank's message as it came, kept for good on the topic `bank-messages`: what a case makes of it may be nothing."""

from schemas.base import Fen, Model, Note, Ref, Text, When
from schemas.casework.cases import CaseId
from schemas.casework.inputs import BankState
from schemas.people.residents import ResidentId


class BankMessage(Model):
    """`id`: the input's that was made of it, so that one told twice counts once; `receipt`: the bank's own number."""

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
        """The payer's bank: the source of the signal that told of the payment, which its uid begins with."""
        return bank_of(self.transfer)


def bank_of(transfer: str) -> str:
    """The bank of a transfer: a signal's uid is `source:id`, and a transfer's source is the payer's bank."""
    return transfer.partition(":")[0]
