"""How an input of a case is written: keyed by its resident, on the resident's partition."""

from schemas.inputs import ResidentInput
from streams.producer import Record
from streams.topics import CASE_INPUTS


def record(given: ResidentInput, partition: int) -> Record:
    """The record of an input; `partition`: its resident's (topics.home)."""
    value = given.model_dump_json().encode()
    return Record(CASE_INPUTS.name, given.resident.encode(), value, partition)
