"""The places where residents may be looked for, and the lists of places of the searches that go on or ended lately."""

from collections.abc import Sequence
from functools import lru_cache

from schemas.base import ANY_VERSION
from schemas.people.places import PublicPlace, SearchList
from streams.messaging.topics import PLACES, SEARCHES
from streams.state.compacted_table import CompactedTable, Place


@lru_cache(maxsize=65_536)
def _read(raw: bytes) -> PublicPlace:
    """Return the stored place. Cached: a form reads them all (at most MOST_ROWS of domain/visits/place_file), and they
    change a few times a year.
    """
    return PublicPlace.model_validate_json(raw, extra=ANY_VERSION)


class PublicPlaces(CompactedTable[PublicPlace]):
    """The installation's places, by id: bank branches, hotels, internet cafés. They identify nobody."""

    place = Place(PLACES, PublicPlace)

    def parse(self, raw: bytes) -> PublicPlace:
        """Return the place parsed from its JSON. Raises ValueError if it is invalid."""
        return _read(raw)

    async def replace(self, places: Sequence[PublicPlace]) -> tuple[int, int]:
        """Make the table have exactly these places, on the topic and in Redis. Returns a pair: how many were written
        and how many were deleted.

        Unchanged places are not written. After an interruption, the same call completes it. Raises TimeoutError if a
        record takes over 8 s, for example because Kafka is unavailable, SendError if Kafka refuses the record, and
        RedisError if Redis is unavailable.
        """
        known = {each.id: each for each in await self.all()}
        changed = [each for each in places if known.get(each.id) != each]
        for each in changed:
            await self.write(each)
        gone = sorted(known.keys() - {each.id for each in places})
        for name in gone:
            await self.drop(name)
        return len(changed), len(gone)


class SearchLists(CompactedTable[SearchList]):
    """The places of each search, by the search's id. Where a resident may be is nowhere else: `drop` erases it."""

    place = Place(SEARCHES, SearchList)
