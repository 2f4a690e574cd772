"""How an input of a case is written: keyed by its resident, on the resident's partition; one on the rules to all."""

from collections.abc import Iterable

from schemas.inputs import HoldChange, PolicyChange, ResidentInput
from streams.messaging.producer import Record
from streams.messaging.topics import CASE_INPUTS
from streams.runtime.tracing import Trace


def record(given: ResidentInput, partition: int, trace: Trace | None = None) -> Record:
    """The record of an input; `partition`: its resident's (topics.home)."""
    value = given.model_dump_json().encode()
    return Record(CASE_INPUTS.name, given.resident.encode(), value, partition, trace)


def to_all(change: PolicyChange | HoldChange, partitions: Iterable[int]) -> list[Record]:
    """The records of a change of the rules: in each partition they change at one place in its order."""
    value = change.model_dump_json().encode()
    return [Record(CASE_INPUTS.name, b"rules", value, partition) for partition in partitions]
