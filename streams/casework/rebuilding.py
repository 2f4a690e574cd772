"""Rebuilds the cases of a store: first only each case's latest version, then all data derived from the cases.

A case has tens of versions, and most of the work for a version is its derived data: deadlines, ranks, sums. These
follow from the latest version alone. So while the journal is read, only that version is stored, as raw JSON. Then each
case is read once more, page by page. The store's sorted sets list the cases still to be done, so that a worker's memory
does not grow with the number of cases.
"""

from collections.abc import AsyncIterator, Sequence

from domain.ids import resident_of
from domain.payments import books, ledger
from domain.statistics import counts
from schemas.base import ANY_VERSION
from schemas.casework.cases import Case
from schemas.casework.journal import PartialCase, case_in, decode_case
from streams.casework.replay import CaseRead
from streams.state.case_store import CaseStore
from streams.state.keys import ALERTED, BOOKS, CASES, CLOSED, COUNTS, EARLIER, LEDGER, RECENT, RECENTLY, milliseconds
from streams.state.store_update import StoreUpdate

PAGE = 100  # cases per page


class LatestCases:
    """Decides what a rebuild stores of the cases (see CaseWriter in replay.py): only the latest version of each case,
    and the time of its change. `derived` writes the rest afterwards.
    """

    def read(self, value: bytes) -> PartialCase:
        """Return the fields of a stored case that a rebuild needs. Raises ValueError if the JSON is invalid."""
        return decode_case(value)

    def write(self, change: StoreUpdate, stored: bytes | None, events: Sequence[CaseRead]) -> None:
        """Add commands to `change` that store the last version of each case and the time of its change, keep each
        earlier case of the resident, and delete the resident's last alert if a case was settled. `stored`, `events`:
        see CaseWriter. Nothing derived from the cases is written. Raises ValueError if a JSON is invalid.
        """
        before = (self.read(stored), stored) if stored else None
        for case, value in {event.case.id: (event.case, value) for event, value in events}.values():
            if before is not None and before[0].id != case.id:
                change.earlier(before[0].id, before[0].updated_at, before[1])
            before = case, case_in(value)
            change.add("HSET", CASES, case.resident, before[1])
            change.add("ZADD", RECENT, milliseconds(case.updated_at), case.id)
        if any(event.case.settled for event, _ in events):
            change.add("HDEL", ALERTED, events[0][0].case.resident)


async def derived(store: CaseStore, partition: int, page: int = PAGE) -> AsyncIterator[StoreUpdate]:
    """Yield the updates that add the derived data (deadlines, ranks, sums) to a partition's store written by
    `LatestCases`. Write each update before the next is taken.

    `page`: number of cases per update. Errors of Redis pass through; raises ValidationError if a stored case is
    invalid.
    """
    async for change in _of_latest(store, partition, page):
        yield change
    async for change in _of_earlier(store, partition, page):
        yield change


async def _of_latest(store: CaseStore, partition: int, page: int) -> AsyncIterator[StoreUpdate]:
    """Yield updates for residents' latest cases, oldest first. Removes all but the last RECENTLY from the recent
    cases.
    """
    left = await store.ranked_count(RECENT, partition)
    seen = 0  # cases that are done and stay in the sorted set
    while names := await store.ranked(RECENT, partition, seen, page):
        change, found = StoreUpdate(), await store.raw_cases(partition, list({resident_of(name) for name in names}))
        for case in map(_whole, found.values()):
            if case.id in names:
                change.latest(None, case)
        leaving = min(len(names), max(0, left - RECENTLY))
        if leaving:
            change.add("ZREMRANGEBYRANK", RECENT, 0, leaving - 1)
        left, seen = left - leaving, seen + len(names) - leaving
        yield change


async def _of_earlier(store: CaseStore, partition: int, page: int) -> AsyncIterator[StoreUpdate]:
    start = 0
    while names := await store.ranked(CLOSED, partition, start, page):
        change = StoreUpdate()
        for case in map(_whole, await store.earlier(partition, names)):
            change.add("HSET", EARLIER, case.id, case.model_dump_json())
            change.sums(LEDGER, ledger.added(None, case))
            change.sums(BOOKS, books.changes(None, case))
            change.sums(COUNTS, counts.of_earlier(case))
        start += len(names)
        yield change


def _whole(value: bytes) -> Case:
    return Case.model_validate_json(value, extra=ANY_VERSION)
