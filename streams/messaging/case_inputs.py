"""How an input of a case is written to its resident's partition, and a bank's message beside it."""

from collections.abc import Iterable

from schemas.casework.inputs import BankFeedback, HoldChange, PolicyChange, ResidentInput
from schemas.channels.bank_messages import BankMessage
from schemas.channels.receipts import BankReceipt
from streams.messaging.producer import Record
from streams.messaging.topics import BANK_MESSAGES, CASE_INPUTS
from streams.runtime.tracing import Trace


def record(given: ResidentInput, partition: int, trace: Trace | None = None) -> Record:
    """The record of an input; `partition`: its resident's (topics.home)."""
    value = given.model_dump_json().encode()
    return Record(CASE_INPUTS.name, given.resident.encode(), value, partition, trace)


def to_all(change: PolicyChange | HoldChange, partitions: Iterable[int]) -> list[Record]:
    """The records of a change of the rules: in each partition they change at one place in its order."""
    value = change.model_dump_json().encode()
    return [Record(CASE_INPUTS.name, b"rules", value, partition) for partition in partitions]


def bank_record(receipt: BankReceipt, given: BankFeedback) -> Record:
    """The record of a bank's message: its receipt, and the input that was made of it. It is kept for good."""
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
