"""What screening keeps for all partitions: the watchlist, the accounts behind tokens, the evidence.

Each lies on a compacted topic, written there by `records` (the evidence by evidence_log.py), and is put back from it.
"""

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial

from domain.identity.identifiers import normal_account
from domain.policy.risk import RiskRules
from schemas.base import ANY_VERSION
from schemas.risk.evidence import WatchEntry
from streams.messaging.dead_letter_writer import readable
from streams.messaging.producer import Record
from streams.messaging.reader import Read, Tails, read_all
from streams.messaging.topics import ACCOUNTS, WATCHLIST
from streams.runtime.settings import Settings
from streams.screening import evidence_log
from streams.screening.store import EvidenceStore

log = logging.getLogger(__name__)

CHUNK = 500


def records(accounts: Mapping[str, str], watched: Iterable[WatchEntry]) -> list[Record]:
    """Return the records of accounts, by token, and of entries of the watchlist."""
    return [
        *(Record(ACCOUNTS.name, token.encode(), account.encode()) for token, account in accounts.items()),
        *(Record(WATCHLIST.name, entry.subject.encode(), entry.model_dump_json().encode()) for entry in watched),
    ]


async def restore(
    settings: Settings, store: EvidenceStore, rules: RiskRules, now: datetime, since: Tails | None
) -> None:
    """Read all of it from its topics into Redis; newer stays. `since`: only what lies behind there."""
    entries = [
        entry
        async for record in read_all(settings, WATCHLIST.name, since)
        if record.value and (entry := readable(WATCHLIST.name, record.offset, partial(_watched, record.value)))
    ]
    for start in range(0, len(entries), CHUNK):
        await store.enter(entries[start : start + CHUNK], rules)
    found = [
        account
        async for record in read_all(settings, ACCOUNTS.name, since)
        if (account := readable(ACCOUNTS.name, record.offset, partial(_account, record)))
    ]
    await store.keep_accounts(dict(found))
    count = await evidence_log.restore(settings, store, rules, now, since)
    log.info("%d records of evidence were put back", count)


def _watched(value: bytes) -> WatchEntry:
    return WatchEntry.model_validate_json(value, extra=ANY_VERSION)


def _account(record: Read) -> tuple[str, str | None]:
    """A token and its account; none once it was forgotten. Raises ValueError when it is no account."""
    return (record.key or b"").decode(), normal_account(record.value.decode()) if record.value else None
