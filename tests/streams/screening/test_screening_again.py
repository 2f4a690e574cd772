"""A dead letter sent again: in the books it moves from the dead-lettered to what it became, and does so once."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from schemas.risk.signals import SentAgain
from streams.monitoring.report import conserved
from tests.streams.messaging.first_offsets import partitions_asked
from tests.streams.screening.screening_line import Line, call, running, sms, watch

LETTER = "signals/0/0/0"
BROKEN = b'[{"source": "carrier", "kind": "call", "id": "c1"}]'


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    async with running(tmp_path) as line:
        yield line


def again(letter: str = LETTER, tallied: str | None = "carrier", uid: str = "c1") -> bytes:
    return SentAgain(letter=letter, tallied=tallied, signals=[call(uid=uid)]).model_dump_json().encode()


async def test_what_is_sent_again_moves_from_the_dead_lettered_to_its_outcome(line: Line) -> None:
    await line.screen(BROKEN)
    assert conserved({"carrier": 1}, await line.screening.state.tallies())
    await line.screen(again())
    tallies = await line.screening.state.tallies()
    assert tallies == {"carrier": {"dead_lettered": 0, "raised": 1}}
    assert conserved({"carrier": 1}, tallies)
    assert await line.levels() == ["blue"]


async def test_a_letter_whose_source_could_not_be_read_moves_to_the_source_it_has(line: Line) -> None:
    await line.screen(b"[{]", again("signals/0/0", "unknown"))
    assert conserved({"carrier": 1}, await line.screening.state.tallies())


async def test_a_row_of_a_file_counts_as_accepted_when_it_is_sent_again(line: Line) -> None:
    await line.screen(again("0123456789abcdef/3", None))
    assert await line.screening.state.tallies() == {"carrier": {"raised": 1}}


@pytest.mark.parametrize("second", [again(), again(uid="c2")], ids=["the same bytes", "mended otherwise"])
async def test_a_letter_sent_again_twice_counts_once_in_one_batch_or_in_two(line: Line, second: bytes) -> None:
    await line.screen(BROKEN, again(), second)
    await line.screen(second)
    assert await line.screening.state.tallies() == {"carrier": {"dead_lettered": 0, "raised": 1}}
    assert len(await line.evidence()) == 1


async def test_after_the_store_was_lost_the_books_are_the_same(line: Line) -> None:
    await line.screen(BROKEN, again(), again())
    before = await line.screening.state.tallies()
    await line.lose()
    await line.screen_owed()
    assert await line.screening.state.tallies() == before


async def test_a_lane_that_is_screened_again_asks_kafka_only_where_it_begins_itself(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    await line.screen(BROKEN, again())
    asked = partitions_asked(monkeypatch)
    await line.lose()
    await line.screen_owed()
    assert asked["signals"] == {1}


async def test_what_is_refused_once_more_stays_dead_lettered_as_another_letter(line: Line) -> None:
    refused = SentAgain(letter=LETTER, tallied="carrier", signals=[watch(value="?"), sms()])
    await line.screen(BROKEN, refused.model_dump_json().encode())
    assert await line.screening.state.tallies() == {
        "carrier": {"dead_lettered": 0, "raised": 1},
        "police": {"dead_lettered": 1},
    }
    assert [letter["id"] for letter in await line.dead_letters()] == [LETTER, "signals/0/1/0"]


async def test_a_record_that_only_says_it_was_sent_again_is_a_dead_letter_itself(line: Line) -> None:
    await line.screen(b'{"kind": "sent_again", "letter": "signals/0/0/0"}')
    assert await line.screening.state.tallies() == {"unknown": {"dead_lettered": 1}}
