"""Makes the Kafka records of case inputs, and of the bank messages behind them."""

from collections.abc import Iterable

from schemas.casework.inputs import BankFeedback, HoldChange, PolicyChange, ResidentInput
from schemas.channels.bank_messages import BankMessage
from schemas.channels.receipts import BankReceipt
from streams.messaging.producer import Record
from streams.messaging.topics import BANK_MESSAGES, CASE_INPUTS
from streams.runtime.tracing import Trace


def record(given: ResidentInput, partition: int, trace: Trace | None = None) -> Record:
    """Return the record of a case input. `partition`: the one of its resident (topics.home)."""
    value = given.model_dump_json().encode()
    return Record(CASE_INPUTS.name, given.resident.encode(), value, partition, trace)


def to_all(change: PolicyChange | HoldChange, partitions: Iterable[int]) -> list[Record]:
    """Return the records of a policy or hold change, one for each partition.

    In each partition, the change takes effect at one place in the order of inputs.
    """
    value = change.model_dump_json().encode()
    return [Record(CASE_INPUTS.name, b"rules", value, partition) for partition in partitions]


def bank_record(receipt: BankReceipt, given: BankFeedback) -> Record:
    """Return the record that keeps a bank's message for good: its receipt, and the id and case of the input made of
    it.
    """
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
