"""Bank messages as received, kept for good on the topic `bank-messages`, even if they change nothing in the case."""

from schemas.base import Fen, Model, Note, Ref, Text, When
from schemas.casework.cases import CaseId
from schemas.casework.inputs import BankState
from schemas.people.residents import ResidentId


class BankMessage(Model):
    """A bank's message.

    `id`: of the case input made from it, so that a repetition counts once; `receipt`: the bank's own number.
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
        """The payer's bank: the source of the payment's signal, with which its uid begins."""
        return bank_of(self.transfer)


def bank_of(transfer: str) -> str:
    """Return the payer's bank of a transfer, which is the source in the signal's uid `source:id`."""
    return transfer.partition(":")[0]
