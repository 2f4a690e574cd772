"""The books while the line is busy: the store's and the journal's are of one moment."""

import asyncio

from domain.ledger import fold
from streams.journal import events_applied
from tests.line.rig import Line
from tests.line.signals import call

CASES, LOOKS = 20, 10


async def test_the_journal_and_the_store_agree_to_the_fen_while_cases_are_opened(line: Line) -> None:
    house = line.house
    residents = [await line.resident() for _ in range(CASES)]
    opening = asyncio.create_task(line.signal(*(call(line, resident) for resident in residents)))
    seen = set()
    for _ in range(LOOKS):
        kept, stands = await house.line.store.ledgers(range(house.settings.partitions))
        await asyncio.sleep(0.05)  # the journal is read later, and has more by then
        events = [event for stand in stands.items() for event in await events_applied(house.settings, *stand)]
        computed = fold(events)._asdict()
        assert computed == {name: kept[name] for name in computed}
        seen.add(kept["cases"])
    await opening
    assert len(seen) > 1
