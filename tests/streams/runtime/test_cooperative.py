"""Long work lets others have their turn, but not more often than they need."""

import asyncio
from types import SimpleNamespace

import pytest

from streams.runtime import cooperative
from streams.runtime.cooperative import PIECE_SECONDS, in_pieces


class Work:
    """Work that takes so long, on a clock of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.given = 1000.0, 0
        monkeypatch.setattr(cooperative, "time", SimpleNamespace(monotonic=lambda: self.now))

    async def others(self) -> None:
        self.given += 1
        self.now += 10 * PIECE_SECONDS

    async def done(self, seconds: float, stops: int) -> int:
        """How many turns others have in so much of it, which could be interrupted so often."""
        turn, self.given = in_pieces(self.others), 0
        for _ in range(stops):
            self.now += seconds / stops
            await turn()
        return self.given


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    return Work(monkeypatch)


async def test_others_have_a_turn_after_each_piece_and_no_other(work: Work) -> None:
    assert await work.done(2.5 * PIECE_SECONDS, stops=100) == 2
    assert await work.done(30 * PIECE_SECONDS, stops=10) == 10
    assert await work.done(0.9 * PIECE_SECONDS, stops=100) == 0


async def test_whatever_else_is_ready_has_its_turn() -> None:
    turn, had = in_pieces(), list[bool]()
    await asyncio.sleep(PIECE_SECONDS)
    asyncio.get_running_loop().call_soon(had.append, True)
    await turn()
    assert had
