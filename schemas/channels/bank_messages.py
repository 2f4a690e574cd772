"""Bank messages as received, kept forever on the topic `bank-messages`, even if they change nothing in the case."""

from pydantic import Field

from schemas.base import Fen, Model, Note, Ref, Text, When
from schemas.casework.cases import CaseId
from schemas.casework.inputs import BankFeedback, BankState
from schemas.casework.movements import MOST_STATED
from schemas.people.residents import ResidentId


class ReportedFeedback(BankFeedback):
    """A bank's feedback as intake writes it to outside-inputs, with what a worker stores elsewhere.

    `receipt`, `detail`: the bank's own number of its message, and its text, for the archive; `accounts`: by token, the
    account numbers of the movements.
    """

    receipt: Text | None = None
    detail: Note = ""
    accounts: dict[Text, Text] = Field(default_factory=dict, max_length=2 * MOST_STATED)


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
        """Return the name of the payer's bank, which is the source of the payment's signal: the part of `transfer`
        before the first ":".
        """
        return bank_of(self.transfer)


def bank_of(transfer: str) -> str:
    """Return the name of the payer's bank of a transfer: the part of its uid (`source:id`) before the first ":".
    Without a ":", return the complete text.
    """
    return transfer.partition(":")[0]
