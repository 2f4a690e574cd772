"""The books while the line is busy: the store's and the journal's are of one moment."""

import asyncio
from collections import Counter

from domain.payments import books
from domain.payments.ledger import fold
from streams.casework.journal import events_applied
from tests.end_to_end.harness.house import House
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call

CASES = 20


async def test_the_journal_and_the_store_agree_to_the_fen_while_cases_are_opened(line: Line) -> None:
    residents = [await line.resident() for _ in range(CASES)]
    before = (await _agreed(line.house))["cases"]
    opening = asyncio.create_task(line.signal(*(call(line, resident) for resident in residents)))
    while (await _agreed(line.house))["cases"] < before + CASES:
        assert not opening.done() or opening.exception() is None
    await opening


async def _agreed(house: House) -> Counter[str]:
    """The store's books, after a look whether the journal has the same."""
    kept = await house.line.store.ledgers(range(house.settings.partitions))
    await asyncio.sleep(0.05)  # the journal is read later, and has more by then
    events = [event for stand in kept.stands.items() for event in await events_applied(house.settings, *stand)]
    computed = fold(events)._asdict()
    assert computed == {name: kept.totals[name] for name in computed}
    assert books.fold_books(events) == {name: amount for name, amount in kept.books.items() if amount}
    return kept.totals
