"""Draining: what is left to process, and which state intake's gate keeps while the stored one cannot be read."""

import asyncio
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from streams.intake import drain_gate
from streams.intake.drain_gate import Drain, Gate
from streams.operations.drain import unprocessed

CLOSED = Drain(at=datetime(2026, 3, 1, 4, 0, tzinfo=UTC), by="Li", reason="upgrade")


@pytest.mark.parametrize(
    ("begin", "committed", "end", "left"),
    [
        (0, None, 0, 0),
        (0, None, 7, 7),
        (0, 5, 7, 2),
        (7, None, 7, 0),  # all have expired, and nothing was ever processed
        (6, 2, 7, 1),  # some expired unprocessed
        (0, 90, 7, 7),  # the topic was made anew
    ],
)
def test_only_records_that_are_kept_are_waited_for(begin: int, committed: int | None, end: int, left: int) -> None:
    assert unprocessed(begin, committed, end) == left


class StoredState:
    """Stands for Redis: answers with the stored state."""

    def __init__(self, stored: str | None) -> None:
        self.stored, self.read = stored, asyncio.Event()

    async def get(self, name: str) -> str | None:
        self.read.set()
        return self.stored

    async def read_again(self) -> None:
        """Return when the state was read twice more, so that the first of the two was noted."""
        for _ in range(2):
            self.read.clear()
            await self.read.wait()


async def test_an_invalid_stored_state_leaves_the_gate_as_it_is_and_the_next_valid_one_is_followed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(drain_gate, "LOOK_SECONDS", 0.001)
    redis = StoredState('{"by": "Li"}')
    gate = Gate(cast("Any", redis))
    async with asyncio.timeout(10):
        watching = asyncio.create_task(gate.watch())
        await redis.read_again()
        assert (gate.drain, len(caplog.records)) == (None, 1)
        redis.stored = CLOSED.model_dump_json()
        await redis.read_again()
        assert gate.drain == CLOSED
        redis.stored = "not JSON"
        await redis.read_again()
        assert (gate.drain, len(caplog.records)) == (CLOSED, 2)
        redis.stored = None
        await redis.read_again()
        assert gate.drain is None
        watching.cancel()
