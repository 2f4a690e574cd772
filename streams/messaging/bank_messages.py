"""A bank's message is kept for good beside the input that is made of it, and written with it."""

from schemas.bank_messages import BankMessage
from schemas.inputs import BankFeedback
from schemas.receipts import BankReceipt
from streams.messaging.producer import Record
from streams.messaging.topics import BANK_MESSAGES


def record(receipt: BankReceipt, given: BankFeedback) -> Record:
    """The record of a receipt and of the input it became."""
    message = BankMessage(
        id=given.id,
        at=given.at,
        resident=given.resident,
        case=given.case,
        dispatch=given.dispatch,
        receipt=receipt.id,
        transfer=receipt.transfer,
        state=receipt.state,
        amount_fen=receipt.amount_fen,
        until=receipt.until,
        detail=receipt.detail,
    )
    return Record(BANK_MESSAGES.name, given.resident.encode(), message.model_dump_json().encode())
