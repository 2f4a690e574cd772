"""The keys of the copies that a legal hold keeps."""

from collections.abc import AsyncIterator, Sequence

from streams.messaging.topics import EVIDENCE, Topic
from streams.operations.preservation import keyed_copies
from streams.operations.subject_access import Found
from tests.domain.builders import RESIDENT


async def keys(*written: int) -> Sequence[bytes]:
    """The keys of copies of records at the same place of a topic, written at these times."""

    async def found() -> AsyncIterator[tuple[Topic, str, Found]]:
        for written_ms in written:
            yield EVIDENCE, RESIDENT, {"partition": 1, "offset": 7, "written_ms": written_ms, "is": {}}

    return [key async for key, _ in keyed_copies(found())]


async def test_a_record_that_gets_the_place_of_another_after_a_growth_is_copied_too() -> None:
    assert (await keys(1_000))[0] not in await keys(2_000)


async def test_a_record_that_is_read_again_has_the_same_key_and_its_parts_have_different_ones() -> None:
    assert await keys(1_000, 1_000) == await keys(1_000, 1_000)
    assert len(set(await keys(1_000, 1_000))) == 2
