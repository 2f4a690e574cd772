"""Builds the Kafka records of case inputs, and of the bank messages and account numbers that came with them."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from schemas.casework.inputs import HoldChange, PolicyChange, ResidentInput
from schemas.channels.bank_messages import BankMessage, ReportedFeedback
from streams.messaging.producer import Record
from streams.messaging.topics import ACCOUNTS, BANK_MESSAGES, CASE_INPUTS, OUTSIDE_INPUTS
from streams.runtime.tracing import Trace


def record(given: ResidentInput, partition: int, trace: Trace | None = None) -> Record:
    """Return the Kafka record of a case input.

    `partition`: the partition of its resident (topics.home). `trace`: None: the current span's.
    """
    value = given.model_dump_json().encode()
    return Record(CASE_INPUTS.name, given.resident.encode(), value, partition, trace)


def outside_record(given: ResidentInput, partition: int) -> Record:
    """Return the Kafka record of a case input that a party outside reports, for outside-inputs.

    `partition`: the partition of its resident (topics.home).
    """
    return replace(record(given, partition), topic=OUTSIDE_INPUTS.name)


def to_all(change: PolicyChange | HoldChange, partitions: Iterable[int]) -> list[Record]:
    """Return the Kafka records of a policy or hold change, one for each of the partitions.

    In each partition, the change takes effect at its place in the order of inputs.
    """
    value = change.model_dump_json().encode()
    return [Record(CASE_INPUTS.name, b"rules", value, partition) for partition in partitions]


def account_records(accounts: Mapping[str, str]) -> list[Record]:
    """Return the Kafka records, for the topic accounts, of account numbers. `accounts`: account numbers by their
    tokens.
    """
    return [Record(ACCOUNTS.name, token.encode(), account.encode()) for token, account in accounts.items()]


def bank_record(given: ReportedFeedback, receipt: str) -> Record:
    """Return the Kafka record, for the topic bank-messages, that archives a bank's message without a time limit.

    `receipt`: the bank's own number of the message.
    """
    message = BankMessage(
        id=given.id,
        at=given.at,
        resident=given.resident,
        case=given.case,
        dispatch=given.dispatch,
        receipt=receipt,
        transfer=given.transfer,
        state=given.state,
        amount_fen=given.amount_fen,
        until=given.until,
        detail=given.detail,
    )
    return Record(BANK_MESSAGES.name, given.resident.encode(), message.model_dump_json().encode())
