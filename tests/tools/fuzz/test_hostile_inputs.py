"""Twenty thousand hostile inputs, as many over the wire as time allows; `python -m tests.tools.fuzz`: more."""

from pathlib import Path

from tests.tools.fuzz import rooms
from tests.tools.fuzz.book import Book
from tests.tools.fuzz.line import running
from tests.tools.fuzz.stream import send_records, send_requests


def test_no_hostile_input_crashes_or_holds_up_a_door_or_gets_a_person_named() -> None:
    book, _ = rooms.run(seed=2, count=19_000)
    assert (book.crashes, book.hangs, book.leaks) == (0, 0, 0), "\n".join(book.faults)
    assert book.inputs >= 18_900


async def test_a_line_under_hostile_records_and_requests_loses_nothing_and_comes_back_from_a_lost_redis(
    tmp_path: Path,
) -> None:
    book = Book()
    async with running(tmp_path) as line:
        await send_records(line, book, 2, 700)
        await send_requests(line, book, 2, 300)
        assert await line.drained() == ""
        await line.lose_redis()
        assert await line.drained() == ""
        assert await line.leaks() == []
        assert max(line.peaks_mb().values()) < 400
    assert (book.crashes, book.hangs, book.leaks) == (0, 0, 0), "\n".join(book.faults)
