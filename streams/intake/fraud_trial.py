"""A trial of a file of reported frauds: shows how its first rows would be read. Writes nothing and needs no server."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from domain.feeds.fraud_mapping import FraudMapping
from domain.feeds.source_rights import SourceRights
from domain.identity import masking
from domain.identity.id_keys import IdKeys
from schemas.risk.reported_frauds import ReportedFraud
from streams.intake.fraud_files import read_fraud_rows
from streams.intake.reported_frauds import examine_frauds
from streams.intake.row_files import FileRefusedError
from streams.intake.trial import ROWS


@dataclass(frozen=True, slots=True)
class TriedFraud:
    """The result of reading one row of a file, line `line`. `record`: None if the row would become a dead letter for
    the reason `why`.
    """

    line: int
    record: ReportedFraud | None
    why: str = ""


def try_frauds(path: Path, by: str | FraudMapping, now: datetime, rights: SourceRights) -> list[TriedFraud]:
    """Return how the first ten rows of a file would be read, in order. `by`: its mapping, or the source of a file with
    our columns. Sends and stores nothing.

    Raises FileRefusedError or WorkbookError if the file cannot be read, or no row was found.
    """
    keys = IdKeys(secrets.token_bytes(32))  # the hash is only shown to exist
    tried = []
    for row in islice(read_fraud_rows(path, by).rows, ROWS):
        found = examine_frauds([row.item], now, rights, keys)
        if found.records:
            tried.append(TriedFraud(row.line, found.records[0]))
        else:
            tried.append(TriedFraud(row.line, None, found.faults[0].why))
    if not tried:
        raise FileRefusedError(f"{path}: no row was found in it")
    return tried


def without_victim(record: ReportedFraud) -> ReportedFraud:
    """Return a copy of the record with masked name, telephone, accounts and id: an id may contain one of them."""
    return record.model_copy(
        update={
            "id": masking.account(record.id),
            "name": masking.name(record.name) if record.name else None,
            "phone": masking.phone(record.phone) if record.phone else None,
            "accounts": [masking.account(account) for account in record.accounts],
        }
    )
