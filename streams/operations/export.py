"""Exports cases, contacts and the money ledger from the journal to a Parquet or CSV file.

The journal is read one partition after the other, because all entries about a resident are in one: memory has the cases
of one partition only. Rows are written in batches.
"""

import types
import typing
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from pyarrow import csv, parquet

from domain.statistics.export import (
    CaseRow,
    ContactRow,
    ExperimentRow,
    LedgerRow,
    Pseudonym,
    case_row,
    contact_rows,
    experiment_rows,
    ledger_rows,
    opened_within,
)
from schemas.casework.cases import Case
from schemas.casework.events import CaseEvent
from streams.casework.journal import read_entry
from streams.messaging import topics
from streams.messaging.reader import read_on
from streams.runtime.files import whole_file
from streams.runtime.settings import Settings

BATCH = 10_000  # rows in a row group


class Kind(StrEnum):
    """The kinds of rows that can be exported: one for each case (CASES), contact result (CONTACTS), entry of money
    saved, frozen or lost (LEDGER), or assignment to an arm of an experiment (EXPERIMENTS).
    """

    CASES = "cases"
    CONTACTS = "contacts"
    LEDGER = "ledger"
    EXPERIMENTS = "experiments"


class Format(StrEnum):
    """A file format: Parquet or CSV."""

    PARQUET = "parquet"
    CSV = "csv"


class Span(NamedTuple):
    """A period: from `since` (inclusive) to `until` (exclusive).

    It applies to the time of a contact's result for CONTACTS, and to the opening of a case for all other kinds.
    """

    since: datetime
    until: datetime


@dataclass(slots=True)
class _Told:
    """The latest cases and the known event ids of a partition's journal."""

    cases: dict[str, Case]
    events: set[str]

    def take(self, event: CaseEvent) -> bool:
        """Add an event. Return False if it was seen before."""
        known = self.cases.get(event.case.id)
        if known is None or event.case.version > known.version:
            self.cases[event.case.id] = event.case
        news = event.id not in self.events
        self.events.add(event.id)
        return news


_ROWS: dict[Kind, type] = {
    Kind.CASES: CaseRow,
    Kind.CONTACTS: ContactRow,
    Kind.LEDGER: LedgerRow,
    Kind.EXPERIMENTS: ExperimentRow,
}
_ARROW: dict[type, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    datetime: pa.timestamp("ms", tz="UTC"),
}


def schema(kind: Kind) -> pa.Schema:
    """Return the Arrow schema of a kind's rows, from the fields of its row class."""
    return pa.schema([_field(name, hint) for name, hint in typing.get_type_hints(_ROWS[kind]).items()])


async def export(settings: Settings, kind: Kind, span: Span, name: Pseudonym, file: Path, form: Format) -> int:
    """Write the rows of a kind in a period to a new file readable only by its owner, and return the number of rows.
    Reads the whole journal.

    `name`: replaces ids by pseudonyms; `form`: the file format. Times are UTC, money is in fen. Raises FileExistsError
    if the file exists, OSError if it cannot be written, and KafkaError if Kafka is unavailable. Errors of the vault
    (CodecError) pass through. After an error, no file is left.
    """
    columns, written = schema(kind), 0
    with whole_file(file) as out, _writer(form, out, columns) as write:
        async for batch in _batches(_rows(settings, kind, span, name)):
            write.write_batch(_as_arrow(batch, columns))
            written += len(batch)
    return written


async def _rows(settings: Settings, kind: Kind, span: Span, name: Pseudonym) -> AsyncIterator[NamedTuple]:
    for partition in range(settings.partitions):
        told = _Told({}, set())
        async for record in read_on(settings, topics.CASE_EVENTS.name, partition, 0):
            entry = read_entry(record.offset, record.value or b"")
            if not isinstance(entry, CaseEvent):
                continue
            if told.take(entry) and kind is Kind.CONTACTS and span.since <= entry.at < span.until:
                for contact in contact_rows(entry, name):
                    yield contact
        for row in _of_cases(kind, opened_within(told.cases.values(), *span), name):
            yield row


def _of_cases(kind: Kind, cases: Iterable[Case], name: Pseudonym) -> Iterator[NamedTuple]:
    for case in cases:
        if kind is Kind.CASES:
            yield case_row(case, name)
        elif kind is Kind.LEDGER:
            yield from ledger_rows(case, name)
        elif kind is Kind.EXPERIMENTS:
            yield from experiment_rows(case, name)


async def _batches(rows: AsyncIterator[NamedTuple]) -> AsyncIterator[list[NamedTuple]]:
    batch: list[NamedTuple] = []
    async for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _writer(form: Format, out: typing.IO[bytes], columns: pa.Schema) -> parquet.ParquetWriter | csv.CSVWriter:
    return parquet.ParquetWriter(out, columns) if form is Format.PARQUET else csv.CSVWriter(out, columns)


def _as_arrow(rows: Sequence[NamedTuple], columns: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([row._asdict() for row in rows], columns)


def _field(name: str, hint: object) -> pa.Field:
    optional = isinstance(hint, types.UnionType)
    (base,) = (each for each in (typing.get_args(hint) if optional else (hint,)) if each is not types.NoneType)
    return pa.field(name, _ARROW[base], nullable=optional)
