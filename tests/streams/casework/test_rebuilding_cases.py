"""A store that is built anew in pieces is the store that the commits wrote, whatever the pieces."""

import json
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from domain.ids import result_id
from schemas.casework.events import CaseEvent
from schemas.casework.journal import decode
from schemas.levels import Result
from streams.casework.journal import Read
from streams.casework.rebuilding import LatestCases, derived
from streams.casework.replay import Replay, residents
from streams.runtime.settings import Settings
from streams.state.case_store import CaseStore
from streams.state.keys import NAMES, RECENTLY, key
from streams.state.store_update import StoreUpdate
from tests.domain.builders import RESIDENT
from tests.tools.field.faults.recovery import whole_story

WHOLE, IN_PIECES, DATABASE = 0, 1, 8
PEOPLE = RECENTLY + 5  # more than the list of recent cases holds
OF_CASES = {"cases", "earlier"}


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[CaseStore]:
    """The store of an empty Redis of this file's own."""
    async with Redis.from_url(f"{str(settings.redis).rsplit('/', 1)[0]}/{DATABASE}", protocol=3) as client:
        await client.flushdb()
        yield CaseStore(client)


def told_of(story: Sequence[CaseEvent], person: int, number: int) -> list[CaseEvent]:
    """The same story of another resident, each of another minute, as the resident's case of this number."""
    resident = f"r{'a' * 14}{chr(ord('a') + person // 26)}{chr(ord('a') + person % 26)}"
    later, events = timedelta(days=100 * number, minutes=person), []
    for event in story:
        about = {"id": f"{resident}-{number}", "resident": resident, "number": number}
        case = event.case.model_copy(update={**about, "updated_at": event.case.updated_at + later})
        events.append(event.model_copy(update={"case": case, "input": event.input.replace(RESIDENT, resident)}))
    return events


def journal() -> list[Read]:
    """Of many residents by turns; the first of them has a second case, which is still open."""
    story = whole_story()
    people = [told_of(story[: len(story) - person % 7], person, 1) for person in range(PEOPLE)]
    by_turns = [each[place] for place in range(len(story)) for each in people if place < len(each)]
    values = [event.model_dump_json().encode() for event in [*by_turns, *told_of(story[:9], 0, 2)]]
    return [(decode(value), value) for value in values]


async def write(store: CaseStore, partition: int, change: StoreUpdate) -> None:
    assert await store.commit(partition, None, None, change)


async def write_whole(store: CaseStore, entries: Sequence[Read]) -> None:
    """As the commits did it: each entry's change leaves the store whole."""
    replay = Replay(entries[0][0].at)
    for entry in entries:
        await write(store, WHOLE, replay.change([entry], await store.raw_cases(WHOLE, residents([entry]))))


async def write_in_pieces(store: CaseStore, entries: Sequence[Read], size: int, page: int) -> None:
    replay = Replay(entries[0][0].at, LatestCases())
    for start in range(0, len(entries), size):
        piece = entries[start : start + size]
        await write(store, IN_PIECES, replay.change(piece, await store.raw_cases(IN_PIECES, residents(piece))))
    async for change in derived(store, IN_PIECES, page):
        await write(store, IN_PIECES, change)


async def content(redis: Any, partition: int) -> dict[str, Any]:  # noqa: ANN401 - as redis-py has it
    """All keys of a partition. Of a case what its JSON means: sets have no order."""
    found: dict[str, Any] = {}
    for name in NAMES:
        kind = (await redis.type(place := key(name, partition))).decode()
        if kind == "hash":
            found[name] = {field: value for field, value in (await redis.hgetall(place)).items() if value != b"0"}
        elif kind == "set":
            found[name] = await redis.smembers(place)
        elif kind == "zset":
            found[name] = dict(await redis.zrange(place, 0, -1, withscores=True))
    for each in OF_CASES & found.keys():
        found[each] = {field: json.loads(value) for field, value in found[each].items()}
    return found


def possibly_sent(events: Sequence[CaseEvent]) -> set[str]:
    """What a store built from these entries marks as possibly sent."""
    replay = Replay(events[0].at)
    replay.change([(decode(value), value) for value in (event.model_dump_json().encode() for event in events)], {})
    return {str(name) for change in replay.possibly_sent() for _, _, names in change.commands for name in names}


def test_a_receipt_does_not_show_that_the_channel_is_done_with_a_dispatch() -> None:
    """A provider delivered a message and its receipt was applied, while the worker that sent it froze before it
    reported anything; the store was lost, and the next worker reported the dispatch as not sent.
    """
    alert, receipt, *_ = whole_story()
    (dispatch,) = alert.dispatches
    assert receipt.input == result_id(dispatch.id, Result.DELIVERED)
    assert dispatch.id in possibly_sent([alert, receipt])
    reported = receipt.model_copy(update={"input": result_id(dispatch.id, Result.SENT)})
    assert dispatch.id not in possibly_sent([alert, receipt, reported])


@pytest.mark.parametrize(("size", "page"), [(1, 3), (50, 7), (5_000, 100)])
async def test_a_store_built_in_pieces_is_the_one_that_the_commits_wrote(
    store: CaseStore, size: int, page: int
) -> None:
    entries = journal()
    await write_whole(store, entries)
    await write_in_pieces(store, entries, size, page)
    whole, pieces = await content(store.redis, WHOLE), await content(store.redis, IN_PIECES)
    assert whole.keys() >= {"cases", "earlier", "deadlines", "ledger", "books", "counts", "recent", "settled", "closed"}
    assert len(whole["recent"]) == RECENTLY
    assert {name: pieces.get(name) for name in whole} == whole
